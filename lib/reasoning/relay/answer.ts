/**
 * The visible call of a strategy: what the upstream writes becomes the client's answer.
 *
 * @module
 */
import type { ToolCallDelta } from "../../upstream/wire/tool_calls.ts";
import {
  type FinishReason,
  type ReasoningEvent,
  type ToolCallEvent,
  UpstreamError,
} from "../events.ts";
import { createJsonChecker } from "../json/checker.ts";
import type { JsonFormat } from "../request.ts";
import { createStopFilter } from "./stop_filter.ts";
import type { CallContext, CallSpec } from "../strategy.ts";
import { createUntitledStep } from "./untitled_step.ts";

/** What a relayed call came to. */
export interface Relayed {
  /** The text, as far as it was held back. */
  text: string;
  /** Why it ended. */
  reason: FinishReason;
  /** The stop sequence that ended it, where that is known. */
  stop: string | undefined;
  /** Whether it is an answer in words, not a refusal or a tool call. */
  isText: boolean;
  /** Whether anything of an answer came at all. */
  answered: boolean;
  /** The upstream's own reasoning. */
  thinking: string;
  /** The number of the next step. */
  next: number;
}

/**
 * Calls upstream for the answer and passes it on. The upstream's own reasoning before it becomes
 * an untitled step; reasoning after the answer has begun is dropped, since clients can't take it.
 * An answer that has to be JSON is checked, and mended at most once, where budget and caps allow it.
 *
 * @param step the number of that step.
 */
export function relayAnswer<Role extends string>(
  context: CallContext<never, Role>,
  spec: CallSpec<Role>,
  step: number,
): AsyncGenerator<ReasoningEvent> {
  const { json } = context.request;
  return json === undefined
    ? relayCall(context, spec, step, { finish: true })
    : relayChecked(context, spec, step, json);
}

async function* relayChecked<Role extends string>(
  context: CallContext<never, Role>,
  spec: CallSpec<Role>,
  step: number,
  json: JsonFormat,
): AsyncGenerator<ReasoningEvent> {
  const check = createJsonChecker(json);
  // An upstream that has held to its schema mode before is trusted to write it live.
  const live = context.request.stream && context.json.isSure(spec.role);
  const first = yield* relayCall(context, { ...spec, json }, step, {
    hold: !live,
    keep: true,
  });
  if (!first.isText || first.reason !== "stop") {
    if (first.text !== "") yield { type: "answer", text: first.text };
    return yield { type: "finish", reason: first.reason };
  }
  const checked = check(first.text);
  if (checked.ok) {
    context.json.held(spec.role);
    if (!live) yield { type: "answer", text: checked.json };
    return yield { type: "finish", reason: "stop" };
  }
  context.json.ignored(spec.role);
  if (live) {
    throw new UpstreamError("upstream_error", "The answer does not follow the response_format.");
  }
  if (!context.canAnswer()) return yield* refuse();
  const messages = [
    ...spec.messages,
    { role: "assistant" as const, content: first.text },
    {
      role: "user" as const,
      content: context.prompt("mend", { problem: checked.problem }),
    },
  ];
  const second = yield* relayCall(context, { ...spec, json, messages }, first.next, {
    hold: true,
  });
  const mended = second.isText && second.reason === "stop" ? check(second.text) : undefined;
  if (mended?.ok) {
    yield { type: "answer", text: mended.json };
    return yield { type: "finish", reason: "stop" };
  }
  if (mended === undefined) {
    if (second.text !== "") yield { type: "answer", text: second.text };
    return yield { type: "finish", reason: second.reason };
  }
  yield* refuse();
}

/** What stands for an answer that can't be mended, or not any more. */
function* refuse(): Generator<ReasoningEvent> {
  yield { type: "refusal", text: "The model's answer does not follow the response_format." };
  yield { type: "finish", reason: "stop" };
}

/** The last event. */
export function finishOf(reason: FinishReason, stop: string | undefined): ReasoningEvent {
  return { type: "finish", reason, ...(stop === undefined ? {} : { stop }) };
}

/** What is done with the text of a call. */
export interface RelayOptions {
  /** Whether it is held back and returned instead. */
  hold?: boolean;
  /** Whether it is returned although it is passed on; default: as `hold`. */
  keep?: boolean;
  /** Whether the finish is passed on as well. */
  finish?: boolean;
}

/** Passes one visible call on, without its finish unless that is asked for. */
export async function* relayCall<Role extends string>(
  context: CallContext<never, Role>,
  spec: CallSpec<Role>,
  step: number,
  { hold = false, keep = hold, finish = false }: RelayOptions = {},
): AsyncGenerator<ReasoningEvent, Relayed> {
  const { final } = context.request;
  const stops = [final.stop ?? []].flat();
  const stop = createStopFilter(stops);
  let told: string | undefined;
  const toolCall = createToolCallNumbers(final.parallel_tool_calls === false);
  const kept: string[] = [];
  const thinking = createUntitledStep(context.clock, step);
  let answering = false;
  let refused = false;
  let tools = false;
  let reason: FinishReason = "stop";

  for await (const delta of context.call({ ...spec, visible: true })) {
    if (delta.reasoning !== undefined && !answering) {
      for (const event of thinking.add(delta.reasoning)) yield event;
    }
    if (
      delta.content !== undefined || delta.refusal !== undefined || delta.toolCalls !== undefined
    ) {
      answering = true;
      for (const event of thinking.end()) yield event;
    }
    if (delta.content !== undefined) {
      const text = stop.push(delta.content);
      if (keep) kept.push(text);
      if (!hold && text !== "") yield { type: "answer", text };
      if (stop.stopped()) break;
    }
    if (delta.refusal !== undefined) {
      refused = true;
      yield { type: "refusal", text: delta.refusal };
    }
    for (const call of delta.toolCalls ?? []) {
      const event = toolCall(call);
      if (event === undefined) continue;
      tools = true;
      yield event;
    }
    if (delta.finishReason !== undefined) reason = delta.finishReason;
    if (delta.stopSequence !== undefined && stops.includes(delta.stopSequence)) {
      told = delta.stopSequence;
    }
  }
  for (const event of thinking.end()) yield event;
  const thought = thinking.text();
  const rest = stop.end();
  if (keep) kept.push(rest);
  if (!hold && rest !== "") yield { type: "answer", text: rest };
  if (tools && reason === "stop") reason = "tool_calls";
  if (finish) yield finishOf(reason, stop.sequence() ?? told);
  return {
    text: kept.join(""),
    reason,
    stop: stop.sequence() ?? told,
    isText: !tools && !refused,
    answered: answering,
    thinking: thought,
    next: thought === "" ? step : step + 1,
  };
}

/** Numbers tool calls from 0 without gaps, whatever the upstream calls them. */
function createToolCallNumbers(
  onlyOne: boolean,
): (call: ToolCallDelta) => ToolCallEvent | undefined {
  const numbers = new Map<number, number>();
  return (call) => {
    let index = numbers.get(call.index);
    if (index === undefined) numbers.set(call.index, index = numbers.size);
    return onlyOne && index > 0 ? undefined : { type: "tool_call", ...call, index };
  };
}
