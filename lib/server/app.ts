/**
 * The server as a function from a request to a response.
 *
 * @module
 */
import { ApiError, ClientGoneError, errorResponse, toApiError } from "../api/errors.ts";
import { newHexId } from "../api/ids.ts";
import { messagesErrorResponse, messagesStatus } from "../api/messages/errors.ts";
import type { ResolvedConfig } from "../config/resolve.ts";
import { createMemoryStore } from "../store/memory/store.ts";
import type { Limiter } from "../store/limiter.ts";
import { createMemoryLimiter } from "../store/memory/limiter.ts";
import type { Store } from "../store/store.ts";
import type { Fetch } from "../upstream/attempt.ts";
import { createUpstreamClient } from "../upstream/client.ts";
import { type Clock, within } from "../clock.ts";
import type { ToolReasoning } from "../upstream/tool_reasoning.ts";
import { createAdmission } from "./middleware/admission.ts";
import { NOBODY } from "./middleware/auth.ts";
import { addCorsHeaders, preflightResponse } from "./middleware/cors.ts";
import { statusOf } from "./telemetry/error_type.ts";
import type { Exchange } from "./exchange.ts";
import { createLimits } from "./limits/limits.ts";
import { type Log, type LogFields, stackWithoutMessage } from "./telemetry/log.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import { type MetricValues, scrapeResponse } from "./telemetry/metric_values.ts";
import { observeBoth } from "./telemetry/observer.ts";
import { speaksMessages } from "./routes/models.ts";
import { checkHost, shown } from "./router.ts";
import { createService, type Service, type Shared } from "./service.ts";
import { traces } from "./telemetry/open_telemetry.ts";
import { createWorkRegister } from "./work.ts";

/** What an app is made of. */
export interface AppOptions {
  /** The configuration. */
  config: ResolvedConfig;
  /** The one clock. */
  clock: Clock;
  /** The one source of chance, 0 to 1. */
  random: () => number;
  /** How upstream requests are sent. */
  fetch: Fetch;
  /** Where the server says what it does. */
  log: Log;
  /** Where what outlives a request is kept; default: memory. */
  store?: Store | undefined;
  /** Where requests and tokens are counted; default: memory. */
  limiter?: Limiter | undefined;
  /** How long a request may take before it is asked whether its client left; default: 0 ms. */
  disconnectWatchDelayMs?: number;
  /** Why all work is refused, if it is: a public server without a token of its own. */
  unavailableReason?: string | undefined;
  /** What this app shares with others, where it is one of several workers. */
  workerGroup?: WorkerGroup | undefined;
}

/** What the workers of one server have in common. */
export interface WorkerGroup {
  /** One worker's part of a bound that holds for all of them together. */
  share(bound: number): number;
  /** When the server began, in seconds since 1970. */
  created: number;
  /** What all of them have counted. */
  values(): Promise<MetricValues>;
  /** What models thought before they called tools, whichever worker asked them. */
  toolReasoning: ToolReasoning;
}

/** The server as a function, and its end. */
export interface App {
  /** Answers a request. Never throws. */
  handle(request: Request): Promise<Response>;
  /** Answers a scrape, whoever asks; undefined where nothing is counted. */
  metrics: (() => Promise<Response>) | undefined;
  /** What this app by itself has counted. */
  values(): MetricValues;
  /** Serves new requests by another configuration. */
  reload(config: ResolvedConfig): void;
  /**
   * Refuses new work and waits for the old; what is left after the grace is aborted.
   *
   * @param graceMs milliseconds.
   */
  drain(graceMs: number): Promise<void>;
}

/**
 * Headers that OpenAI sends with every answer. Where a client has no limit of requests or tokens,
 * balancers that look for one find one that is never reached.
 */
const CONSTANT_HEADERS: Readonly<Record<string, string>> = {
  "openai-version": "2020-10-01",
  "openai-organization": "o1-api",
  "x-ratelimit-limit-requests": "1000000",
  "x-ratelimit-remaining-requests": "1000000",
  "x-ratelimit-reset-requests": "0s",
  "x-ratelimit-limit-tokens": "1000000000",
  "x-ratelimit-remaining-tokens": "1000000000",
  "x-ratelimit-reset-tokens": "0s",
};

/** Time to write what was aborted to the store, in milliseconds. */
const LAST_WORDS_MS = 1_000;

