import { mustCallTool } from "../conversation.ts";
import { finishOf, relayAnswer } from "../relay/answer.ts";
import { type FinishReason, type ReasoningEvent, UpstreamError } from "../events.ts";
import { createJsonChecker } from "../json/checker.ts";
import { createStopFilter } from "../relay/stop_filter.ts";
import type { CallContext, CallSpec } from "../strategy.ts";

/**
 * Calls upstream for the answer like `relayAnswer`. If the call fails before anything of its
 * answer was shown, shows a fallback.
 *
 * @param step the number of the next step.
 * @param fallbacks answers without their reasoning; empty ones are not shown.
 * @param choose returns one of the indices of fallbacks that can be shown. Default: the first.
 * @throws {UpstreamError} if part of the answer was shown, if the upstream rejected the request
 * itself, or if no fallback has the form that the client asked for.
 */
export async function* relayWithFallback<Role extends string>(
  context: CallContext<never, Role>,
  spec: CallSpec<Role>,
  step: number,
  fallbacks: readonly string[],
  choose?: (usable: readonly number[]) => AsyncGenerator<ReasoningEvent, number>,
): AsyncGenerator<ReasoningEvent> {
  let openStep: { step: number; content: string[] } | undefined;
  let isAnswering = false;
  try {
    for await (const event of relayAnswer(context, spec, step)) {
      if (event.type === "step_start") openStep = { step: event.step, content: [] };
      else if (event.type === "reasoning") openStep?.content.push(event.text);
      else if (event.type === "step_end") openStep = undefined;
      else if (event.type !== "status") isAnswering = true;
      yield event;
    }
  } catch (error) {
    const texts = isAnswering ? [] : fallbacks.map((text) => usableFallback(context, text, error));
    const usable = texts.flatMap((text, index) => text === undefined ? [] : [index]);
    const [first] = usable;
    if (first === undefined) throw error;
    if (openStep !== undefined) {
      const content = openStep.content.join("");
      yield { type: "step_end", step: openStep.step, title: "", content, seconds: 0 };
    }
    // After a timeout, the client has waited long enough.
    const isLate = error instanceof UpstreamError && error.code === "upstream_timeout";
    const chosen = choose === undefined || isLate ? first : yield* choose(usable);
    yield { type: "status", text: "The last call failed. This is the best answer so far." };
    yield* showAnswer(context, texts[chosen]!, "stop");
  }
}

/** Shows a finished text up to the client's stop sequence; `reason` applies if none comes. */
export function* showAnswer(
  context: CallContext,
  answer: string,
  reason: FinishReason,
): Generator<ReasoningEvent> {
  const stop = createStopFilter([context.request.final.stop ?? []].flat());
  const text = stop.push(answer) + stop.end();
  context.countAsAnswer(text);
  if (text !== "") yield { type: "answer", text };
  yield finishOf(stop.stopped() ? "stop" : reason, stop.sequence());
}

/** Returns the text to show in place of the call's answer, if the client can accept it. */
function usableFallback(
  context: CallContext,
  fallback: string,
  error: unknown,
): string | undefined {
  if (fallback === "" || !(error instanceof UpstreamError) || context.signal.aborted) {
    return undefined;
  }
  // The request itself is wrong, which the client has to know.
  if (error.code === "upstream_rejected") return undefined;
  const { final, json } = context.request;
  if (mustCallTool(final)) return undefined;
  if (json === undefined) return fallback;
  const checked = createJsonChecker(json)(fallback);
  return checked.ok ? checked.json : undefined;
}
