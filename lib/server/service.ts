/**
 * What one configuration serves: its routes, its models, and who may use them. A reload puts
 * another in its place, and requests that have begun end with the one that they began with.
 *
 * @module
 */
import { ApiError } from "../api/errors.ts";
import { PLACEHOLDER_TOKEN, type ResolvedConfig } from "../config/resolve.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../clock.ts";
import type { UpstreamClient } from "../upstream/client.ts";
import { type Authenticator, createAuthenticator } from "./middleware/auth.ts";
import type { BackgroundRuns } from "./responses/background.ts";
import { createChatHandler } from "./routes/chat.ts";
import type { Exchange, Handler } from "./exchange.ts";
import { health, readiness } from "./routes/health.ts";
import type { Limits } from "./limits/limits.ts";
import type { Log } from "./telemetry/log.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import { modelRoutes } from "./routes/models.ts";
import { playgroundRoutes } from "./routes/playground.ts";
import { createRouter, type Mount, type Route, type Router } from "./router.ts";
import type { RunOptions } from "./runs.ts";
import { createVault } from "./responses/vault.ts";
import type { WorkRegister } from "./work.ts";

/** What outlives a reload. */
export interface Shared {
  /** The one clock. */
  clock: Clock;
  /** The one source of chance, 0 to 1. */
  random: () => number;
  /** Calls upstream models. */
  client: UpstreamClient;
  /** Where the server says what it does. */
  log: Log;
  /** Where what outlives a request is kept. */
  store: Store;
  /** What clients may use. */
  limits: Limits;
  /** All work in progress. */
  register: WorkRegister;
  /** What is counted, if it is. */
  metrics: Metrics | undefined;
  /** How long a request may take before it is asked whether its client left, in milliseconds. */
  disconnectWatchDelayMs: number;
  /** Answers a scrape. */
  scrape: () => Promise<Response>;
  /** This app's part of a bound that holds for all workers of the server. */
  share: (bound: number) => number;
  /** When the server began, in seconds since 1970. */
  created: number;
  /** Runs without clients, as soon as there may be any. */
  background: { runs?: BackgroundRuns };
  /** Whether the server is about to end. */
  isDraining: () => boolean;
}

/** One configuration at work. */
export interface Service {
  /** The configuration. */
  config: ResolvedConfig;
  /** Who may use it. */
  authenticator: Authenticator;
  /** What answers. */
  router: Router<Handler>;
}

/** Creates the service of a configuration. */
export function createService(config: ResolvedConfig, shared: Shared): Service {
  const { clock, metrics } = shared;
  const models = new Map(config.models.map((model) => [model.reasoning.id, model]));
  const runs: RunOptions = {
    settings: config.server,
    models,
    client: shared.client,
    clock,
    random: shared.random,
    limits: shared.limits,
    disconnectWatchDelayMs: shared.disconnectWatchDelayMs,
  };
  const routes: Route<Handler>[] = [
    { method: "POST", path: "/chat/completions", handle: createChatHandler(runs) },
    ...modelRoutes(models, shared.created),
    ...playgroundRoutes([...models.keys()], config.server.playground),
    { method: "GET", path: "/health", open: true, handle: health },
    { method: "GET", path: "/healthz", open: true, handle: health },
    { method: "GET", path: "/readyz", open: true, handle: () => readiness(!shared.isDraining()) },
  ];
  if (metrics !== undefined && config.metrics.port === 0) {
    routes.push(metricsRoute(shared.scrape));
  }
  return {
    config,
    authenticator: createAuthenticator({
      token: tokenOf(config),
      keys: config.keys,
      date: clock.date,
    }),
    router: createRouter(routes, dialects(config, runs, shared)),
  };
}

/** The other dialects: most servers never hear them, and their code would take 20 ms of a start. */
function dialects(config: ResolvedConfig, runs: RunOptions, shared: Shared): Mount<Handler>[] {
  return [
    {
      paths: ["/responses", "/conversations"],
      async load() {
        const { responsesRoutes } = await import("./responses/routes.ts");
        return responsesRoutes({
          ...runs,
          store: shared.store,
          vault: createVault(config.secret, "o1-api sealed reasoning"),
          log: shared.log,
          ttlMs: config.storeTtlMs,
          maxBackground: shared.share(config.server.max_background),
          background: shared.background,
          beginWork: shared.register.begin,
        });
      },
    },
    {
      paths: ["/messages"],
      async load() {
        const { messagesRoutes } = await import("./routes/messages.ts");
        const vault = createVault(config.secret, "o1-api thinking signature");
        return messagesRoutes({ ...runs, vault });
      },
    },
  ];
}

/** They tell of all clients, and are for none of them. */
function metricsRoute(scrape: Shared["scrape"]): Route<Handler> {
  return {
    method: "GET",
    path: "/metrics",
    urgent: true,
    handle(_request, { client }: Exchange) {
      if (client.key === undefined) return scrape();
      throw new ApiError(403, "The metrics are for the holder of api_bearer_token.", {
        code: "insufficient_permissions",
      });
    },
  };
}

/** The token that is taken: of a server that has none of its own, the one that everybody knows. */
function tokenOf({ token, tokenIsPlaceholder, hasRealToken }: ResolvedConfig): string | undefined {
  if (!hasRealToken) return PLACEHOLDER_TOKEN;
  return tokenIsPlaceholder ? undefined : token;
}
