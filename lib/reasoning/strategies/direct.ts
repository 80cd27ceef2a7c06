import { z } from "zod";
import type { ReasoningEvent } from "../events.ts";
import { relayAnswer } from "../output/answer.ts";
import { type CallContext, defineStrategy, type Strategy } from "../strategy.ts";

export const direct: Strategy = defineStrategy({
  summary: "One call, passed through.",
  label: { calls: "1", latency: "1 call" },
  options: z.strictObject({}),
  prompts: {},
  roles: ["answer"],
  run: answerDirectly,
});

/** Answers with one call and no thinking, for strategies whose budget leaves no room for more. */
export function answerDirectly(
  context: CallContext<never, "answer">,
): AsyncGenerator<ReasoningEvent> {
  return relayAnswer(context, { role: "answer", messages: context.request.messages }, 1);
}
