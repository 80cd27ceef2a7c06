/**
 * Calls to upstream models: attempts, retries and fallbacks behind one stream of deltas.
 *
 * @module
 */
import { attempt, type Fetch } from "./attempt.ts";
import { buildBody } from "./wire/request_body.ts";
import { type CapabilityMemory, createCapabilityMemory } from "./capabilities.ts";
import { type Clock, sleep } from "../clock.ts";
import { type Delta, saysSomething } from "./wire/deltas.ts";
import { UpstreamError } from "./errors.ts";
import type { CallEnd, CallObserver } from "./observer.ts";
import { backoffMs } from "./retry.ts";
import { createUpstreamStates } from "./state.ts";
import type { Target, UpstreamRequest } from "./target.ts";
import { createToolReasoning, type ToolReasoning } from "./tool_reasoning.ts";

/** What all calls of one client request share. */
export interface CallScope {
  /** Aborts the call. */
  signal: AbortSignal;
  /** Repeats left to the client request, over all its calls. */
  retries: { left: number };
  /** When the client request must have ended, on the clock's `now`. */
  deadline: number;
  /** Told when a request goes out, repeats too: a call may end while it waits for its turn. */
  onSend?: () => void;
  /** Told of every repeat, before its wait in milliseconds. */
  onRetry?: (error: UpstreamError, waitMs: number) => void;
  /** Watches the call. */
  observer?: CallObserver;
}

/** Calls upstream models. */
export interface UpstreamClient {
  /**
   * Calls the first of the targets that answers; those that are cooling down come last. Nothing
   * is repeated once a delta was given out.
   *
   * @throws {UpstreamError} the first target's, when none of them answers; the signal's reason
   *   on abort.
   */
  call(
    targets: readonly Target[],
    request: UpstreamRequest,
    scope: CallScope,
  ): AsyncGenerator<Delta>;
  /** Whether an upstream model has been seen to reason by itself. */
  reasons(target: Target): boolean;
  /** Whether an upstream is left to cool down after too many failures. */
  isCooling(target: Target): boolean;
  /** What is known of how upstream models hold to a form in JSON. */
  json: CapabilityMemory["json"];
}

/** What a client is made of. */
export interface UpstreamClientOptions {
  /** The one clock. */
  clock: Clock;
  /** The one source of chance, 0 to 1. */
  random: () => number;
  /** How requests are sent. */
  fetch: Fetch;
  /** This client's part of a bound on all calls to an upstream; default: all of it. */
  share?: ((bound: number) => number) | undefined;
  /** What models thought before they called tools; default: what this client hears. */
  toolReasoning?: ToolReasoning | undefined;
}

const MAX_LESSONS = 8;

