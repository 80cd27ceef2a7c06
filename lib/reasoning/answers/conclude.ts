import { withoutFinalLine } from "./extractor.ts";
import { relayWithFallback, showAnswer } from "./fallback.ts";
import type { ReasoningEvent } from "../events.ts";
import { type Sample, sampleText } from "../output/parallel.ts";
import { instruct } from "../conversation.ts";
import type { CallContext } from "../strategy.ts";

/**
 * Shows the sample's answer as it is. A visible call (prompt `synthesize`) rewrites it if
 * `rewrite` is set, the client sent tools or asked for JSON, or the sample was cut off while it
 * was thinking.
 *
 * @param step the number of the next step.
 */
export async function* conclude(
  context: CallContext<"synthesize", "answer">,
  sample: Sample,
  step: number,
  rewrite = false,
): AsyncGenerator<ReasoningEvent> {
  const { final, json } = context.request;
  const { text, cut } = sample;
  const answer = withoutFinalLine(sampleText(sample));
  if (final.tools === undefined && json === undefined && !rewrite && text.trim() !== "") {
    return yield* showAnswer(context, answer, cut ? "length" : "stop");
  }
  const messages = instruct(context.prompt("synthesize", { answer }), context.request);
  yield* relayWithFallback(context, { role: "answer", messages }, step, [sample]);
}
