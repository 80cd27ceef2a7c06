import type { ToolCallDelta } from "../../upstream/wire/tool_calls.ts";
import { type FinishReason, type ReasoningEvent, UpstreamError } from "../events.ts";
import { createJsonChecker } from "../json/checker.ts";
import type { JsonFormat, Message } from "../request.ts";
import { createStopFilter } from "./stop_filter.ts";
import type { CallContext, CallSpec } from "../strategy.ts";
import { createUntitledStep } from "./untitled_step.ts";

export interface Relayed {
  /** The answer's text, if JSON was asked for. */
  text: string;
  reason: FinishReason;
  /** The stop sequence that ended the answer, if it is known. */
  stop: string | undefined;
  /** Whether the answer is text: no refusal and no tool call. */
  isText: boolean;
  /** Whether anything of an answer was received. */
  answered: boolean;
  /** The upstream's own reasoning. */
  thinking: string;
  /** The number of the next step. */
  next: number;
}

export interface RelayOptions {
  /** Whether to return the text instead of showing it. */
  hold?: boolean;
  /** Whether to end with the finish event. */
  finish?: boolean;
}

/**
 * Calls upstream for the answer and shows it. The upstream's own reasoning before the answer
 * becomes an untitled step; later reasoning is dropped, since clients can't display it.
 * JSON answers are checked and repaired at most once, if budget and caps allow it.
 *
 * @param step the number of the untitled step.
 */
export function relayAnswer<Role extends string>(
  context: CallContext<never, Role>,
  spec: CallSpec<Role>,
  step: number,
): AsyncGenerator<ReasoningEvent> {
  const { json } = context.request;
  return json === undefined
    ? relayCall(context, spec, step, { finish: true })
    : relayJson(context, { ...spec, json }, step, json);
}

/**
 * Like {@linkcode relayAnswer}, with the first of several conversations that fits into the model's
 * context and leaves room for the answer. The last one is the client's own.
 */
export async function* relayFitting<Role extends string>(
  context: CallContext<never, Role>,
  spec: Omit<CallSpec<Role>, "messages">,
  conversations: readonly Message[][],
  step: number,
): AsyncGenerator<ReasoningEvent> {
  for (const [index, messages] of conversations.entries()) {
    const isLast = index === conversations.length - 1;
    if (!isLast && !context.hasRoom(spec.role, messages)) continue;
    let hasBegun = false;
    try {
      for await (const event of relayAnswer(context, { ...spec, messages }, step)) {
        hasBegun = true;
        yield event;
      }
      return;
    } catch (error) {
      if (hasBegun || isLast || !isTooLong(error) || !context.canAnswer()) throw error;
    }
  }
}

/**
 * Inserts a status line before the first event, unless it is undefined. If there is no event because
 * the call fails, the client gets an error status instead.
 */
export async function* withStatus(
  text: string | undefined,
  events: AsyncIterable<ReasoningEvent>,
): AsyncGenerator<ReasoningEvent> {
  for await (const event of events) {
    if (text !== undefined) yield { type: "status", text };
    text = undefined;
    yield event;
  }
}

/** Whether a call failed because its conversation exceeds the model's context. */
export function isTooLong(error: unknown): boolean {
  return error instanceof UpstreamError && error.code === "context_length_exceeded";
}

async function* relayJson<Role extends string>(
  context: CallContext<never, Role>,
  spec: CallSpec<Role>,
  step: number,
  json: JsonFormat,
): AsyncGenerator<ReasoningEvent> {
  const check = createJsonChecker(json);
  const isComplete = ({ isText, reason }: Relayed) => isText && reason === "stop";
  // An upstream that has followed its schema mode before is trusted to do so again.
  const isLive = context.request.stream && context.json.isSure(spec.role, json);
  const first = yield* relayCall(context, spec, step, { hold: !isLive });
  if (!isComplete(first)) return yield* showHeld(isLive ? "" : first.text, first.reason);
  const checked = check(first.text);
  if (checked.ok) {
    context.json.followed(spec.role, json);
    return yield* showHeld(isLive ? "" : checked.json, "stop");
  }
  context.json.ignored(spec.role, json);
  if (isLive) {
    throw new UpstreamError("upstream_error", "The answer does not follow the response_format.");
  }
  if (!context.canAnswer()) return yield* refuse();
  const messages = [
    ...spec.messages,
    { role: "assistant" as const, content: first.text },
    { role: "user" as const, content: context.prompt("mend", { problem: checked.problem }) },
  ];
  const second = yield* relayCall(context, { ...spec, messages }, first.next, { hold: true });
  if (!isComplete(second)) return yield* showHeld(second.text, second.reason);
  const repaired = check(second.text);
  if (repaired.ok) context.json.followed(spec.role, json);
  yield* repaired.ok ? showHeld(repaired.json, "stop") : refuse();
}

