import { type Clock, sleep, within } from "../clock.ts";
import type { ResolvedConfig } from "../config/resolve.ts";
import { allTargetsOf } from "../reasoning/overrides.ts";
import type { Limiter } from "../store/limiter.ts";
import { createMemoryLimiter } from "../store/memory/limiter.ts";
import { createMemoryStore } from "../store/memory/store.ts";
import type { Store } from "../store/store.ts";
import type { Fetch } from "../upstream/attempt.ts";
import { createUpstreamClient } from "../upstream/client.ts";
import { createToolReasoning, type ToolReasoning } from "../upstream/tool_reasoning.ts";
import { createTakeoverTimer } from "./takeover_timer.ts";
import { Exchange } from "./exchange.ts";
import { createLimits } from "./limits/charge.ts";
import { createAdmission, shutdownError } from "./middleware/admission.ts";
import { auth } from "./middleware/auth.ts";
import { chain } from "./middleware/chain.ts";
import { cors, preflight } from "./middleware/cors.ts";
import { detectLoops } from "./middleware/hops.ts";
import { standardHeaders } from "./middleware/headers.ts";
import { meterRequests, rateLimitHeaders } from "./middleware/limits.ts";
import { logRequests } from "./middleware/log.ts";
import { routing } from "./middleware/routing.ts";
import { checkUrl, localOnly } from "./middleware/url.ts";
import { createReadiness } from "./readiness.ts";
import { createVault } from "../vault.ts";
import { createKeyClaims } from "./idempotency/key_claims.ts";
import { createRoutes, type RouteContext } from "./routes/table.ts";
import { createSharedToolReasoning } from "./tools/shared_reasoning.ts";
import type { Log } from "./telemetry/log.ts";
import { createHealth, type UpstreamRecord } from "./health/health.ts";
import { type MetricValues, scrapeResponse } from "./telemetry/metric_values.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import { combineObservers } from "./telemetry/observer.ts";
import { traces } from "./telemetry/open_telemetry.ts";
import { logBreaker, logUpstreams } from "./telemetry/upstream_log.ts";
import { reportOutages } from "./store_outage.ts";
import { createToolbox } from "./tools/toolbox.ts";
import { createUsageLedger } from "./usage/ledger.ts";
import { createWorkRegister } from "./work.ts";

/** What the app depends on; all settings are in `config`. */
export interface AppOptions {
  config: ResolvedConfig;
  clock: Clock;
  /** Returns a number in [0, 1). */
  random: () => number;
  fetch: Fetch;
  /** Whether to read the sizes of models' contexts from the lists of upstreams. Default: false. */
  readsModelLists?: boolean;
  log: Log;
  /** Default: in memory. */
  store?: Store | undefined;
  /** Default: in memory. */
  limiter?: Limiter | undefined;
  /** If set, every request that needs a token gets status 503 with this message. */
  unavailableReason?: string | undefined;
  /** Set if this app is one of several workers. */
  workerGroup?: WorkerGroup | undefined;
}

/** State that the workers of one server share. */
export interface WorkerGroup {
  /** Random id of the server, as `randomServerId` returns it. */
  id: string;
  /** Maps a limit of the whole server to one worker's share of it. */
  share(limit: number): number;
  /** When the server started, in seconds since 1970. */
  created: number;
  /** Returns the metrics of all workers. */
  values(): Promise<MetricValues>;
  /** Returns what all workers know about the upstreams. */
  health(): Promise<UpstreamRecord[]>;
  /** Ends the background run of a response if it is on another worker. */
  endRun(id: string): void;
  /** Reasoning to send back with tool results, whichever worker received it. */
  toolReasoning: ToolReasoning;
}

/** Returns an id by which a server recognizes requests that it has sent itself. */
export function randomServerId(): string {
  return crypto.getRandomValues(new Uint8Array(8)).toHex();
}

/** The server without a socket: `handle` answers a request and never throws. */
export type App = ReturnType<typeof createApp>;

/** Milliseconds in which aborted work may write to the store. */
const ABORT_GRACE_MS = 1_000;

