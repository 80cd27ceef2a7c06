/**
 * The end of a strategy that has its answer already, in one of its samples.
 *
 * @module
 */
import { finishOf } from "../relay/answer.ts";
import { withoutFinalLine } from "./extractor.ts";
import { relayOrBest } from "./best.ts";
import type { ReasoningEvent } from "../events.ts";
import type { Sample } from "../relay/parallel.ts";
import type { Message } from "../request.ts";
import { createStopFilter } from "../relay/stop_filter.ts";
import type { StrategyContext } from "../strategy.ts";

/**
 * Shows the sample's answer. With tools or a format of the client's, where it is to be rewritten,
 * or where the sample was cut off in its thinking, a visible call that is given what there is
 * (prompt `synthesize`) writes it.
 *
 * @param step the number of the next step.
 */
export async function* conclude(
  context: StrategyContext,
  { text: written, thinking, cut }: Sample,
  step: number,
  rewrite = false,
): AsyncGenerator<ReasoningEvent> {
  const { final, json, messages: conversation } = context.request;
  const answer = withoutFinalLine(written || thinking);
  if (final.tools === undefined && json === undefined && !rewrite && written !== "") {
    const stop = createStopFilter([final.stop ?? []].flat());
    const text = stop.push(answer) + stop.end();
    context.shows(text);
    if (text !== "") yield { type: "answer", text };
    return yield finishOf(cut && !stop.stopped() ? "length" : "stop", stop.sequence());
  }
  const messages: Message[] = [
    { role: "system", content: context.prompt("synthesize").replace("{answer}", () => answer) },
    ...conversation,
  ];
  // Thinking that was cut off is no answer.
  const best = written === "" ? "" : answer;
  yield* relayOrBest(context, { role: "answer", messages }, step, best);
}
