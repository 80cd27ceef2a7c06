import { type Clock, sleep } from "../clock.ts";
import { attempt, type Fetch } from "./attempt.ts";
import { samplesInOneCall } from "./capabilities/capabilities.ts";
import { roomIn } from "./capabilities/rejection_lessons.ts";
import { createListedContexts } from "./capabilities/listed_contexts.ts";
import { createCapabilityMemory, type RequestCapabilities } from "./capabilities/memory.ts";
import { UpstreamError } from "./errors/upstream_error.ts";
import type { CallEnd, CallObserver } from "./observer.ts";
import { backoffMs } from "./retry.ts";
import { createSlots, type Release, type Slots } from "../slots.ts";
import { createUpstreamStates } from "./state.ts";
import type { Target, UpstreamRequest } from "./target.ts";
import { type AnswerRecord, createAnswerRecord } from "./joint/answer_record.ts";
import { callJointly, type JointCalls, type SamplesScope } from "./joint/calls.ts";
import {
  answerRestorer,
  type Conversation,
  createToolReasoning,
  type ToolReasoning,
} from "./tool_reasoning.ts";
import { type Delta, hasOutput } from "./wire/deltas.ts";
import { buildBody } from "./wire/request_body.ts";
import { createBodyEncoder } from "./wire/shared_body.ts";

/** State shared by all upstream calls of one client request. */
export interface RequestScope extends SamplesScope {
  /** What the client has sent; calls may send more, or less. */
  conversation: Conversation;
  capabilities: RequestCapabilities;
  /** Servers that the request has passed; sent upstream, so that loops are detected. */
  hops?: string | undefined;
  /** Retries left, over all calls of the request. */
  retries: { left: number };
  /** Time on the clock, in milliseconds, by which the request must end. */
  deadline: number;
  /** Called before each retry with the delay in milliseconds. */
  onRetry?: ((error: UpstreamError, delayMs: number) => void) | undefined;
  observer?: CallObserver | undefined;
}

export interface UpstreamClient {
  /**
   * Calls the first target that answers. Targets that cool down are tried last; while one call
   * probes such a target, others wait for it. Nothing is retried once output has been yielded.
   *
   * @throws {UpstreamError} of the first target, if none answers; the signal's reason on abort.
   */
  call(
    targets: readonly Target[],
    request: UpstreamRequest,
    scope: RequestScope,
  ): AsyncGenerator<Delta>;
  /** Returns what a new request of the owner knows. */
  capabilitiesFor(owner: string): RequestCapabilities;
  isCooling(target: Target): boolean;
  /** Applies the options of all targets of a new configuration. */
  update(targets: readonly Target[]): void;
}

export interface UpstreamClientOptions {
  clock: Clock;
  /** Returns a number in [0, 1). */
  random: () => number;
  fetch: Fetch;
  /** Maps an upstream's `max_concurrency` to this process's share of it. Default: all of it. */
  share?: ((maxConcurrency: number) => number) | undefined;
  /** Returns whether several owners share the upstreams. Default: false. */
  isShared?: (() => boolean) | undefined;
  /** Called when an upstream begins to cool down after failures, and when it has answered again. */
  onBreaker?: ((target: Target, isOpen: boolean) => void) | undefined;
  /** Whether to read the sizes of models' contexts from the lists of upstreams. Default: false. */
  readsModelLists?: boolean | undefined;
  /** Reasoning to send back with tool results. Default: what this client has received. */
  toolReasoning?: ToolReasoning | undefined;
}

/** An upstream whose rejections contradict each other must not be corrected endlessly. */
const MAX_CORRECTIONS = 8;

/** Maximum size of the large bodies that are sent at the same time. */
const MAX_BYTES_IN_FLIGHT = 134_217_728;