function* showHeld(text: string, reason: FinishReason): Generator<ReasoningEvent> {
  if (text !== "") yield { type: "answer", text };
  yield { type: "finish", reason };
}

function* refuse(): Generator<ReasoningEvent> {
  yield { type: "refusal", text: "The model's answer does not follow the response_format." };
  yield { type: "finish", reason: "stop" };
}

export function finishOf(reason: FinishReason, stop: string | undefined): ReasoningEvent {
  return { type: "finish", reason, ...(stop === undefined ? {} : { stop }) };
}

/** Makes one visible call and shows its reasoning, refusal, tool calls and text. */
export async function* relayCall<Role extends string>(
  context: CallContext<never, Role>,
  spec: CallSpec<Role>,
  step: number,
  { hold = false, finish = false }: RelayOptions = {},
): AsyncGenerator<ReasoningEvent, Relayed> {
  const { final } = context.request;
  const stops = [final.stop ?? []].flat();
  const filter = createStopFilter(stops);
  let upstreamStop: string | undefined;
  let toToolCall: ReturnType<typeof createToolCallNumbering> | undefined;
  const kept: string[] = [];
  const thinking = createUntitledStep(context.clock, step);
  let answered = false;
  let isText = true;
  let hasToolCalls = false;
  /** Whether a call has arguments, by its number. */
  const hasArguments: boolean[] = [];
  let reason: FinishReason = "stop";

  for await (const delta of context.call({ ...spec, visible: true })) {
    if (delta.reasoning !== undefined && !answered) {
      for (const event of thinking.add(delta.reasoning)) yield event;
    }
    for (const state of delta.state ?? []) yield { type: "state", state };
    if (
      delta.content !== undefined || delta.refusal !== undefined ||
      delta.toolCalls !== undefined || delta.parts !== undefined
    ) {
      answered = true;
      for (const event of thinking.end()) yield event;
    }
    if (delta.thought !== undefined) {
      kept.length = 0;
      // What was shown can't be taken back. The tag lets the next turn leave it out.
      if (!hold) yield { type: "answer", text: `${delta.thought}</think>\n\n` };
    }
    if (delta.content !== undefined) {
      const text = filter.push(delta.content);
      if (spec.json !== undefined) kept.push(text);
      if (!hold && text !== "") yield { type: "answer", text };
      if (filter.sequence() !== undefined) break;
    }
    if (delta.refusal !== undefined) {
      isText = false;
      yield { type: "refusal", text: delta.refusal };
    }
    for (const call of delta.toolCalls ?? []) {
      toToolCall ??= createToolCallNumbering(final.parallel_tool_calls === false);
      const numbered = toToolCall(call);
      if (numbered === undefined) continue;
      isText = false;
      hasToolCalls = true;
      hasArguments[numbered.index] ||= numbered.arguments.trim() !== "";
      yield { type: "tool_call", ...numbered };
    }
    for (const parts of delta.parts ?? []) yield { type: "parts", parts };
    if (delta.finishReason !== undefined) reason = delta.finishReason;
    if (delta.stopSequence !== undefined && stops.includes(delta.stopSequence)) {
      upstreamStop = delta.stopSequence;
    }
  }
  for (const event of thinking.end()) yield event;
  for (const [index, has] of hasArguments.entries()) {
    if (!has) yield { type: "tool_call", index, arguments: "{}" };
  }
  const rest = filter.end();
  if (spec.json !== undefined) kept.push(rest);
  if (!hold && rest !== "") yield { type: "answer", text: rest };
  // Some upstreams confuse the two, and clients would wait for calls that never come.
  if (reason === "stop" || reason === "tool_calls") reason = hasToolCalls ? "tool_calls" : "stop";
  const stop = filter.sequence() ?? upstreamStop;
  if (finish) yield finishOf(reason, stop);
  const thought = thinking.text();
  return {
    text: kept.join(""),
    reason,
    stop,
    isText,
    answered,
    thinking: thought,
    next: thought === "" ? step : step + 1,
  };
}

/**
 * Numbers tool calls from 0 without gaps, whatever indices the upstream uses, and makes their ids
 * distinct: some upstreams name every call of a turn alike, and results would be mixed up.
 */
export function createToolCallNumbering(
  firstOnly: boolean,
): (call: ToolCallDelta) => ToolCallDelta | undefined {
  const numbers = new Map<number, number>();
  /** The number of the call that uses an id, by the id. */
  const owners = new Map<string, number>();
  return (call) => {
    let index = numbers.get(call.index);
    if (index === undefined) numbers.set(call.index, index = numbers.size);
    if (firstOnly && index > 0) return undefined;
    let { id } = call;
    if (id !== undefined) {
      if ((owners.get(id) ?? index) !== index) id += `_${index}`;
      owners.set(id, index);
    }
    return { ...call, index, ...(id === undefined ? {} : { id }) };
  };
}
