import type { Clock } from "../clock.ts";
import { createRandom } from "../random.ts";
import { quotes } from "../upstream/capabilities/quotes.ts";
import { isSystemMessage, type Wave } from "../upstream/target.ts";
import type { RequestScope, UpstreamClient } from "../upstream/client.ts";
import { formatTypeFor } from "../upstream/capabilities/capabilities.ts";
import type { CallEnd } from "../upstream/observer.ts";
import { type Budget, createBudget } from "./budget.ts";
import { type ToolUseEvent, UpstreamError } from "./events.ts";
import { createReread } from "./modifiers.ts";
import type { RunObserver } from "./observer.ts";
import { targetsOf } from "./overrides.ts";
import type { RunPlan } from "./plan.ts";
import type { FinalCallFields, ReasoningRequest } from "./request.ts";
import { describeTools, fill } from "./prompts.ts";
import type { Tool } from "../tools/tool.ts";
import type { ApprovedCall } from "./tools/approved.ts";
import { callWithTools, type ToolFields, type ToolLoop } from "./tools/loop.ts";
import { createToolRunner } from "./tools/runner.ts";
import type { ToolUseCounter } from "./tools/uses.ts";
import type { CallContext, CallDelta, CallSpec } from "./strategy.ts";
import { createThinkSplitter, type SplitText, type ThinkSplitter } from "./relay/think_splitter.ts";
import {
  type CallMeter,
  estimatePrompt,
  estimateText,
  type Usage,
  type UsageMeter,
} from "./usage.ts";
import type { Recorder } from "./relay/records.ts";

export interface RunOptions {
  /** Who sent the request. */
  owner: string;
  /** Servers that the request has passed. */
  hops?: string | undefined;
  client: UpstreamClient;
  /** The server's tools that calls may use. Default: none. */
  tools?: readonly Tool[];
  /** Calls that the client has approved; they run first. Default: none. */
  approved?: readonly ApprovedCall[];
  clock: Clock;
  /** Returns a number in [0, 1). */
  random: () => number;
  /** Aborted when the client disconnects, at the deadline and at shutdown. */
  signal: AbortSignal;
  /** Time on the clock, in milliseconds, by which the run must end. */
  deadline: number;
  /** Maximum number of retries over all calls. */
  maxRetries: number;
  /** Called before each retry with the delay in milliseconds. */
  onRetry?: (error: UpstreamError, delayMs: number) => void;
  /**
   * Called before thinking calls, with their number, that of the answer included, and what the run
   * has used. Reserves them; returns whether the client's limits allow them. Default: they do. A
   * sample is a fraction of a call where calls had several.
   */
  reserveCalls?: (calls: number, usage: Usage) => Promise<boolean>;
  /** Called when the first event is read. */
  onStart?: () => void;
  /** Called when the run is over, whether it finished, failed or was abandoned. */
  onEnd?: (usage: Usage) => void;
  observer?: RunObserver | undefined;
  /** Whether and how calls and tool runs are recorded for a request that wants records. */
  records?: { withTexts: boolean };
}

/** The options of a run, and what all its contexts share. */
export interface ContextOptions extends RunOptions {
  recorder?: Recorder | undefined;
  /** Called for each event of a tool's use. */
  onToolUse?: (event: ToolUseEvent) => void;
  toolUses: ToolUseCounter;
}

/**
 * Creates the context of all calls of a run, which are counted by the meter.
 *
 * @param all counts the calls of all choices.
 */