export function createUpstreamClient(options: UpstreamClientOptions): UpstreamClient {
  const { clock, random, share = (limit) => limit, isShared = () => false } = options;
  const { toolReasoning = createToolReasoning() } = options;
  const contexts = options.readsModelLists ? createListedContexts(clock) : undefined;
  const capabilitiesFor = createCapabilityMemory((target) => contexts?.get(target));
  const states = createUpstreamStates({ ...options, share, isShared });
  const demoFetch = createLazyDemoFetch(clock);
  const encodeBody = createBodyEncoder();
  const bytes = createSlots(() => share(MAX_BYTES_IN_FLIGHT), isShared);

  /**
   * Returns the delay before a retry. Undefined if the error is not retryable, no attempt or retry
   * is left, or the delay exceeds `max_ms` or the deadline.
   */
  function retryDelayMs(
    error: UpstreamError,
    target: Target,
    failures: number,
    scope: RequestScope,
  ): number | undefined {
    const { retry } = target.upstream;
    const delayMs = Math.max(backoffMs(failures, retry, random()), error.retryAfterMs ?? 0);
    const retryable = error.isRetryable && failures < retry.max_attempts &&
      scope.retries.left > 0 && delayMs <= retry.max_ms && clock.now() + delayMs < scope.deadline;
    return retryable ? delayMs : undefined;
  }

  /** Waits for a slot, and builds a body for it. A large body also waits for others to be sent. */
  async function prepare(
    target: Target,
    request: UpstreamRequest,
    slots: Slots,
    scope: RequestScope,
  ) {
    const { owner } = scope.conversation;
    const samples = request.wave === undefined
      ? 1
      : samplesInOneCall(request.wave.size, scope.capabilities.get(target, request.json));
    const releaseSlot = slots.tryAcquire(owner, samples) ??
      await slots.acquire(owner, scope.signal, samples);
    try {
      const capabilities = scope.capabilities.get(target, request.json);
      const restore = await answerRestorer(toolReasoning, scope.conversation, capabilities);
      const body = buildBody(target.model, request, capabilities, restore);
      const { data, size } = encodeBody(body, request.messages);
      const sent: Release = size === 0 ? () => {} : await bytes.acquire(owner, scope.signal, size);
      return {
        capabilities,
        body,
        data,
        sent,
        release() {
          sent();
          releaseSlot();
        },
      };
    } catch (error) {
      releaseSlot();
      throw error;
    }
  }

  const jointCalls: JointCalls = new WeakMap();
  const plain: Pick<UpstreamClient, "call"> = {
    async *call(targets, request, scope) {
      const { observer, capabilities: requestCapabilities } = scope;
      const untried = new Set(targets);
      let firstError: UpstreamError | undefined;
      let previous: Target | undefined;
      while (untried.size > 0) {
        let next;
        try {
          next = await states.begin(untried, scope.signal);
        } catch (error) {
          if (!(error instanceof UpstreamError)) throw error;
          firstError ??= error;
          continue;
        }
        const { target, state: { breaker, keys, slots } } = next;
        if (previous !== undefined) observer?.fellBack?.(previous, target);
        previous = target;
        const { upstream } = target;
        const isDemo = upstream.base_url.startsWith("demo:");
        const plainFetch = isDemo ? demoFetch : options.fetch;
        const fetch = observer?.wrapFetch?.(plainFetch) ?? plainFetch;
        const refusedKeys: string[] = [];
        let corrections = 0;
        for (let failures = 0, begun = next.call;; begun = breaker.begin()) {
          let prepared;
          try {
            prepared = await prepare(target, request, slots, scope);
          } catch (error) {
            begun.end("unknown");
            throw error;
          }
          const { capabilities, body, data, sent, release } = prepared;
          const apiKey = keys.next(refusedKeys);
          const samples = request.wave !== undefined && typeof body.n === "number" ? body.n : 1;
          scope.onSend?.({ target, capabilities, samples });
          const attemptEnded = observer?.attempt?.(target);
          const exchange = attempt({
            upstream,
            apiKey,
            body: data,
            stream: body.stream === true,
            samples,
            maxCharacters: maxCharacters(request),
            cuts: !request.isAnswer,
            hops: scope.hops,
            signal: scope.signal,
            clock,
            fetch,
          });
          /** By the number of the sample. */
          const records: AnswerRecord[] = [];
          let hasYielded = false;
          let hasReasoned = false;
          let end: CallEnd = "cancelled";
          let error: UpstreamError;
          try {
            for (let deltas; (deltas = await exchange.read()) !== undefined;) {
              sent();
              for (const delta of deltas) {
                if (!hasYielded && hasOutput(delta)) {
                  hasYielded = true;
                  begun.answered();
                  requestCapabilities.accepted(target, request.json, capabilities);
                  if (!isDemo) contexts?.refresh(target, apiKey, fetch);
                }
                hasReasoned ||= delta.reasoning !== undefined;
                const { sample = 0 } = delta;
                records[sample] ??= createAnswerRecord(request.isAnswer ?? false);
                records[sample].add(delta);
                yield delta;
              }
            }
            end = "ok";
            const received = Object.values(records);
            if (samples > 1 && received.length < samples) {
              requestCapabilities.gaveSamples(target, received.length);
            }
            for (const record of received) {
              if (record.hasState()) requestCapabilities.observed(target, { toolState: true });
              if (record.mustBeKept()) await record.remember(toolReasoning, scope.conversation);
            }
            return;
          } catch (caught) {
            if (!(caught instanceof UpstreamError)) throw caught;
            end = error = caught;
            if (hasYielded) {
              observer?.failed?.(target, error, undefined);
              throw error;
            }
          } finally {
            exchange.close();
            if (hasReasoned) requestCapabilities.observed(target, { reasons: true });
            begun.end(outcomeOf(end));
            attemptEnded?.(end);
            release();
          }
          const fitting = withLimitThatFits(request, error);
          const hasLearned = requestCapabilities.learn(
            target,
            request.json,
            error,
            capabilities,
            body,
          );
          if ((hasLearned || fitting !== undefined) && corrections++ < MAX_CORRECTIONS) {
            observer?.failed?.(target, error, 0);
            request = fitting ?? request;
            continue;
          }
          const restMs = error.retryAfterMs ?? upstream.breaker.cooldown_ms;
          if (isAboutKey(error) && keys.refuse(apiKey, refusedKeys, restMs)) {
            observer?.failed?.(target, error, 0);
            continue;
          }
          const delayMs = retryDelayMs(error, target, ++failures, scope);
          observer?.failed?.(target, error, delayMs);
          // The next upstream would reject the request as well.
          if (isRejection(error)) throw error;
          if (delayMs === undefined) {
            firstError ??= error;
            break;
          }
          scope.retries.left--;
          scope.onRetry?.(error, delayMs);
          observer?.retried?.(target, error);
          await sleep(clock, delayMs, scope.signal);
        }
      }
      throw firstError ?? new UpstreamError("upstream_unreachable", "No upstream is configured.");
    },
  };

  return {
    call(targets, request, scope) {
      if (request.wave === undefined) return plain.call(targets, request, scope);
      const { wave, ...alone } = request;
      // Where it is known that samples need calls of their own, they do not wait for the first one.
      const isJoint = targets.some((target) =>
        samplesInOneCall(wave.size, scope.capabilities.get(target, alone.json)) > 1
      );
      if (isJoint) return callJointly(plain.call, jointCalls, targets, { ...alone, wave }, scope);
      wave.size = 1;
      return plain.call(targets, alone, scope);
    },
    capabilitiesFor,
    isCooling: (target) => states.get(target).breaker.isOpen(),
    update: states.update,
  };
}