/** Creates the app. */
export function createApp(options: AppOptions): App {
  const { clock, log, workerGroup } = options;
  const { share = (bound: number) => bound, toolReasoning, created } = workerGroup ?? {};
  const client = createUpstreamClient({ ...options, share, toolReasoning });
  const register = createWorkRegister(clock);
  let draining = false;
  const current = () => service.config;
  const admission = createAdmission({
    places: () => share(current().server.max_concurrent_requests),
    queue: () => share(current().server.max_queue),
    clock,
  });
  const limits = createLimits({
    limiter: options.limiter ?? createMemoryLimiter(),
    limits: () => current().limits,
    clock,
    log,
  });
  const metrics = options.config.metrics.enabled
    ? createMetrics({ clock, client, models: () => current().models })
    : undefined;
  const values = (): MetricValues => metrics?.values() ?? new Map();
  const scrape = async () => scrapeResponse(await workerGroup?.values() ?? values());
  const shared: Shared = {
    clock,
    random: options.random,
    client,
    log,
    store: options.store ?? createMemoryStore({ now: clock.date }),
    limits,
    register,
    metrics,
    disconnectWatchDelayMs: options.disconnectWatchDelayMs ?? 0,
    scrape,
    share,
    created: created ?? Math.floor(clock.date() / 1000),
    background: {},
    isDraining: () => draining,
  };
  let service = createService(options.config, shared);

  async function answer(
    request: Request,
    exchange: Exchange,
    path: string,
    { router, authenticator }: Service,
  ): Promise<Response> {
    checkHost(request.headers);
    const { route, params } = await router.find(request.method, path);
    exchange.observer?.routed(route.path);
    if (!route.open) {
      if (options.unavailableReason !== undefined) {
        throw new ApiError(503, options.unavailableReason);
      }
      exchange.client = await authenticator.check(request.headers);
      const { id, name, key } = exchange.client;
      exchange.fields.client = id;
      if (key !== undefined) exchange.fields.client_name = name;
      if (!route.urgent) {
        if (draining) throw shuttingDown();
        exchange.releaseSlot = await admission.enter(request);
        if (draining) throw shuttingDown();
      }
    }
    const response = await route.handle(request, exchange, params);
    if (request.method !== "HEAD") return response;
    await response.body?.cancel();
    return new Response(null, response);
  }

  return {
    async handle(request) {
      // A request ends with the configuration that it began with.
      const serving = service;
      const { config } = serving;
      const start = clock.now();
      const path = pathOf(request.url);
      const id = requestId(request.headers);
      const isMessages = speaksMessages(path, request.headers);
      const work = register.begin();
      const fields: Exchange["fields"] = {};
      const observer = observeBoth(
        metrics?.begin(),
        traces?.observeTrace({ request, id, contents: config.traces.contents, date: clock.date }),
      );
      let over = false;
      let status = 200;
      let ms: number | undefined;
      const finish = (error?: unknown) => {
        if (over) return;
        over = true;
        work.end();
        exchange.reservation?.end();
        exchange.releaseSlot();
        if (error !== undefined) {
          status = isMessages ? messagesStatus(statusOf(error)) : statusOf(error);
        }
        observer?.end(status, error);
        ms = Math.round(clock.now() - start);
        fields.request_id = id;
        logAnswer(log, `${shown(request.method)} ${shown(path)}`, { status, ms }, error, fields);
      };
      const ends: (() => void)[] = [];
      const exchange: Exchange = {
        client: NOBODY,
        work,
        fields,
        observer,
        isStreaming: false,
        releaseSlot() {},
        finish,
        onResponse: (end) => ends.push(end),
      };
      let failed = false;
      let response: Response;
      try {
        response = request.method === "OPTIONS"
          ? preflightResponse(request)
          : await answer(request, exchange, path, serving);
        status = response.status;
        if (!exchange.isStreaming) finish();
      } catch (error) {
        finish(error);
        failed = true;
        const failure = toApiError(error);
        response = isMessages ? messagesErrorResponse(failure, id) : errorResponse(failure);
      }
      for (const end of ends) end();
      const { headers } = response;
      headers.set("x-request-id", id);
      if (isMessages) headers.set("request-id", id);
      const own = exchange.reservation?.headers ?? await limits.headers(exchange.client);
      const usual = own === undefined ? CONSTANT_HEADERS : { ...CONSTANT_HEADERS, ...own };
      for (const name in usual) {
        // A refusal brings its own.
        if (!failed || !headers.has(name)) headers.append(name, usual[name]!);
      }
      headers.set("openai-processing-ms", String(ms ?? Math.round(clock.now() - start)));
      addCorsHeaders(headers, request.headers.get("origin"), config.server.cors_origins);
      return response;
    },
    metrics: metrics && scrape,
    values,
    reload(config) {
      service = createService(config, shared);
    },
    async drain(graceMs) {
      draining = true;
      await within(clock, graceMs, register.idle());
      register.abortAll(shuttingDown());
      await within(clock, LAST_WORDS_MS, register.idle());
      await within(clock, LAST_WORDS_MS, limits.close());
    },
  };
}

function shuttingDown(): ApiError {
  return new ApiError(503, "The server is shutting down. Try again in a moment.", {
    type: "service_unavailable_error",
    code: "server_shutdown",
    headers: { "retry-after": "5" },
  });
}

/** The path without the `/v1` before it, a doubled one too, and without a slash at its end. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.search(/[?#]/);
  const path = start < 0 ? "/" : url.slice(start, end < 0 ? undefined : end);
  const rest = path.replace(/^(?:\/v1)+(?=\/|$)/, "");
  return (rest.endsWith("/") ? rest.replace(/\/+$/, "") : rest) || "/";
}

/** The one line that every request leaves. */
function logAnswer(
  log: Log,
  message: string,
  { status, ms }: { status: number; ms: number },
  error: unknown,
  fields: LogFields,
): void {
  if (error instanceof ClientGoneError) {
    return log.info(message, { status, ms, outcome: "cancelled", ...fields });
  }
  if (error === undefined) return log.info(message, { status, ms, outcome: "ok", ...fields });
  const failure = toApiError(error);
  const cause = failure.status === 500 && failure.cause !== undefined
    ? { cause: stackWithoutMessage(failure.cause) }
    : {};
  log[failure.status >= 500 ? "error" : "info"](message, {
    status,
    ms,
    outcome: "error",
    error: failure.code ?? failure.type,
    ...cause,
    ...fields,
  });
}

function requestId(headers: Headers): string {
  const given = headers.get("x-request-id");
  if (given !== null && /^[\w.-]{1,128}$/.test(given)) return given;
  return newHexId("req_", 32);
}
