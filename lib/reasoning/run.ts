/**
 * Runs a strategy for a request, under its budget and signal.
 *
 * @module
 */
import type { Clock } from "../upstream/clock.ts";
import type { CallScope, UpstreamClient } from "../upstream/client.ts";
import type { Delta } from "../upstream/deltas.ts";
import type { CallEnd } from "../upstream/observer.ts";
import type { Target } from "../upstream/target.ts";
import { type Budget, createBudget } from "./budget.ts";
import { type ReasoningEvent, UpstreamError } from "./events.ts";
import { withoutOldThinking } from "./history.ts";
import type { RunObserver } from "./observer.ts";
import { toolsNote } from "./prompts.ts";
import { lastQuestion } from "./question.ts";
import { type ReasoningModel, type ReasoningRequest, RequestError } from "./request.ts";
import { strategies } from "./strategies/mod.ts";
import type { CallSpec, Strategy, StrategyContext } from "./strategy.ts";
import { createThinkSplitter } from "./think_splitter.ts";
import { createUsageMeter, type UsageMeter } from "./usage.ts";

/** What a run needs from outside. */
export interface RunOptions {
  /** Calls upstream models. */
  client: UpstreamClient;
  /** The one clock. */
  clock: Clock;
  /** The one source of chance, 0 to 1. */
  random: () => number;
  /** Ends the run: client gone, deadline or shutdown. */
  signal: AbortSignal;
  /** When the run must have ended, on the clock's `now`. */
  deadline: number;
  /** Repeats of upstream calls that the request may have in all. */
  maxRetries: number;
  /** Told of every repeat, before its wait in milliseconds. */
  onRetry?: (error: UpstreamError, waitMs: number) => void;
  /** Watches the run. */
  observer?: RunObserver | undefined;
}

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
  const context = createContext(
    strategy,
    settings,
    model,
    prepared,
    options,
    meter,
  );
  return withUsage(strategy.run!(prepared, context), meter, options.observer);
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
): { strategy: Strategy; settings: Record<string, unknown> } {
  const name = strategyName(model, request);
  const strategy = strategies[name]!;
  const own = name === model.strategy ? model.options : {};
  const parsed = strategy.options.safeParse({ ...own, ...request.options });
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

function createContext(
  strategy: Strategy,
  settings: Record<string, unknown>,
  model: ReasoningModel,
  request: ReasoningRequest,
  options: RunOptions,
  meter: UsageMeter,
): StrategyContext {
  const { client, clock, random, signal } = options;
  const budget = createBudget(request, model.caps, meter);
  const scope: CallScope = {
    signal,
    retries: { left: options.maxRetries },
    deadline: options.deadline,
    ...(options.onRetry === undefined ? {} : { onRetry: options.onRetry }),
  };
  // "proposer_2" may have a model of its own, and else is a proposer like any other.
  const targetsOf = (role: string): readonly Target[] =>
    model.roles[role] ?? model.roles[role.replace(/_\d+$/, "")] ?? model.targets;
  const on = <T>(role: string, ask: (target: Target) => T): T | undefined => {
    const [target] = targetsOf(role);
    return target && ask(target);
  };
  return {
    options: settings,
    effort: request.effort ?? model.effort,
    signal,
    clock,
    random,
    prompt: (name) => model.prompts[name] ?? strategy.prompts[name] ?? "",
    call: (spec) =>
      call(spec, targetsOf(spec.role), request, client, scope, budget, meter, options.observer),
    canThink: budget.canThink,
    canAnswer: budget.canAnswer,
    toolsNote: () => describeTools(request),
    toolsMessage() {
      const content = describeTools(request).trim();
      return content === "" ? [] : [{ role: "system", content }];
    },
    mayResume(error) {
      if (!error.isRetryable || scope.retries.left <= 0) return false;
      scope.retries.left--;
      return true;
    },
    reasonsItself: (role) => on(role, client.reasons) ?? false,
    shows: meter.show,
    request,
    json: {
      isSure: (role) => on(role, client.json.isSure) ?? false,
      held: (role) => on(role, client.json.held),
      ignored: (role) => on(role, client.json.ignored),
    },
  };
}

async function* call(
  spec: CallSpec,
  targets: readonly Target[],
  request: ReasoningRequest,
  client: UpstreamClient,
  scope: CallScope,
  budget: Budget,
  usage: UsageMeter,
  observer: RunObserver | undefined,
): AsyncGenerator<Delta> {
  const visible = spec.visible ?? false;
  const fields: Record<string, unknown> = visible ? { ...request.final } : {};
  if (spec.temperature !== undefined) fields.temperature = spec.temperature;
  const maxTokens = budget.ceiling(visible && !spec.keepRoom, spec.maxTokens, spec.share);
  const meter = usage.call(spec.messages, visible, targets[0]?.upstream.price);
  const splitter = createThinkSplitter();
  const observed = observer?.call(spec);
  let end: CallEnd = "cancelled";
  try {
    const deltas = client.call(
      targets,
      {
        messages: spec.messages,
        stream: request.stream,
        fields,
        ...(maxTokens === undefined ? {} : { maxTokens }),
        ...(spec.json === undefined ? {} : { json: spec.json }),
      },
      {
        ...scope,
        onSend: meter.sent,
        ...(spec.signal === undefined
          ? {}
          : { signal: AbortSignal.any([scope.signal, spec.signal]) }),
        ...(observed === undefined ? {} : { observer: observed }),
      },
    );
    for await (const delta of deltas) {
      if (delta.content !== undefined && !splitter.done) {
        split(delta, splitter.push(delta.content));
      }
      meter.add(delta);
      observed?.delta?.(delta);
      yield delta;
    }
    const rest: Delta = {};
    split(rest, splitter.end());
    if (rest.content !== undefined || rest.reasoning !== undefined) {
      meter.add(rest);
      observed?.delta?.(rest);
      yield rest;
    }
    end = "ok";
  } catch (error) {
    if (error instanceof UpstreamError) end = error;
    throw error;
  } finally {
    meter.end(end instanceof UpstreamError);
    observed?.end(end);
  }
}

/** Puts tagged thinking where an upstream's own reasoning goes. */
function split(
  delta: Delta,
  parts: { reasoning: string; content: string },
): void {
  if (parts.reasoning !== "") {
    delta.reasoning = (delta.reasoning ?? "") + parts.reasoning;
  }
  if (parts.content !== "") delta.content = parts.content;
  else delete delta.content;
}

function describeTools(request: ReasoningRequest): string {
  const lines = (request.final.tools ?? []).map((tool) => {
    const fn = (tool as {
      function?: {
        name?: unknown;
        description?: unknown;
        parameters?: unknown;
      };
    })
      .function;
    const parameters = fn?.parameters === undefined ? "" : ` ${JSON.stringify(fn.parameters)}`;
    return `- ${fn?.name}: ${fn?.description ?? ""}${parameters}`;
  });
  return lines.length === 0 ? "" : `\n\n${toolsNote.replace("{tools}", () => lines.join("\n"))}`;
}