/**
 * Characters for each token of the longest answer, about four times those of prose: tokens of white
 * space are long. A short limit is not exact, because not every upstream keeps it.
 */
const TOKEN_CHARACTERS = 16;
const MIN_CHARACTERS = 65_536;

/** Tokens of the longest answer to a request without a limit. */
const MAX_TOKENS = 200_000;

function maxCharacters({ maxTokens, tokenCap = MAX_TOKENS }: UpstreamRequest): number {
  return MIN_CHARACTERS + TOKEN_CHARACTERS * Math.min(maxTokens ?? Infinity, tokenCap);
}

/** Loads the demo model at its first call; most servers never call it. */
function createLazyDemoFetch(clock: Clock): Fetch {
  let demo: Promise<Fetch> | undefined;
  return async (url, init) => {
    demo ??= import("./demo/model.ts").then(({ createDemoFetch }) => createDemoFetch(clock));
    return await (await demo)(url, init);
  };
}

/** Returns the request with a limit for which there is room after the prompt. */
function withLimitThatFits(
  { maxTokens, ...request }: UpstreamRequest,
  { code, upstreamMessage = "" }: UpstreamError,
): UpstreamRequest | undefined {
  if (code !== "context_length_exceeded" || maxTokens === undefined) return undefined;
  const room = roomIn(upstreamMessage, maxTokens);
  if (room === undefined) return undefined;
  return room === "none" ? request : { ...request, maxTokens: room };
}

/** A rejected request is not the upstream's fault. */
function outcomeOf(end: CallEnd): "ok" | "unknown" | UpstreamError {
  if (end === "cancelled") return "unknown";
  return end === "ok" || isRejection(end) ? "ok" : end;
}

function isRejection({ code }: UpstreamError): boolean {
  return code === "upstream_rejected" || code === "context_length_exceeded";
}

function isAboutKey({ upstreamStatus = 0 }: UpstreamError): boolean {
  return [401, 402, 403, 429].includes(upstreamStatus);
}