export function createContext(
  plan: RunPlan,
  options: ContextOptions,
  meter: UsageMeter,
  all: Pick<UsageMeter, "generated" | "cost" | "samples" | "total"> = meter,
): CallContext<string, string> {
  const { model, name, request } = plan;
  const { client, clock, signal } = options;
  const { seed } = request.final;
  // With a seed, the same request makes the same calls.
  const random = seed === undefined ? options.random : createRandom(seed);
  const budget = createBudget(request, model.caps, meter, all);
  const capabilities = client.capabilitiesFor(options.owner);
  const scope: RequestScope = {
    conversation: { owner: options.owner, messages: request.messages },
    capabilities,
    hops: options.hops,
    signal,
    retries: { left: options.maxRetries },
    deadline: options.deadline,
    onRetry: options.onRetry,
  };
  const prompt: CallContext<string>["prompt"] = (name, values = {}) =>
    fill(plan.template(name), values);
  const reread = plan.re2
    ? createReread(request.messages, (question) => prompt("reread", { question }))
    : undefined;
  const tools = describeTools(request.final.tools ?? [], model.toolsCharacters);
  const toolsText = tools === "" ? "" : prompt("tools", { tools });
  const firstTarget = (role: string) => targetsOf(model, name, role)[0]!;
  const windowOf = (role: string) =>
    model.contextTokens ?? capabilities.get(firstTarget(role)).contextTokens ?? Infinity;
  const run: CallRun = {
    plan,
    options,
    scope,
    budget,
    meter,
    thinkingCalls: 0,
    waveMeters: new WeakMap(),
  };
  const canThink = async (calls = 1) => {
    if (!budget.canThink(calls)) return false;
    const used = all.total();
    const callsPerSample = used.upstream.calls / (all.samples() || Infinity) || 1;
    return await options.reserveCalls?.((calls + 1) * callsPerSample, used) ?? true;
  };
  let ids = 0;
  const runTool = createToolRunner({
    clock,
    uses: options.toolUses,
    onEvent: options.onToolUse ?? (() => {}),
    observer: options.observer,
    onRun: options.recorder?.tool,
  });
  const loop: Omit<ToolLoop, "call" | "run"> = {
    tools: options.tools ?? [],
    maxRuns: model.maxToolCalls,
    final: request.final,
    inWords: (role) => !capabilities.get(firstTarget(role)).functions,
    rejected: (role) => capabilities.rejectedFunctions(firstTarget(role)),
    mayContinue: async (isAnswer) =>
      isAnswer
        ? budget.canAnswer() && (await options.reserveCalls?.(1, all.total()) ?? true)
        : await canThink(),
    signal,
    newId: () => `call_${++ids}`,
    prompt,
  };
  function callOf(spec: CallSpec): AsyncIterable<CallDelta> {
    const task = options.recorder?.nextTask() ?? 0;
    if (loop.tools.length === 0) return call(spec, run, task);
    return callWithTools(spec, {
      ...loop,
      call: (spec, fields) => call(spec, run, task, fields),
      run: (tool, made, signal) => runTool(tool, made, signal, task),
    });
  }
  return {
    request,
    signal,
    clock,
    random,
    prompt,
    call: (spec) =>
      callOf(reread === undefined ? spec : { ...spec, messages: reread(spec.messages) }),
    canThink,
    maxCalls: Math.floor(model.caps.calls / (request.choices ?? 1)),
    samples: budget.samples,
    canAnswer: budget.canAnswer,
    hasRoom(role, messages) {
      const window = windowOf(role);
      return window === Infinity || estimatePrompt(messages) <= window - window * TEXT_SHARE;
    },
    toolsNote: toolsText === "" ? "" : `\n\n${toolsText}`,
    toolsMessage: toolsText === "" ? [] : [{ role: "system", content: toolsText.trim() }],
    spendRetry(error) {
      if (!error.isRetryable || scope.retries.left <= 0) return false;
      scope.retries.left--;
      return true;
    },
    isSameModel: (a, b) => targetsOf(model, name, a) === targetsOf(model, name, b),
    reasonsItself: (role) => capabilities.get(firstTarget(role)).reasons,
    countAsAnswer: meter.show,
    countContributions: meter.countContributions,
    json: {
      isSure(role, json) {
        const known = capabilities.get(firstTarget(role), json);
        const hasTools = request.final.tools !== undefined;
        return known.followsSchema && formatTypeFor(known, true, hasTools) === "json_schema";
      },
      followed: (role, json) => capabilities.followed(firstTarget(role), json),
      ignored: (role, json) => capabilities.ignored(firstTarget(role), json),
    },
  };
}

