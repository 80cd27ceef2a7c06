/**
 * The next turn of a conversation that works with tools: several are made at once, and the best is
 * sent whole. An answer that was found without the tools would say nothing about the next call.
 */
import { canonicalize } from "@std/json";
import { callsTools, instruct, mustCallTool } from "../conversation.ts";
import type { ReasoningEvent } from "../events.ts";
import { createJsonChecker } from "../json/checker.ts";
import { relayAnswer } from "../output/answer.ts";
import { candidate, type Sample, sampleAll } from "../output/parallel.ts";
import type { ReasoningRequest } from "../request.ts";
import type { CallContext } from "../strategy.ts";
import { nameOf } from "../tools/turns.ts";
import { showAnswer } from "./fallback.ts";
import { byCentrality, judge } from "./judge.ts";
import { type Cluster, tally } from "./vote_decision.ts";

/** Whether the next turn will call a tool, or answer to what one returned. */
export function isToolTurn({ messages, final }: ReasoningRequest): boolean {
  if (final.tools === undefined || final.tool_choice === "none") return false;
  return mustCallTool(final) || callsTools(messages);
}

export interface PickOptions<Role extends string> {
  roles: readonly Role[];
  temperature: number;
  /** The role that answers alone if no sample can be sent. */
  answer: Role;
}

/**
 * Makes a turn for each role, sends the one that more than half agree on, or else the one that a
 * judge prefers. Turns agree if they make the same calls, in any order, or if none makes one.
 */
export async function* pickTurn<Role extends string>(
  context: CallContext<"turn" | "pick", Role | "judge">,
  { roles: wanted, temperature, answer }: PickOptions<Role>,
): AsyncGenerator<ReasoningEvent> {
  const { request } = context;
  const roles = wanted.slice(0, Math.max(0, context.samples(wanted.length)));
  const alone = { role: answer, messages: request.messages };
  if (roles.length < 2 || !await context.canThink(roles.length)) {
    return yield* relayAnswer(context, alone, 1);
  }
  const { json } = request;
  const instructed = instruct(context.prompt("turn"), request);
  const specs = roles.map((role, index) => ({
    index,
    role,
    temperature,
    isTurn: true,
    // An answer in JSON has no room for tags.
    messages: json !== undefined || context.reasonsItself(role) ? request.messages : instructed,
    ...(json === undefined ? {} : { json }),
  }));
  const formOf = createTurnReader(request);
  /** Samples by the canonical form of what their turn does. */
  const clusters = new Map<string, Cluster<Sample>>();
  const ranking = () => [...clusters.values()].sort((a, b) => b.voters.length - a.voters.length);
  const { samples, error } = yield* sampleAll(context, specs, {
    liveStep: 1,
    onSample(sample) {
      const form = formOf(sample);
      const label = labelOf(sample);
      if (form !== undefined) {
        const cluster = clusters.get(form) ?? { answer: label, voters: [] };
        clusters.set(form, cluster);
        cluster.voters.push(sample);
      }
      const [first] = ranking();
      return {
        lines: [{ ...candidate(sample, label), text: turnText(sample) }],
        done: first !== undefined && first.voters.length * 2 > roles.length,
      };
    },
  });
  if (samples.length === 0 && error !== undefined) throw error;
  const ranked = ranking();
  const [first] = ranked;
  if (first === undefined) return yield* relayAnswer(context, alone, 2);
  yield tally(ranked, samples.length);
  if (ranked.length === 1 || first.voters.length * 2 > samples.length) {
    return yield* showTurn(context, central(first));
  }
  yield { type: "status", text: "The turns do not agree; a judge compares them." };
  const turns = ranked.map(central);
  const contenders = ranked.map(({ voters }, i) => ({
    text: turnText(turns[i]!),
    votes: voters.length,
  }));
  yield* showTurn(context, turns[await judge(context, contenders, "pick")]!);
}

/**
 * Returns a function whose results are equal for turns that do the same, and undefined for a turn
 * that can't be sent.
 */
function createTurnReader({ final, json }: ReasoningRequest) {
  const names = new Set<unknown>(final.tools?.map(nameOf));
  const check = json && createJsonChecker(json);
  return ({ text, toolCalls, cut }: Sample): string | undefined => {
    if (cut) return undefined;
    if (toolCalls.length === 0) {
      const isAnswer = text.trim() !== "" && !mustCallTool(final) && check?.(text).ok !== false;
      return isAnswer ? "" : undefined;
    }
    if (!toolCalls.every(({ name }) => names.has(name))) return undefined;
    try {
      return toolCalls.map(({ name, arguments: json }) =>
        canonicalize([name ?? "", JSON.parse(json.trim() || "{}")])
      ).sort().join("\n");
    } catch {
      return undefined;
    }
  };
}

/** Returns the sample that is most like the others; calls that agree are alike. */
function central({ voters }: Cluster<Sample>): Sample {
  return voters[voters[0]!.toolCalls.length > 0 ? 0 : byCentrality(voters.map(turnText))[0]!]!;
}

function labelOf({ toolCalls }: Sample): string {
  const calls = toolCalls.map(({ name, arguments: json }) => `${name}(${json})`);
  return calls.length === 0 ? "an answer without a call" : calls.join(", ");
}

/** The turn as a judge reads it. */
function turnText(sample: Sample): string {
  const text = sample.text.trim();
  if (sample.toolCalls.length === 0) return text;
  return `${text}\n\nCalls: ${labelOf(sample)}`.trim();
}

function* showTurn(
  context: CallContext,
  { text, toolCalls, state: pieces }: Sample,
): Generator<ReasoningEvent> {
  const { json } = context.request;
  for (const state of pieces) yield { type: "state", state };
  if (toolCalls.length === 0) {
    const checked = json && createJsonChecker(json)(text);
    return yield* showAnswer(context, checked?.ok ? checked.json : text.trim(), "stop");
  }
  const before = text.trim();
  context.countAsAnswer(
    before + toolCalls.map(({ name, arguments: json }) => `${name}${json}`).join(""),
  );
  if (before !== "") yield { type: "answer", text: before };
  for (const call of toolCalls) {
    yield { type: "tool_call", ...call, arguments: call.arguments.trim() || "{}" };
  }
  yield { type: "finish", reason: "tool_calls" };
}
