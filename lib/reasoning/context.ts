import type { Clock } from "../clock.ts";
import { createRandom } from "../random.ts";
import type { Tool } from "../tools/tool.ts";
import { formatTypeFor } from "../upstream/capabilities/capabilities.ts";
import type { RequestScope, UpstreamClient } from "../upstream/client.ts";
import { type CallRun, callUpstream } from "./call.ts";
import type { UpstreamError } from "./events.ts";
import { createReread } from "./modifiers.ts";
import type { RunObserver } from "./observer.ts";
import { targetsOf } from "./overrides.ts";
import type { RunPlan } from "./plan.ts";
import { describeTools } from "./prompts.ts";
import type { Message } from "./request.ts";
import type { Recorder } from "./output/records.ts";
import type { CallContext, CallDelta, CallSpec } from "./strategy.ts";
import type { ApprovedCall } from "./tools/approved.ts";
import { callWithTools, type ToolLoop } from "./tools/loop.ts";
import { createToolRunner, type RunnerOptions } from "./tools/runner.ts";
import { createRequestLimits } from "./usage/request_limits.ts";
import { estimatePrompt } from "./usage/estimate.ts";
import type { Usage, UsageMeter, UsageSums } from "./usage/meter.ts";

export interface RunOptions {
  /** Owner of the client that sent the request. */
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
export interface ContextOptions extends RunOptions, Pick<RunnerOptions, "toolUses" | "onToolUse"> {
  recorder?: Recorder | undefined;
  /** Whether the client must approve calls of some tools. */
  hasAskedTools: boolean;
}

/** The share of a model's context that a conversation leaves for the text after it. */
const TEXT_SHARE = 0.25;

/**
 * Creates the context of all calls of a run, which are counted by the meter.
 *
 * @param all counts the calls of all choices.
 */
export function createContext(
  plan: RunPlan,
  options: ContextOptions,
  meter: UsageMeter,
  all: UsageSums = meter,
): CallContext<string, string> {
  const { model, name, request, prompt } = plan;
  const { client, clock, signal } = options;
  const { seed } = request.final;
  // With a seed, the same request makes the same calls.
  const random = seed === undefined ? options.random : createRandom(seed);
  const limits = createRequestLimits(request, model.caps, meter, all);
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
  const reread = plan.re2
    ? createReread(request.messages, (question) => prompt("reread", { question }))
    : undefined;
  const tools = request.final.tools === undefined
    ? ""
    : describeTools(request.final.tools, model.toolsCharacters);
  const toolsText = tools === "" ? "" : prompt("tools", { tools });
  const firstTarget = (role: string) => targetsOf(model, name, role)[0]!;
  function room(role: string, messages: readonly Message[]): number {
    const window = model.contextTokens ?? capabilities.get(firstTarget(role)).contextTokens;
    return window === undefined ? Infinity : window * (1 - TEXT_SHARE) - estimatePrompt(messages);
  }
  const run: CallRun = {
    plan,
    client,
    observer: options.observer,
    recorder: options.recorder,
    scope,
    limits,
    meter,
    thinkingCalls: 0,
    toolCalls: 0,
  };
  const canThink = async (calls = 1) => {
    if (!limits.canThink(calls)) return false;
    const used = all.total();
    const callsPerSample = used.upstream.calls / (all.samples() || Infinity) || 1;
    return await options.reserveCalls?.((calls + 1) * callsPerSample, used) ?? true;
  };
  const loop: ToolLoop = {
    tools: options.tools ?? [],
    hasAskedTools: options.hasAskedTools,
    mayContinue: async (isAnswer) =>
      isAnswer
        ? limits.canAnswer() && (await options.reserveCalls?.(1, all.total()) ?? true)
        : await canThink(),
    runTool: createToolRunner(options),
  };
  function callOf(spec: CallSpec): AsyncIterable<CallDelta> {
    const task = options.recorder?.nextTask() ?? 0;
    const usesTools = loop.tools.length > 0 || loop.hasAskedTools;
    return usesTools ? callWithTools(spec, run, task, loop) : callUpstream(spec, run, task);
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
    samples: limits.samples,
    canAnswer: limits.canAnswer,
    hasRoom: (role, messages) => room(role, messages) >= 0,
    room,
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
        const supported = capabilities.get(firstTarget(role), json);
        const hasTools = request.final.tools !== undefined;
        return supported.followsSchema &&
          formatTypeFor(supported, true, hasTools) === "json_schema";
      },
      followed: (role, json) => capabilities.followed(firstTarget(role), json),
      ignored: (role, json) => capabilities.ignored(firstTarget(role), json),
    },
  };
}
