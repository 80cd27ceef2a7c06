import { quotes } from "../upstream/capabilities/quoted_prompt.ts";
import type { RequestScope, UpstreamClient } from "../upstream/client.ts";
import type { CallEnd } from "../upstream/observer.ts";
import { isSystemMessage, type Wave } from "../upstream/target.ts";
import { UpstreamError } from "./events.ts";
import type { RunObserver } from "./observer.ts";
import { targetsOf } from "./overrides.ts";
import type { RunPlan } from "./plan.ts";
import type { Recorder } from "./output/records.ts";
import {
  createThinkSplitter,
  type SplitText,
  type ThinkSplitter,
} from "./output/think_splitter.ts";
import type { FinalCallFields, ReasoningRequest } from "./request.ts";
import type { CallDelta, CallSpec } from "./strategy.ts";
import type { RequestLimits } from "./usage/request_limits.ts";
import { estimatePrompt, estimateText } from "./usage/estimate.ts";
import type { CallMeter, UsageMeter } from "./usage/meter.ts";

/**
 * Limits of a thinking call, so that a model that repeats itself ends: by default, and
 * for a model that reasons before it writes.
 */
const THINKING_TOKENS = 8_192;
const REASONING_TOKENS = 32_768;

/** An estimated limit is not lower than this, because it may be wrong. */
const MIN_ROOM_TOKENS = 256;

/** State that all calls of a run share. */
export interface CallRun {
  plan: RunPlan;
  client: UpstreamClient;
  observer: RunObserver | undefined;
  recorder: Recorder | undefined;
  scope: RequestScope;
  limits: RequestLimits;
  meter: UsageMeter;
  /** Number of thinking calls so far. */
  thinkingCalls: number;
  /** Number of calls of tools so far that got their ids here. */
  toolCalls: number;
}

/** The part of a call's body that is about the server's tools. */
export interface ToolFields {
  tools?: readonly unknown[];
  tool_choice?: "none";
}

/** The meter of the call that was sent for a wave. */
const waveMeters = new WeakMap<Wave, CallMeter>();

/** Makes one upstream call of a run, and counts what it uses. */
export async function* callUpstream(
  spec: CallSpec,
  run: CallRun,
  task: number,
  serverTools: ToolFields = {},
): AsyncGenerator<CallDelta> {
  const { plan: { model, name, request }, client, scope, limits, meter } = run;
  const { role, messages, visible = false, isTurn = false, json, temperature, signal } = spec;
  // Samples with one seed may be equal.
  const wave = request.final.seed === undefined ? spec.wave : undefined;
  const { capabilities } = scope;
  const targets = targetsOf(model, name, role);
  const { reasons, contextTokens } = capabilities.get(targets[0]!);
  const window = model.contextTokens ?? contextTokens;
  const ceiling = limits.ceiling(visible, spec.share);
  // A plain call answers like the model itself, and a model that reasons needs its reasoning.
  const isPlain = messages === request.messages;
  let leftToThink = visible && !isPlain && !reasons ? limits.thinkingLimit() : Infinity;
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
  const observer = run.observer?.call(spec);
  const record = run.recorder?.call(task, role, messages);
  let end: CallEnd = "cancelled";
  try {
    const deltas = client.call(
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
          if (number > 0) callMeter = waveMeters.get(wave!)!.sample(number, role);
          else {
            callMeter = ownMeter;
            callMeter.sent(target.upstream.price);
            if (wave !== undefined) waveMeters.set(wave, callMeter);
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
    if (isCut && !visible && !hasAnswer) capabilities.observed(target, { reasons: true });
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

/** Fields that set how much an upstream reasons; the server reads them too. */
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
