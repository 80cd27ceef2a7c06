/**
 * What an upstream call asks for, told from its messages alone.
 *
 * @module
 */
import {
  commonPrompts,
  draftPrompts,
  moaPrompts,
  relayPrompts,
  rsaPrompts,
  stepsPrompts,
  thinkPrompts,
  verifyPrompts,
  votePrompts,
} from "../../../lib/reasoning/prompts.ts";
import type { Call, Upstream } from "../../support/upstream.ts";

/** Each kind of call, and the prompt by which it is known. */
const PROMPTS = {
  step: stepsPrompts.step,
  step_answer: stepsPrompts.answer,
  think: thinkPrompts.think,
  draft: draftPrompts.think,
  answer: thinkPrompts.answer,
  reasoner: relayPrompts.reasoner,
  writer: relayPrompts.writer,
  sample: votePrompts.sample,
  judge: votePrompts.judge,
  synthesize: votePrompts.synthesize,
  planner: verifyPrompts.planner,
  verifier: verifyPrompts.verifier,
  repair: verifyPrompts.repair,
  aggregate: rsaPrompts.aggregate,
  central: rsaPrompts.answer,
  proposer: moaPrompts.proposer,
  refine: moaPrompts.refine,
  aggregator: moaPrompts.aggregator,
  mend: commonPrompts.mend,
  wait: thinkPrompts.wait,
  step_wait: stepsPrompts.wait,
} as const;

/** What a call asks for; `plain` is the conversation as it is. */
export type Kind = keyof typeof PROMPTS | "plain";

/** The beginnings of the prompts, up to what is filled in; longer ones first. */
const HEADS = Object.entries(PROMPTS)
  .map(([kind, prompt]) => [kind as Kind, prompt.split("{", 1)[0]!.trimEnd()] as const)
  .sort(([, a], [, b]) => b.length - a.length);

/** A message as it was sent upstream. */
export interface SentMessage {
  /** Who speaks. */
  role: string;
  /** Text, or parts. */
  content: unknown;
}

/** What a call asks for; the last message that is one of the prompts tells. */
export function kindOf({ body }: Pick<Call, "body">): Kind {
  for (const { content } of (body.messages as SentMessage[]).toReversed()) {
    const found = HEADS.find(([, head]) => typeof content === "string" && content.startsWith(head));
    if (found !== undefined) return found[0];
  }
  return "plain";
}

/** How many calls of each kind there were. */
export function kindsOf({ calls }: Pick<Upstream, "calls">): Partial<Record<Kind, number>> {
  const counts: Partial<Record<Kind, number>> = {};
  for (const call of calls) counts[kindOf(call)] = (counts[kindOf(call)] ?? 0) + 1;
  return counts;
}

/** The messages of a call. */
export function messagesOf({ body }: Pick<Call, "body">): SentMessage[] {
  return body.messages;
}

/** All text of a call's messages. */
export function textOf(call: Pick<Call, "body">): string {
  return messagesOf(call).map(({ content }) =>
    typeof content === "string" ? content : JSON.stringify(content)
  ).join("\n\n");
}
