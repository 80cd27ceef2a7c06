import { mustCallTool } from "../conversation.ts";
import { finishOf, relayAnswer } from "../output/answer.ts";
import { createAnswerWatch } from "../output/answer_watch.ts";
import { type FinishReason, type ReasoningEvent, UpstreamError } from "../events.ts";
import { createJsonChecker } from "../json/checker.ts";
import type { Sample } from "../output/parallel.ts";
import { createStopFilter } from "../output/stop_filter.ts";
import type { CallContext, CallSpec } from "../strategy.ts";
import { withoutFinalLine } from "./extractor.ts";

/**
 * Calls upstream for the answer like `relayAnswer`. If the call fails before anything of its
 * answer was shown, ends without an answer, or would have no room in the model's context, shows a
 * fallback. Tools and JSON need the call, even without room.
 *
 * @param step the number of the next step.
 * @param fallbacks samples; those without an answer are not shown.
 * @param choose returns one of the fallbacks that can be shown. Default: the first.
 * @throws {UpstreamError} if part of the answer was shown, if the upstream rejected the request
 * itself, or if no fallback has the form that the client asked for.
 */
export async function* relayWithFallback<Role extends string>(
  context: CallContext<never, Role>,
  spec: CallSpec<Role>,
  step: number,
  fallbacks: readonly Sample[],
  choose?: (usable: readonly Sample[]) => AsyncGenerator<ReasoningEvent, Sample>,
): AsyncGenerator<ReasoningEvent> {
  const { final, json } = context.request;
  const watch = createAnswerWatch();
  let finish: ReasoningEvent | undefined;
  let error: unknown;
  let problem = "had no room in the context";
  const isCalled = final.tools !== undefined || json !== undefined ||
    context.hasRoom(spec.role, spec.messages) || usableFallbacks(context, fallbacks).size === 0;
  try {
    for await (const event of isCalled ? relayAnswer(context, spec, step) : []) {
      if (event.type === "finish" && watch.isEmpty()) {
        finish = event;
        problem = "gave no answer";
        break;
      }
      watch.add(event);
      yield event;
    }
    if (isCalled && finish === undefined) return;
  } catch (caught) {
    if (watch.hasBegun() || !mayReplace(caught)) throw caught;
    error = caught;
    problem = "failed";
  }
  const usable = usableFallbacks(context, fallbacks);
  const [first] = usable.keys();
  if (first === undefined) {
    if (finish === undefined) throw error;
    return yield finish;
  }
  yield* watch.endStep();
  // After a timeout, the client has waited long enough.
  const isLate = error instanceof UpstreamError && error.code === "upstream_timeout";
  const chosen = choose === undefined || isLate ? first : yield* choose([...usable.keys()]);
  yield { type: "status", text: `The last call ${problem}. This is the best answer so far.` };
  yield* showAnswer(context, usable.get(chosen)!, chosen.cut ? "length" : "stop");
}

/** Whether an answer may be shown in place of a call that failed. */
function mayReplace(error: unknown): boolean {
  // If the request itself is wrong, the client has to know.
  return error instanceof UpstreamError && error.code !== "upstream_rejected";
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
  const sequence = stop.sequence();
  yield finishOf(sequence === undefined ? reason : "stop", sequence);
}

/** Returns the samples that the client can accept, with their texts. */
function usableFallbacks(context: CallContext, samples: readonly Sample[]): Map<Sample, string> {
  const usable = new Map<Sample, string>();
  for (const sample of samples) {
    const text = usableFallback(context, withoutFinalLine(sample.text));
    if (text !== undefined) usable.set(sample, text);
  }
  return usable;
}

/** Returns the text to show in place of the call's answer, if the client can accept it. */
function usableFallback(context: CallContext, fallback: string): string | undefined {
  if (fallback.trim() === "" || context.signal.aborted) return undefined;
  const { final, json } = context.request;
  if (mustCallTool(final)) return undefined;
  if (json === undefined) return fallback;
  const checked = createJsonChecker(json)(fallback);
  return checked.ok ? checked.json : undefined;
}