/**
 * Limits of a thinking call, so that a model that repeats itself ends: by default, and
 * for a model that reasons before it writes.
 */
const THINKING_TOKENS = 8_192;
const REASONING_TOKENS = 32_768;

/** The share of a model's context that a conversation leaves for the text after it. */
const TEXT_SHARE = 0.25;

/** An estimated limit is not lower than this, because it may be wrong. */
const MIN_ROOM_TOKENS = 256;

/** State that all calls of a run share. */
interface CallRun {
  plan: RunPlan;
  options: ContextOptions;
  scope: RequestScope;
  budget: Budget;
  meter: UsageMeter;
  /** Number of thinking calls so far. */
  thinkingCalls: number;
  /** Those of the calls that were sent for a wave. */
  waveMeters: WeakMap<Wave, CallMeter>;
}

async function* call(
  spec: CallSpec,
  run: CallRun,
  task: number,
  serverTools: ToolFields = {},
): AsyncGenerator<CallDelta> {
  const { plan: { model, name, request }, options, scope, budget, meter } = run;
  const { role, messages, visible = false, isTurn = false, json, temperature, signal } = spec;
  // Samples with one seed may be equal.
  const wave = request.final.seed === undefined ? spec.wave : undefined;
  const { capabilities } = scope;
  const targets = targetsOf(model, name, role);
  const { reasons, contextTokens } = capabilities.get(targets[0]!);
  const window = model.contextTokens ?? contextTokens;
  const ceiling = budget.ceiling(visible, spec.share);
  // A plain call answers like the model itself, and a model that reasons needs its reasoning.
  const isPlain = messages === request.messages;
  let leftToThink = visible && !isPlain && !reasons ? budget.thinkingLimit() : Infinity;
  // A turn is sent to the client as it is, like an answer.
  const maxTokens = visible || isTurn ? ceiling : Math.min(
    ceiling ?? Infinity,
    window === undefined ? Infinity : Math.max(window - estimatePrompt(messages), MIN_ROOM_TOKENS),
    reasons ? REASONING_TOKENS : spec.maxTokens ?? THINKING_TOKENS,
  );
  const tools = [
    ...visible || isTurn ? request.final.tools ?? [] : [],
    ...serverTools.tools ?? [],
  ];
  const definitions = [...tools, ...json?.schema ? [json.schema] : []];
  const ownMeter = meter.call(messages, visible, definitions, role);
  let callMeter = ownMeter;
  let target = targets[0]!;
  let opensThinking = false;
  let splitter: ThinkSplitter | undefined;
  let isCut = false;
  let hasReasoning = false;
  let hasAnswer = false;
  const observer = options.observer?.call(spec);
  const record = options.recorder?.call(task, role, messages);
  let end: CallEnd = "cancelled";
  try {
    const deltas = options.client.call(
      targets,
      {
        messages,
        stream: request.stream || leftToThink < Infinity,
        fields: {
          ...(visible || isTurn ? visibleFields(request, name === "direct" || reasons) : {}),
          ...(visible ? {} : samplingFields(request.final, run.thinkingCalls++)),
          ...(temperature === undefined ? {} : { temperature }),
          ...(serverTools.tools === undefined ? {} : { ...serverTools, tools }),
          ...model.body,
        },
        wave,
        maxTokens,
        tokenCap: model.caps.tokens,
        isAnswer: visible || isTurn,
        json,
      },
      {
        ...scope,
        onSend(sent, number = 0) {
          ({ target } = sent);
          ({ opensThinking } = sent.capabilities);
          if (number > 0) callMeter = run.waveMeters.get(wave!)!.sample(number, role);
          else {
            callMeter = ownMeter;
            callMeter.sent(target.upstream.price);
            if (wave !== undefined) run.waveMeters.set(wave, callMeter);
          }
          record?.sent();
        },
        onUsage(usage, number) {
          ownMeter.report(usage, number);
          if (number === undefined) observer?.delta?.({ usage });
        },
        signal: signal === undefined ? scope.signal : AbortSignal.any([scope.signal, signal]),
        observer,
      },
    );
    for await (const delta of deltas) {
      hasReasoning ||= delta.reasoning !== undefined;
      hasAnswer ||= delta.content !== undefined || delta.toolCalls !== undefined;
      if (delta.content !== undefined) {
        splitter ??= createThinkSplitter(!hasReasoning && opensThinking);
        if (!splitter.done()) moveThinking(delta, splitter.push(delta.content));
      }
      if (leftToThink < Infinity) {
        const { reasoning = "", content, refusal, toolCalls } = delta;
        const answers = (content ?? refusal ?? toolCalls) !== undefined;
        leftToThink = answers ? Infinity : leftToThink - estimateText(reasoning);
        if (leftToThink < 0) delta.finishReason = "length";
      }
      if (delta.finishReason !== undefined) isCut = delta.finishReason === "length";
      callMeter.add(delta);
      observer?.delta?.(delta);
      record?.delta(delta);
      yield delta;
      if (leftToThink < 0) break;
    }
    const rest: CallDelta = {};
    if (splitter !== undefined) {
      moveThinking(rest, splitter.end(isCut));
      const wasOpen = splitter.wasOpen();
      if (wasOpen !== undefined) capabilities.openedThinking(target, wasOpen);
    }
    if (rest.content !== undefined || rest.reasoning !== undefined) {
      callMeter.add(rest);
      observer?.delta?.(rest);
      record?.delta(rest);
      yield rest;
    }
    // Some models reason without showing it, which takes up a short limit.
    if (isCut && !visible && !hasAnswer) capabilities.reasoned(target);
    end = "ok";
  } catch (error) {
    if (error instanceof UpstreamError) {
      end = error;
      // A provider may quote the operator's words, which are not for clients.
      if (quotes(error.detail, messages.filter(isSystemMessage))) {
        error.message = error.message.replace(`: ${error.detail}`, ".");
      }
    }
    throw error;
  } finally {
    const used = callMeter.end(end instanceof UpstreamError);
    record?.end(end instanceof UpstreamError ? "failed" : end, used);
    observer?.end?.(end);
  }
}

