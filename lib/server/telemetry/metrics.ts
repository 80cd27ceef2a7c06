import type { Clock } from "../../clock.ts";
import type { RunCallObserver } from "../../reasoning/observer.ts";
import { upstreamsOf, type UpstreamSources } from "../models.ts";
import { VERSION } from "../version.ts";
import { callErrorType, errorType } from "./error_type.ts";
import { dialectLabel, type ObservedRun, type RequestObserver } from "./observer.ts";
import { createRegistry, type MetricAttributes } from "./registry.ts";

/** Number of clients, and of tools, that have series of their own in each process. */
const MAX_NAMES = 100;

export function createMetrics({ clock, client, models }: UpstreamSources) {
  const { record, series, watch, values } = createRegistry();
  const clientLabel = createLabels();
  // Servers of tools choose the names.
  const toolLabel = createLabels();
  const totals = new Map<string, ReturnType<typeof createTotals>>();
  const active = { requests: 0, streams: 0 };
  watch("activeRequests", () => [{ value: active.requests }]);
  watch("activeStreams", () => [{ value: active.streams }]);
  watch("build", () => [{ value: 1, attributes: { version: VERSION } }]);
  watch("memory", () => [{ value: Deno.memoryUsage().rss }]);
  watch("heap", () => [{ value: Deno.memoryUsage().heapUsed }]);
  watch("cooling", () =>
    [...upstreamsOf(models())].map(([name, target]) => ({
      value: client.isCooling(target) ? 1 : 0,
      attributes: { "gen_ai.provider.name": name },
    })));

  /** The series of what a client used, which are found once: each search takes 0.1 µs. */
  function totalsOf({ client, model, strategy }: ObservedRun, labels: MetricAttributes) {
    const label = clientLabel(client);
    const id = `${label}\0${model}\0${strategy}`;
    let found = totals.get(id);
    if (found === undefined) totals.set(id, found = createTotals(labels, label));
    return found;
  }

  function createTotals(labels: MetricAttributes, client: string) {
    const own = { ...labels, client };
    const tokens = (type: string) => {
      const all = series("tokens", { ...labels, "gen_ai.token.type": type });
      const ofClient = series("clientTokens", { ...own, "gen_ai.token.type": type });
      return (count: number) => {
        all(count);
        ofClient(count);
      };
    };
    return {
      requests: series("clientRequests", own),
      input: tokens("input"),
      cached: tokens("cached"),
      output: tokens("output"),
      reasoning: tokens("reasoning"),
      cost(usd: number): void {
        record("cost", usd, labels);
        record("clientCost", usd, own);
      },
    };
  }

  const secondsSince = (start: number) => (clock.now() - start) / 1000;

  function observeCall(onEnd: () => void): RunCallObserver {
    return {
      attempt({ name, model }) {
        const start = clock.now();
        return (end) =>
          record("calls", secondsSince(start), {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": name,
            "gen_ai.request.model": model,
            "error.type": callErrorType(end),
          });
      },
      retried: ({ name }, error) =>
        record("retries", 1, { "gen_ai.provider.name": name, "error.type": errorType(error) }),
      fellBack: ({ name }) => record("fallbacks", 1, { "gen_ai.provider.name": name }),
      end: onEnd,
    };
  }

  return {
    values,
    /** Creates the observer of a new request. */
    begin(): RequestObserver {
      const start = clock.now();
      const stopwatch = createCallStopwatch(clock);
      const firstAt: { reasoning?: number; answer?: number } = {};
      let dialect = "other";
      let run: ObservedRun | undefined;
      let labels: MetricAttributes = {};
      active.requests++;

      function recordFirst(part: "reasoning" | "answer"): void {
        if (firstAt[part] !== undefined || !run?.stream) return;
        firstAt[part] = clock.now();
        record("firstToken", secondsSince(start), { ...labels, "o1_api.part": part });
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
          return {
            call() {
              stopwatch.callBegins();
              return observeCall(stopwatch.callEnds);
            },
            tool: ({ name, ms, outcome }) =>
              record("toolRuns", ms / 1000, {
                "gen_ai.tool.name": toolLabel(name),
                "error.type": outcome === "ok" ? undefined : outcome,
              }),
            end({ upstream, reasoningTokens }, isWhole, error) {
              const used = totalsOf(observed, labels);
              used.requests(1);
              used.input(upstream.prompt_tokens);
              used.cached(upstream.cached_tokens);
              used.output(upstream.completion_tokens);
              used.reasoning(reasoningTokens);
              if (upstream.cost !== undefined) used.cost(upstream.cost);
              if (isWhole) return;
              const type = error === undefined ? "client_left" : errorType(error);
              record("wasted", upstream.completion_tokens, { ...labels, "error.type": type });
            },
          };
        },
        event(event) {
          switch (event.type) {
            case "reasoning":
              return recordFirst("reasoning");
            case "answer":
            case "tool_call":
            case "parts":
            case "refusal":
              return recordFirst("answer");
            case "usage": {
              const tokens = event.usage.completionTokens - event.usage.reasoningTokens;
              if (firstAt.answer === undefined || tokens < 2) return;
              record("perToken", secondsSince(firstAt.answer) / (tokens - 1), labels);
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
          record("requests", 1, attributes);
          if (run === undefined) return;
          const total = secondsSince(start);
          const calls = stopwatch.seconds();
          record("duration", total, attributes);
          if (calls !== undefined) record("overhead", Math.max(0, total - calls), labels);
        },
      };
    },
  };
}

/** Creates a function that returns a name, or `other` for names after the first ones. */
function createLabels(): (name: string) => string {
  const names = new Set<string>();
  return (name) => {
    if (names.size < MAX_NAMES) names.add(name);
    return names.has(name) ? name : "other";
  };
}

function createCallStopwatch(clock: Clock) {
  let open = 0;
  let since: number | undefined;
  let elapsedMs = 0;
  return {
    callBegins(): void {
      if (open++ === 0) since = clock.now();
    },
    callEnds(): void {
      if (--open === 0) elapsedMs += clock.now() - since!;
    },
    /**
     * Returns the time during which at least one call was open; undefined if there was no call, as
     * for a request that joined another's run.
     */
    seconds(): number | undefined {
      if (since === undefined) return undefined;
      return (open === 0 ? elapsedMs : elapsedMs + clock.now() - since) / 1000;
    },
  };
}
