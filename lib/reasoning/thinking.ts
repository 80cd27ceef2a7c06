/**
 * A call for its thinking alone.
 *
 * @module
 */
import { type ReasoningEvent, UpstreamError } from "./events.ts";
import type { CallSpec, StrategyContext } from "./strategy.ts";

/** What a thinking call came to. */
export interface Thinking {
  /** The thinking: the upstream's own or tagged; of a model that does neither, all its text. */
  text: string;
  /** The number of the next step. */
  next: number;
}

/**
 * Streams the thinking of a call as an untitled step, and ends the call at its first answer token.
 * Of a call that breaks off, what was shown is the thinking.
 *
 * @param step the number of that step.
 * @throws {UpstreamError} when the call fails before it says anything.
 */
export async function* streamThinking(
  context: StrategyContext,
  spec: CallSpec,
  step: number,
): AsyncGenerator<ReasoningEvent, Thinking> {
  const start = context.clock.now();
  const pieces: string[] = [];
  let tagged = false;
  try {
    for await (const delta of context.call(spec)) {
      const { reasoning, content } = delta;
      if (reasoning !== undefined) tagged = true;
      // A model that keeps to no tags thinks in its text.
      for (const text of [reasoning, tagged ? undefined : content]) {
        if (text === undefined) continue;
        if (pieces.length === 0) yield { type: "step_start", step, titled: false };
        pieces.push(text);
        yield { type: "reasoning", step, part: "content", text };
      }
      if (tagged && content !== undefined) break;
    }
  } catch (error) {
    // What was shown stands.
    if (!(error instanceof UpstreamError) || pieces.length === 0) throw error;
  }
  const text = pieces.join("");
  if (text === "") return { text, next: step };
  const seconds = (context.clock.now() - start) / 1000;
  yield { type: "step_end", step, title: "", content: text, seconds };
  return { text, next: step + 1 };
}
