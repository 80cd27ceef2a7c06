/**
 * The end of a strategy that has its answer already, in one of its samples.
 *
 * @module
 */
import { relayAnswer } from "./answer.ts";
import type { ReasoningEvent } from "./events.ts";
import type { Message } from "./request.ts";
import { createStopFilter } from "./stop_filter.ts";
import type { StrategyContext } from "./strategy.ts";

/**
 * Shows the answer; with tools or a format of the client's, or where it is to be rewritten, a
 * visible call that is given the answer (prompt `synthesize`) writes it.
 *
 * @param step the number of the next step.
 */
export async function* conclude(
  context: StrategyContext,
  answer: string,
  step: number,
  rewrite = false,
): AsyncGenerator<ReasoningEvent> {
  const { final, json, messages: conversation } = context.request;
  if (final.tools === undefined && json === undefined && !rewrite) {
    const stop = createStopFilter([final.stop ?? []].flat());
    const text = stop.push(answer) + stop.end();
    context.shows(text);
    if (text !== "") yield { type: "answer", text };
    return yield { type: "finish", reason: "stop" };
  }
  const messages: Message[] = [
    { role: "system", content: context.prompt("synthesize").replace("{answer}", () => answer) },
    ...conversation,
  ];
  yield* relayAnswer(context, { role: "answer", messages }, step);
}
