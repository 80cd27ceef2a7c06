/**
 * Records the metrics of requests, runs and upstream calls.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import type { PublishedModel } from "../../config/published_models.ts";
import type { RunCallObserver, RunObserver } from "../../reasoning/observer.ts";
import type { UpstreamClient } from "../../upstream/client.ts";
import type { Target } from "../../upstream/target.ts";
import { callErrorType, errorType } from "./error_type.ts";
import type { MetricValues } from "./metric_values.ts";
import { dialectLabel, type ObservedRun, type RequestObserver } from "./observer.ts";
import { createRegistry, type MetricAttributes, type Registry } from "./registry.ts";

export interface Metrics {
  /** Creates the observer of a new request. */
  begin(): RequestObserver;
  values(): MetricValues;
}

export interface MetricsOptions {
  clock: Clock;
  client: Pick<UpstreamClient, "isCooling">;
  /** Returns the published models, whose upstreams are watched. */
  models: () => Iterable<PublishedModel>;
}

export function createMetrics({ clock, client, models }: MetricsOptions): Metrics {
  const registry = createRegistry();
  const active = { requests: 0, streams: 0 };
  registry.watch("activeRequests", () => [{ value: active.requests }]);
  registry.watch("activeStreams", () => [{ value: active.streams }]);
  registry.watch("memory", () => [{ value: Deno.memoryUsage().rss }]);
  registry.watch("heap", () => [{ value: Deno.memoryUsage().heapUsed }]);
  registry.watch("cooling", () =>
    [...upstreamsOf(models())].map(([name, target]) => ({
      value: client.isCooling(target) ? 1 : 0,
      attributes: { "gen_ai.provider.name": name },
    })));
  return {
    begin: () => observeRequest(registry, clock, active),
    values: registry.values,
  };
}

/** Returns a target for each upstream that a model may call. */
function upstreamsOf(models: Iterable<PublishedModel>): Map<string, Target> {
  const targets = [...models].flatMap(({ reasoning: { targets, roles } }) => [
    ...targets,
    ...Object.values(roles).flat(),
  ]);
  return new Map(targets.map((target) => [target.name, target]));
}

function observeRequest(
  registry: Registry,
  clock: Clock,
  active: { requests: number; streams: number },
): RequestObserver {
  const start = clock.now();
  const stopwatch = createCallStopwatch(clock);
  const firstAt: { reasoning?: number; answer?: number } = {};
  let dialect = "other";
  let run: ObservedRun | undefined;
  let labels: MetricAttributes = {};
  active.requests++;

  function recordFirst(part: "reasoning" | "answer"): void {
    if (firstAt[part] !== undefined || !run?.stream) return;
    const now = firstAt[part] = clock.now();
    registry.record("firstToken", (now - start) / 1000, { ...labels, "o1_api.part": part });
  }

  return {
    routed(path) {
      dialect = dialectLabel(path);
    },
    run(observed) {
      run = observed;
      labels = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "o1-api",
        "gen_ai.request.model": run.model,
        "o1_api.strategy": run.strategy,
      };
      if (run.stream) active.streams++;
      return observeRun(registry, clock, labels, stopwatch);
    },
    event(event) {
      switch (event.type) {
        case "reasoning":
          return recordFirst("reasoning");
        case "answer":
        case "tool_call":
        case "refusal":
          return recordFirst("answer");
        case "usage": {
          const tokens = event.usage.completionTokens - event.usage.reasoningTokens;
          if (firstAt.answer === undefined || tokens < 2) return;
          const seconds = (clock.now() - firstAt.answer) / 1000;
          registry.record("perToken", seconds / (tokens - 1), labels);
        }
      }
    },
    end(status, error) {
      active.requests--;
      if (run?.stream) active.streams--;
      const attributes: MetricAttributes = {
        ...labels,
        "o1_api.dialect": dialect,
        "http.response.status_code": String(status),
        "error.type": error === undefined ? undefined : errorType(error),
      };
      registry.record("requests", 1, attributes);
      if (run === undefined) return;
      const totalMs = clock.now() - start;
      const callsMs = stopwatch.elapsed();
      registry.record("duration", totalMs / 1000, attributes);
      if (callsMs !== undefined) {
        registry.record("overhead", Math.max(0, totalMs - callsMs) / 1000, labels);
      }
    },
  };
}

interface CallStopwatch {
  callBegins(): void;
  callEnds(): void;
  /**
   * Returns the milliseconds during which at least one call was open; undefined if there was none,
   * as for a request that joined another's run.
   */
  elapsed(): number | undefined;
}

function createCallStopwatch(clock: Clock): CallStopwatch {
  let open = 0;
  let since: number | undefined;
  let elapsed = 0;
  return {
    callBegins() {
      if (open++ === 0) since = clock.now();
    },
    callEnds() {
      if (--open === 0) elapsed += clock.now() - since!;
    },
    elapsed() {
      if (since === undefined) return undefined;
      return open === 0 ? elapsed : elapsed + clock.now() - since;
    },
  };
}

function observeRun(
  registry: Registry,
  clock: Clock,
  labels: MetricAttributes,
  stopwatch: CallStopwatch,
): RunObserver {
  return {
    call() {
      stopwatch.callBegins();
      return observeCall(registry, clock, stopwatch.callEnds);
    },
    end({ upstream, reasoningTokens }, isWhole, error) {
      const tokens = {
        input: upstream.prompt_tokens,
        cached: upstream.cached_tokens,
        output: upstream.completion_tokens,
        reasoning: reasoningTokens,
      };
      for (const [type, count] of Object.entries(tokens)) {
        registry.record("tokens", count, { ...labels, "gen_ai.token.type": type });
      }
      if (upstream.cost !== undefined) registry.record("cost", upstream.cost, labels);
      if (isWhole) return;
      const type = error === undefined ? "client_left" : errorType(error);
      registry.record("wasted", upstream.completion_tokens, { ...labels, "error.type": type });
    },
  };
}

function observeCall(registry: Registry, clock: Clock, onEnd: () => void): RunCallObserver {
  return {
    wrapFetch: (fetch) => fetch,
    attempt({ name, model }) {
      const start = clock.now();
      return (end) =>
        registry.record("calls", (clock.now() - start) / 1000, {
          "gen_ai.operation.name": "chat",
          "gen_ai.provider.name": name,
          "gen_ai.request.model": model,
          "error.type": callErrorType(end),
        });
    },
    retried: ({ name }, error) =>
      registry.record("retries", 1, {
        "gen_ai.provider.name": name,
        "error.type": errorType(error),
      }),
    fellBack: ({ name }) => registry.record("fallbacks", 1, { "gen_ai.provider.name": name }),
    end: onEnd,
  };
}
