/**
 * The visible call of a strategy that already has an answer to show if the call fails.
 *
 * @module
 */
import { mustCallTool } from "../conversation.ts";
import { finishOf, relayAnswer } from "../relay/answer.ts";
import { type FinishReason, type ReasoningEvent, UpstreamError } from "../events.ts";
import { createJsonChecker } from "../json/checker.ts";
import { createStopFilter } from "../relay/stop_filter.ts";
import type { CallContext, CallSpec } from "../strategy.ts";

/**
 * Calls upstream for the answer like `relayAnswer`. If the call fails before anything of its
 * answer was shown, shows the fallback.
 *
 * @param step the number of the next step.
 * @param fallback an answer without its reasoning, or an empty string.
 * @throws {UpstreamError} if part of the answer was shown, if the upstream rejected the request
 * itself, or if the fallback does not have the form that the client asked for.
 */
export async function* relayWithFallback<Role extends string>(
  context: CallContext<never, Role>,
  spec: CallSpec<Role>,
  step: number,
  fallback: string,
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
    const text = isAnswering ? undefined : usableFallback(context, fallback, error);
    if (text === undefined) throw error;
    if (openStep !== undefined) {
      const content = openStep.content.join("");
      yield { type: "step_end", step: openStep.step, title: "", content, seconds: 0 };
    }
    yield { type: "status", text: "The last call failed. This is the best answer so far." };
    yield* showAnswer(context, text, "stop");
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
