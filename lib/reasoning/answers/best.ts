/**
 * The visible call of a strategy that has an answer in hand: where the call dies before its first
 * word, that answer is given in its place.
 *
 * @module
 */
import { finishOf, relayAnswer } from "../relay/answer.ts";
import { type ReasoningEvent, UpstreamError } from "../events.ts";
import { createJsonChecker } from "../json/checker.ts";
import { createStopFilter } from "../relay/stop_filter.ts";
import type { CallSpec, StrategyContext } from "../strategy.ts";

/**
 * Calls upstream for the answer, as `relayAnswer` does.
 *
 * @param step the number of the next step.
 * @param best the answer in hand, without its reasoning; empty where there is none.
 * @throws {UpstreamError} what the call failed with, where it has been heard, where the request
 * itself was refused, or where the answer in hand is not of the form that the client asked for.
 */
export async function* relayOrBest(
  context: StrategyContext,
  spec: CallSpec,
  step: number,
  best: string,
): AsyncGenerator<ReasoningEvent> {
  let open: { step: number; content: string[] } | undefined;
  let heard = false;
  try {
    for await (const event of relayAnswer(context, spec, step)) {
      if (event.type === "step_start") open = { step: event.step, content: [] };
      else if (event.type === "reasoning") open?.content.push(event.text);
      else if (event.type === "step_end") open = undefined;
      else if (event.type !== "status") heard = true;
      yield event;
    }
    return;
  } catch (error) {
    const text = heard ? undefined : instead(context, best, error);
    if (text === undefined) throw error;
    if (open !== undefined) {
      const content = open.content.join("");
      yield { type: "step_end", step: open.step, title: "", content, seconds: 0 };
    }
    yield { type: "status", text: "The last call failed: this is the best answer until then." };
    const { final } = context.request;
    const stop = createStopFilter([final.stop ?? []].flat());
    const shown = stop.push(text) + stop.end();
    context.shows(shown);
    if (shown !== "") yield { type: "answer", text: shown };
    yield finishOf("stop", stop.sequence());
  }
}

/** The answer that is as good as the call's would have been, if there is one. */
function instead(context: StrategyContext, best: string, error: unknown): string | undefined {
  if (best === "" || !(error instanceof UpstreamError) || context.signal.aborted) return undefined;
  // What one upstream calls wrong stays wrong; the client has to know.
  if (error.code === "upstream_rejected" || error.code === "context_length_exceeded") {
    return undefined;
  }
  const { final, json } = context.request;
  const choice = final.tool_choice;
  if (choice === "required" || (typeof choice === "object" && choice !== null)) return undefined;
  if (json === undefined) return best;
  const checked = createJsonChecker(json)(best);
  return checked.ok ? checked.json : undefined;
}
