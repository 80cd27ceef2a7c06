/**
 * Runs a strategy for a request, under its budget and signal.
 *
 * @module
 */
import { createContext, type RunOptions } from "./context.ts";
import type { ReasoningEvent } from "./events.ts";
import { withoutOldThinking } from "./history.ts";
import type { RunObserver } from "./observer.ts";
import { lastQuestion } from "./question.ts";
import { type ReasoningModel, type ReasoningRequest, RequestError } from "./request.ts";
import { strategies } from "./strategies/mod.ts";
import { createUsageMeter, type UsageMeter } from "./usage.ts";

export type { RunOptions } from "./context.ts";

/**
 * Runs the request on a published model.
 *
 * @returns the events, to be read in order; the last two are `usage` and `finish`.
 * @throws {RequestError} at once, when the request chooses what does not exist.
 */
export function run(
  model: ReasoningModel,
  request: ReasoningRequest,
  options: RunOptions,
): AsyncGenerator<ReasoningEvent> {
  const { strategy, settings } = choose(model, request);
  const messages = withoutOldThinking(request.messages);
  if (model.systemPrompt !== undefined) {
    messages.unshift({ role: "system", content: model.systemPrompt });
  }
  const prepared = { ...request, messages };
  const meter = createUsageMeter();
  const context = createContext({ strategy, settings, model, request: prepared }, options, meter);
  return withUsage(strategies[strategy]!.run!(prepared, context), meter, options.observer);
}

/** A utility request shows itself at its head. */
const LOOKED_AT = 2_000;

/** The strategy's own counts nothing: usage is put in just before its finish. */
async function* withUsage(
  events: AsyncGenerator<ReasoningEvent>,
  meter: UsageMeter,
  observer: RunObserver | undefined,
): AsyncGenerator<ReasoningEvent> {
  let failure: unknown;
  let isWhole = false;
  try {
    for await (const event of events) {
      if (event.type === "finish") {
        yield { type: "usage", usage: meter.total() };
        isWhole = true;
      }
      yield event;
    }
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    observer?.end(meter.total(), isWhole, failure);
  }
}

/**
 * The name of the strategy that a request runs on a model.
 *
 * @throws {RequestError} when the request chooses one that does not exist.
 */
export function strategyName(model: ReasoningModel, request: ReasoningRequest): string {
  const text = lastQuestion(request.messages).slice(0, LOOKED_AT);
  const isUtility = request.strategy === undefined &&
    model.directWhen.some((pattern) => pattern.test(text));
  const name = isUtility ? "direct" : request.strategy ?? model.strategy;
  if (!Object.hasOwn(strategies, name)) {
    const known = Object.keys(strategies).join(", ");
    throw new RequestError(
      "reasoning.strategy",
      `Unknown strategy '${name.slice(0, 60)}'. Known strategies are: ${known}.`,
    );
  }
  const effort = request.effort ?? model.effort;
  return strategies[name]!.route?.(request, effort, model.routes) ?? name;
}

function choose(
  model: ReasoningModel,
  request: ReasoningRequest,
): { strategy: string; settings: Record<string, unknown> } {
  const strategy = strategyName(model, request);
  const own = strategy === model.strategy ? model.options : {};
  const parsed = strategies[strategy]!.options.safeParse({ ...own, ...request.options });
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const path = ["reasoning", ...issue.path].join(".");
    throw new RequestError(
      path,
      `Invalid value for '${path}': ${issue.message}.`,
    );
  }
  return { strategy, settings: parsed.data };
}
