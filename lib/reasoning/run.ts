/**
 * Runs a strategy for a request, under its budget and signal.
 *
 * @module
 */
import type { z } from "zod";
import { createContext, type Job, type RunOptions } from "./context.ts";
import { reasonsNotAtAll } from "./effort.ts";
import type { ReasoningEvent } from "./events.ts";
import { withoutOldThinking } from "./history.ts";
import { modifierOptions } from "./modifiers.ts";
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
  const chosen = choose(model, request);
  const messages = withoutOldThinking(request.messages);
  if (model.systemPrompt !== undefined) {
    messages.unshift({ role: "system", content: model.systemPrompt });
  }
  const prepared = { ...request, messages };
  const meter = createUsageMeter();
  const context = createContext({ ...chosen, model, request: prepared }, options, meter);
  return withUsage(strategies[chosen.strategy]!.run!(prepared, context), meter, options);
}

/** A utility request shows itself at its head. */
const LOOKED_AT = 2_000;

/** The strategy's own counts nothing: usage is put in just before its finish. */
async function* withUsage(
  events: AsyncGenerator<ReasoningEvent>,
  meter: UsageMeter,
  { observer, onStart, onEnd }: RunOptions,
): AsyncGenerator<ReasoningEvent> {
  onStart?.();
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
    onEnd?.(meter.total());
  }
}

/** Whether it is a request that is passed through, such as a chat page's for a title. */
function isUtility(model: ReasoningModel, request: ReasoningRequest): boolean {
  const text = lastQuestion(request.messages).slice(0, LOOKED_AT);
  return request.strategy === undefined && model.directWhen.some((pattern) => pattern.test(text));
}

/**
 * The name of the strategy that a request runs on a model.
 *
 * @throws {RequestError} when the request chooses one that does not exist.
 */
export function strategyName(model: ReasoningModel, request: ReasoningRequest): string {
  return nameOf(model, request, isUtility(model, request));
}

function nameOf(model: ReasoningModel, request: ReasoningRequest, utility: boolean): string {
  const name = utility ? "direct" : request.strategy ?? model.strategy;
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

/** What a request runs on a model, and how. */
function choose(model: ReasoningModel, request: ReasoningRequest): Omit<Job, "model" | "request"> {
  const utility = isUtility(model, request);
  const strategy = nameOf(model, request, utility);
  const isOwn = strategy === model.strategy;
  const { wait } = request.options ?? {};
  const { settings, modifiers } = isOwn && request.options === undefined
    ? ownOptions(model)
    : parsedOptions(model, strategy, isOwn ? model.options : {}, request.options);
  const effort = request.effort ?? model.effort;
  if (reasonsNotAtAll(effort) || utility) {
    return { strategy, settings, re2: false, wait: 0 };
  }
  const { waits } = strategies[strategy]!;
  const isRouted = strategies[request.strategy ?? model.strategy]?.route !== undefined;
  if (Number(wait) > 0 && waits === undefined && !isRouted) {
    const message = `Invalid value for 'reasoning.wait': '${strategy}' has no follow-ups.`;
    throw new RequestError("reasoning.wait", message);
  }
  const most = modifiers.wait ?? waits?.(effort) ?? 0;
  return { strategy, settings, re2: modifiers.re2, wait: waits === undefined ? 0 : most };
}

type Parsed = ReturnType<typeof parsedOptions>;
const known = new WeakMap<ReasoningModel, Parsed>();

/** What a model's own options come to: the same for all requests that change nothing. */
function ownOptions(model: ReasoningModel): Parsed {
  let found = known.get(model);
  if (found === undefined) {
    known.set(model, found = parsedOptions(model, model.strategy, model.options));
  }
  return found;
}

function parsedOptions(
  model: ReasoningModel,
  strategy: string,
  own: Record<string, unknown>,
  asked: Record<string, unknown> = {},
) {
  const { re2, wait, ...options } = asked;
  const settings = parsed(strategies[strategy]!.options, { ...own, ...options });
  const given = { ...(re2 === undefined ? {} : { re2 }), ...(wait === undefined ? {} : { wait }) };
  return { settings, modifiers: parsed(modifierOptions, { ...model.modifiers, ...given }) };
}

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const path = ["reasoning", ...issue.path].join(".");
  throw new RequestError(path, `Invalid value for '${path}': ${issue.message}.`);
}
