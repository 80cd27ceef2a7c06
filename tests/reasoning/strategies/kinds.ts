/**
 * What an upstream call asks for, told from its messages alone.
 *
 * @module
 */
import { commonPrompts } from "../../../lib/reasoning/prompts.ts";
import type { Call, Upstream } from "../../support/upstream.ts";
import { strategyOf } from "./table.ts";

const own = (strategy: string, prompt: string) => strategyOf(strategy).prompts[prompt]!;

/** Each kind of call, and the prompt by which it is known. */
const PROMPTS = {
  step: own("steps", "step"),
  step_answer: own("steps", "answer"),
  think: own("think", "think"),
  draft: own("draft", "think"),
  answer: own("think", "answer"),
  reasoner: own("relay", "reasoner"),
  writer: own("relay", "writer"),
  sample: own("vote", "sample"),
  judge: own("vote", "judge"),
  synthesize: own("vote", "synthesize"),
  planner: own("verify", "planner"),
  verifier: own("verify", "verifier"),
  repair: own("verify", "repair"),
  aggregate: own("rsa", "aggregate"),
  central: own("rsa", "answer"),
  proposer: own("moa", "proposer"),
  refine: own("moa", "refine"),
  aggregator: own("moa", "aggregator"),
  mend: commonPrompts.mend,
  wait: own("think", "wait"),
  step_wait: own("steps", "wait"),
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