/** What applies to a thinking call. Each has its own seed, so that samples of one prompt differ. */
function samplingFields({ temperature, top_p, seed }: FinalCallFields, index: number) {
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(top_p === undefined ? {} : { top_p }),
    ...(seed === undefined ? {} : { seed: seed + index }),
  };
}

/** Maximum number of stop sequences that upstreams take; the answer's filter finds the others. */
const MAX_STOPS = 4;

/** Fields that tell an upstream how much to reason; the server reads them too. */
const EFFORT_FIELDS = ["reasoning_effort", "thinking", "enable_thinking", "thinking_budget"];

/** @param withEffort whether the upstream decides itself how much to reason. */
function visibleFields(
  { final, upstreamFields }: ReasoningRequest,
  withEffort: boolean,
): Record<string, unknown> {
  const fields: Record<string, unknown> = { ...upstreamFields, ...final };
  if (!withEffort) { for (const field of EFFORT_FIELDS) delete fields[field]; }
  if (Array.isArray(final.stop)) fields.stop = final.stop.slice(0, MAX_STOPS);
  return fields;
}

/** Moves tagged thinking to where an upstream's own reasoning is. */
function moveThinking(delta: CallDelta, { reasoning, content, thought }: SplitText): void {
  if (thought !== undefined) delta.thought = thought;
  if (reasoning !== "") delta.reasoning = (delta.reasoning ?? "") + reasoning;
  if (content !== "") delta.content = content;
  else delete delta.content;
}