/** Creates the server as a function from a request to a response. */
export function createApp(options: AppOptions) {
  const { clock, log, workerGroup } = options;
  const { share = (limit: number) => limit } = workerGroup ?? {};
  let { config } = options;
  let isLeaving = false;
  let isDraining = false;
  const id = workerGroup?.id ?? randomServerId();
  const isShared = () => config.keys.length > 0;
  const {
    store: backend = createMemoryStore({ now: clock.date }),
    limiter = createMemoryLimiter({ now: clock.date }),
  } = options;
  const local = workerGroup?.toolReasoning ?? createToolReasoning();
  const vaultOf = ({ secret }: ResolvedConfig) => createVault(secret, "o1-api tool reasoning");
  let vault = vaultOf(config);
  // The workers of one server share their memory by other means.
  const toolReasoning = backend.kind === "memory"
    ? local
    : createSharedToolReasoning({ local, store: backend, vault: () => vault, clock });
  const client = createUpstreamClient({
    ...options,
    share,
    isShared,
    toolReasoning,
    onBreaker: logBreaker(log),
  });
  const register = createWorkRegister(clock);
  const admission = createAdmission({
    maxRunning: () => share(config.server.max_concurrent_requests),
    maxWaiting: () => share(config.server.max_queue),
    isShared,
    isDraining: () => isDraining,
    clock,
  });
  const store = reportOutages(backend);
  const readiness = createReadiness({ store: backend, limiter, clock, log });
  const limits = createLimits({ limiter, limits: () => config.limits, clock, log });
  const isStoreShared = store.kind !== "memory" || workerGroup !== undefined;
  const ledger = createUsageLedger({ ...options, store, isShared: isStoreShared });
  const toolbox = createToolbox(config, log);
  const metrics = config.metrics.enabled
    ? createMetrics({ clock, client, models: () => config.models })
    : undefined;
  const values = (): MetricValues => metrics?.values() ?? new Map();
  const health = createHealth({ clock, client, models: () => config.models });
  const scrape = async () => scrapeResponse(await workerGroup?.values() ?? values());
  const background: RouteContext["background"] = {};
  const takeoverTimer = createTakeoverTimer({
    store,
    clock,
    random: options.random,
    log,
    async load() {
      await background.load!();
      return background.runs!;
    },
  });
  const context: RouteContext = {
    clock,
    random: options.random,
    client,
    log,
    limits,
    ledger,
    toolbox,
    store,
    register,
    scrape: metrics && scrape,
    health: async () => await workerGroup?.health() ?? health.records(),
    share,
    isShared,
    created: workerGroup?.created ?? Math.floor(clock.date() / 1000),
    endElsewhere: workerGroup?.endRun ?? (() => {}),
    background,
    isDurable: isStoreShared,
    claims: isStoreShared ? createKeyClaims({ limiter, clock }) : undefined,
    isLeaving: () => isLeaving,
    failing: readiness.failing,
  };

  function serve(current: ResolvedConfig) {
    const isLocal = !current.hasRealToken && options.unavailableReason === undefined;
    return chain([
      logRequests(log, clock),
      checkUrl,
      ...(isLocal ? [localOnly] : []),
      preflight,
      routing(createRoutes(current, context)),
      detectLoops(id),
      auth(current, { date: clock.date, unavailableReason: options.unavailableReason }),
      admission.admit,
      meterRequests(limits),
    ], [
      rateLimitHeaders(limits, clock),
      cors(isLocal ? [] : current.server.cors_origins),
      standardHeaders(clock),
    ]);
  }
  let answer = serve(config);

  return {
    /** Answers a request. Never throws. */
    handle(request: Request): Promise<Response> {
      const { contents } = config.traces;
      const exchange = new Exchange(
        request,
        register.begin(),
        clock.now(),
        ({ id, logFields }) =>
          combineObservers([
            metrics?.begin(),
            health.observer,
            traces?.observeTrace({ request, id, contents, date: clock.date }),
            logUpstreams(log, id, logFields),
          ]),
      );
      return answer(request, exchange);
    },
    /** Answers a scrape without checking a token; undefined if metrics are off. */
    metrics: metrics && scrape,
    /** Returns the metrics of this app alone. */
    values,
    /** Returns what this app alone knows about the upstreams. */
    health: health.records,
    /** Ends the background run of a response, which another worker has ended in the store. */
    endRun: (id: string) => void context.background.runs?.end(id),
    /**
     * Until the server drains, checks the store and the limits in the background, for `/readyz`, and
     * takes over background responses whose server has stopped.
     */
    watchBackends(): void {
      readiness.start();
      if (isStoreShared) takeoverTimer.start();
    },
    /** Serves new requests with another configuration. */
    reload(next: ResolvedConfig): void {
      config = next;
      vault = vaultOf(next);
      answer = serve(next);
      admission.update();
      toolbox.update(next);
      client.update(next.models.flatMap(({ reasoning }) => allTargetsOf(reasoning)));
    },
    /**
     * Reports that it is not ready. After `delayMs` milliseconds, rejects new work, waits up to
     * `graceMs` milliseconds for the rest, and then aborts it.
     */
    async drain(graceMs: number, delayMs = 0): Promise<void> {
      isLeaving = true;
      readiness.stop();
      takeoverTimer.stop();
      background.runs?.stop();
      if (delayMs > 0) await sleep(clock, delayMs);
      isDraining = true;
      await within(clock, graceMs, register.idle());
      register.abortAll(shutdownError());
      await within(clock, ABORT_GRACE_MS, register.idle());
      await Promise.all([
        within(clock, ABORT_GRACE_MS, limits.close()),
        ledger.close(),
        toolbox.close(),
      ]);
    },
  };
}