/** Creates a client. What it learns of upstreams, it remembers as long as it lives. */
export function createUpstreamClient(options: UpstreamClientOptions): UpstreamClient {
  const { clock, random, toolReasoning = createToolReasoning() } = options;
  const memory = createCapabilityMemory();
  const states = createUpstreamStates(clock, options.share);
  const demoFetch = createDemoLater(clock);

  /** Whether to ask the same upstream again after this error; waits until it is time to. */
  async function mayRepeat(
    error: UpstreamError,
    target: Target,
    failed: number,
    scope: CallScope,
  ): Promise<boolean> {
    const { retry } = target.upstream;
    const wait = Math.max(backoffMs(failed, retry, random()), error.retryAfterMs ?? 0);
    const worthIt = error.isRetryable && failed < retry.max_attempts && scope.retries.left > 0 &&
      wait <= retry.max_ms && clock.now() + wait < scope.deadline;
    if (!worthIt) return false;
    scope.retries.left--;
    scope.onRetry?.(error, wait);
    scope.observer?.retried(target, error);
    await sleep(clock, wait, scope.signal);
    return true;
  }

  return {
    async *call(targets, request, scope) {
      const { observer } = scope;
      const [preferred, ...others] = states.inOrder(targets);
      let firstError: UpstreamError | undefined;
      let last: Target | undefined;
      for (const target of preferred === undefined ? [] : [preferred, ...others]) {
        if (last !== undefined) observer?.fellBack(last);
        last = target;
        const { breaker, keys, slots } = states.of(target.upstream);
        const tried = new Set<string | undefined>();
        let learned = 0;
        for (let failed = 0;;) {
          const sent = memory.of(target);
          const { json, used } = buildBody(target.model, request, sent, toolReasoning.restore);
          const apiKey = keys.current();
          tried.add(apiKey);
          const notes = createToolNotes();
          const release = await slots.acquire(scope.signal);
          breaker.begin();
          scope.onSend?.();
          const ended = observer?.attempt(target);
          let outcome: "ok" | "failed" | "unknown" = "unknown";
          let end: CallEnd = "cancelled";
          let began = false;
          let error: UpstreamError;
          const isDemo = target.upstream.base_url.startsWith("demo:");
          const fetch = isDemo ? demoFetch : options.fetch;
          const exchange = attempt({
            upstream: target.upstream,
            apiKey,
            json,
            stream: request.stream,
            signal: scope.signal,
            clock,
            fetch: observer?.around(fetch) ?? fetch,
          });
          try {
            for (let read = await exchange.read(); read !== undefined;) {
              for (const delta of read) {
                began ||= saysSomething(delta);
                notes.add(delta);
                yield delta;
              }
              read = await exchange.read();
            }
            outcome = end = "ok";
            toolReasoning.remember(notes.callIds, notes.reasoning());
            return;
          } catch (caught) {
            if (!(caught instanceof UpstreamError)) throw caught;
            end = error = caught;
            outcome = isRefusal(error) ? "ok" : "failed";
            if (began) throw error;
          } finally {
            exchange.close();
            // Also of a call that its reader leaves at the first token of the answer.
            if (notes.reasoning() !== "") memory.reasons(target);
            breaker.end(outcome);
            ended?.(end);
            release();
          }
          // What an upstream says may contradict itself: nobody is taught without end.
          if (memory.learn(target, error, sent, used) && learned++ < MAX_LESSONS) continue;
          // A request that one upstream calls wrong is wrong for the next as well.
          if (isRefusal(error)) throw error;
          if (isAboutKey(error) && keys.rotate(apiKey, tried)) continue;
          if (target === preferred) firstError = error;
          failed++;
          if (!await mayRepeat(error, target, failed, scope)) break;
        }
      }
      throw firstError ?? new UpstreamError("upstream_unreachable", "No upstream is configured.");
    },
    reasons: (target) => memory.of(target).reasons,
    isCooling: ({ upstream }) => states.of(upstream).breaker.isOpen(),
    json: memory.json,
  };
}

/** The built-in model, whose code is loaded with its first call: most servers never call it. */
function createDemoLater(clock: Clock): Fetch {
  let demo: Promise<Fetch> | undefined;
  return async (url, init) => {
    demo ??= import("./demo/model.ts").then(({ createDemoFetch }) => createDemoFetch(clock));
    return await (await demo)(url, init);
  };
}

function isRefusal(error: UpstreamError): boolean {
  return error.code === "upstream_rejected" || error.code === "context_length_exceeded";
}

function isAboutKey({ upstreamStatus }: UpstreamError): boolean {
  return upstreamStatus !== undefined && [401, 402, 403, 429].includes(upstreamStatus);
}

/** Gathers what a tool turn will need: the ids of the calls, and the reasoning before them. */
function createToolNotes(): {
  add(delta: Delta): void;
  callIds: string[];
  reasoning(): string;
} {
  const pieces: string[] = [];
  const callIds: string[] = [];
  return {
    callIds,
    add(delta) {
      if (delta.reasoning !== undefined) pieces.push(delta.reasoning);
      for (const { id } of delta.toolCalls ?? []) if (id !== undefined) callIds.push(id);
    },
    reasoning: () => pieces.join(""),
  };
}
