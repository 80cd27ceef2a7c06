/**
 * Counts and measures what the server does.
 *
 * @module
 */
import type { PublishedModel } from "../../config/published_models.ts";
import type { ReasoningEvent } from "../../reasoning/events.ts";
import type { RunCallObserver, RunObserver } from "../../reasoning/observer.ts";
import type { Usage } from "../../reasoning/usage.ts";
import type { Clock } from "../../clock.ts";
import type { UpstreamClient } from "../../upstream/client.ts";
import type { Target } from "../../upstream/target.ts";
import { callErrorType, errorType } from "./error_type.ts";
import type { MetricValues } from "./metric_values.ts";
import { dialectOf, type ObservedRun, type RequestObserver } from "./observer.ts";
import { createRegistry, type MetricAttributes, type Registry } from "./registry.ts";

/** The metrics of one app. */
export interface Metrics {
  /** A request begins. */
  begin(): RequestObserver;
  /** All values as they are now. */
  values(): MetricValues;
}

/** What metrics are taken from. */
export interface MetricsOptions {
  /** The one clock. */
  clock: Clock;
  /** Knows which upstreams are cooling down. */
  client: Pick<UpstreamClient, "isCooling">;
  /** The published models as they are now, which say which upstreams there are. */
  models: () => Iterable<PublishedModel>;
}

/** What a request is counted under. */
const OURS = { "gen_ai.operation.name": "chat", "gen_ai.provider.name": "o1-api" } as const;

/** Creates metrics, all at 0. */
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

/** Every upstream that a model may call, by its name in the config. */
function upstreamsOf(models: Iterable<PublishedModel>): Map<string, Target> {
  const all = [...models].flatMap(({ reasoning: { targets, roles } }) => [
    ...targets,
    ...Object.values(roles).flat(),
  ]);
  return new Map(all.map((target) => [target.name, target]));
}

function observeRequest(
  registry: Registry,
  clock: Clock,
  active: { requests: number; streams: number },
): RequestObserver {
  const start = clock.now();
  const seen: { reasoning?: number; answer?: number } = {};
  const waiting = createWaiting(clock);
  let dialect = "other";
  let run: ObservedRun | undefined;
  let labels: MetricAttributes = {};
  active.requests++;

  function first(part: "reasoning" | "answer"): void {
    if (seen[part] !== undefined || !run?.stream) return;
    const now = seen[part] = clock.now();
    registry.record("firstToken", (now - start) / 1000, { ...labels, "o1_api.part": part });
  }

  return {
    routed(path) {
      dialect = dialectOf(path);
    },
    run(given) {
      run = given;
      labels = {
        ...OURS,
        "gen_ai.request.model": run.model,
        "o1_api.strategy": run.strategy,
      };
      if (run.stream) active.streams++;
      return observeRun(registry, clock, labels, waiting);
    },
    event(event: ReasoningEvent) {
      if (event.type === "reasoning") first("reasoning");
      else if (isAnswer(event)) first("answer");
      else if (event.type === "usage" && seen.answer !== undefined) {
        const tokens = event.usage.completionTokens - event.usage.reasoningTokens;
        const seconds = (clock.now() - seen.answer) / 1000;
        if (tokens > 1) registry.record("perToken", seconds / (tokens - 1), labels);
      }
    },
    end(status, error) {
      active.requests--;
      if (run?.stream) active.streams--;
      const all: MetricAttributes = {
        ...labels,
        "o1_api.dialect": dialect,
        "http.response.status_code": String(status),
        "error.type": error === undefined ? undefined : errorType(error),
      };
      registry.record("requests", 1, all);
      if (run === undefined) return;
      const total = clock.now() - start;
      const waited = waiting.total();
      registry.record("duration", total / 1000, all);
      if (waited !== undefined) {
        registry.record("overhead", Math.max(0, total - waited) / 1000, labels);
      }
    },
  };
}

function isAnswer({ type }: ReasoningEvent): boolean {
  return type === "answer" || type === "tool_call" || type === "refusal";
}

/** How long at least one of several calls was open; a request that joins another's run has none. */
function createWaiting(clock: Clock): { begin(): void; end(): void; total(): number | undefined } {
  let open = 0;
  let since: number | undefined;
  let waited = 0;
  return {
    begin() {
      if (open++ === 0) since = clock.now();
    },
    end() {
      if (--open === 0) waited += clock.now() - since!;
    },
    total() {
      if (since === undefined) return undefined;
      return open === 0 ? waited : waited + clock.now() - since;
    },
  };
}

function observeRun(
  registry: Registry,
  clock: Clock,
  labels: MetricAttributes,
  waiting: ReturnType<typeof createWaiting>,
): RunObserver {
  return {
    call() {
      waiting.begin();
      return observeCall(registry, clock, waiting.end);
    },
    end(usage, isWhole, error) {
      recordUsage(registry, labels, usage);
      if (isWhole) return;
      const type = error === undefined ? "client_left" : errorType(error);
      registry.record("wasted", usage.upstream.completion_tokens, {
        ...labels,
        "error.type": type,
      });
    },
  };
}

function recordUsage(registry: Registry, labels: MetricAttributes, usage: Usage): void {
  const { upstream, reasoningTokens } = usage;
  const counts = {
    input: upstream.prompt_tokens,
    cached: upstream.cached_tokens,
    output: upstream.completion_tokens,
    reasoning: reasoningTokens,
  };
  for (const [type, count] of Object.entries(counts)) {
    registry.record("tokens", count, { ...labels, "gen_ai.token.type": type });
  }
  if (upstream.cost !== undefined) registry.record("cost", upstream.cost, labels);
}

function observeCall(registry: Registry, clock: Clock, onEnd: () => void): RunCallObserver {
  return {
    around: (fetch) => fetch,
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
