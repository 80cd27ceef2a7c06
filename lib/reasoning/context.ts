/**
 * What a run of a strategy works with: its prompts, its options, and calls under its budget.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { CallScope, UpstreamClient } from "../upstream/client.ts";
import type { Delta } from "../upstream/wire/deltas.ts";
import type { CallEnd } from "../upstream/observer.ts";
import type { Target } from "../upstream/target.ts";
import { type Budget, createBudget } from "./budget.ts";
import { UpstreamError } from "./events.ts";
import { withQuestionAgain } from "./modifiers.ts";
import type { RunObserver } from "./observer.ts";
import { promptOf, targetsOf } from "./overrides.ts";
import { lastUserMessage } from "./question.ts";
import type { ReasoningModel, ReasoningRequest } from "./request.ts";
import type { CallSpec, StrategyContext } from "./strategy.ts";
import { createThinkSplitter } from "./relay/think_splitter.ts";
import type { Usage, UsageMeter } from "./usage.ts";

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
  /** Told when the run begins: when its first event is asked for. */
  onStart?: () => void;
  /** Told what the run has used, once it is over: whole, failed, or left by whoever reads it. */
  onEnd?: (usage: Usage) => void;
  /** Watches the run. */
  observer?: RunObserver | undefined;
}

/** What is to be run. */
export interface Job {
  /** The strategy's name. */
  strategy: string;
  /** Its options, validated. */
  settings: Record<string, unknown>;
  /** The model that the client asked for. */
  model: ReasoningModel;
  /** The request, with the conversation as it goes upstream. */
  request: ReasoningRequest;
  /** Whether the question is repeated. */
  re2: boolean;
  /** How many follow-ups may check the thinking. */
  wait: number;
}

/** Creates the context of one run; all its calls are counted by the meter. */
export function createContext(
  { strategy, settings, model, request, re2, wait }: Job,
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
  const prompt = (name: string) => promptOf(model, strategy, name);
  const targets = (role: string) => targetsOf(model, strategy, role);
  const on = <T>(role: string, ask: (target: Target) => T): T | undefined => {
    const [target] = targets(role);
    return target && ask(target);
  };
  const question = re2 ? lastUserMessage(request.messages) : undefined;
  const note = describeTools(request, prompt("tools"));
  return {
    options: settings,
    effort: request.effort ?? model.effort,
    wait,
    signal,
    clock,
    random,
    prompt,
    call(spec) {
      const messages = withQuestionAgain(spec.messages, question, prompt("reread"));
      return call(
        { ...spec, messages },
        targets(spec.role),
        request,
        client,
        scope,
        budget,
        meter,
        options.observer,
      );
    },
    canThink: budget.canThink,
    canAnswer: budget.canAnswer,
    toolsNote: () => note,
    toolsMessage: () => note === "" ? [] : [{ role: "system", content: note.trim() }],
    spendRetry(error) {
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
      if (delta.content !== undefined && !splitter.done()) {
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

function describeTools(request: ReasoningRequest, prompt: string): string {
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
  return lines.length === 0 ? "" : `\n\n${prompt.replace("{tools}", () => lines.join("\n"))}`;
}
