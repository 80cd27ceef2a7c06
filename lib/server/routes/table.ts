import { ApiError } from "../../api/errors.ts";
import type { ResolvedConfig } from "../../config/resolve.ts";
import type { Handler } from "../exchange.ts";
import { findClient } from "../middleware/auth.ts";
import type { BackgroundOptions, BackgroundRuns } from "../responses/background.ts";
import { summarize, type UpstreamRecord } from "../health/health.ts";
import { createVault } from "../../vault.ts";
import { createRouter, type Route, type Router } from "../router.ts";
import type { KeyClaims } from "../idempotency/key_claims.ts";
import type { RunOptions } from "../runs.ts";
import type { Limits } from "../limits/charge.ts";
import type { UsageLedger } from "../usage/ledger.ts";
import { createUsageHandler } from "../usage/route.ts";
import type { WorkRegister } from "../work.ts";
import { createChatHandler } from "./chat.ts";
import { modelRoutes } from "./models.ts";
import { playgroundRoutes } from "./playground.ts";
import { unservedRoutes } from "./unserved.ts";

/** What routes need, and what stays the same when the configuration is reloaded. */
export interface RouteContext
  extends
    Omit<RunOptions, "settings" | "models" | "strategies">,
    Pick<BackgroundOptions, "store" | "isShared" | "isDurable" | "endElsewhere" | "log"> {
  limits: Limits;
  ledger: UsageLedger;
  register: WorkRegister;
  /** Answers `GET /metrics`; undefined if metrics are off. */
  scrape: (() => Promise<Response>) | undefined;
  /** Returns what all processes of the server know about the upstreams. */
  health: () => Promise<UpstreamRecord[]>;
  /** Maps a limit of the whole server to this process's share of it. */
  share: (limit: number) => number;
  /** When the server started, in seconds since 1970. */
  created: number;
  /** Background runs, set when `load` or a request has loaded the code of the current routes. */
  background: { runs?: BackgroundRuns; load?: () => Promise<unknown> };
  /** Keeps other processes from running the same request; undefined if there are none. */
  claims: KeyClaims | undefined;
  /** Returns whether the server stops soon, although it may still accept work. */
  isLeaving: () => boolean;
  /** Returns the names of back ends that do not answer. */
  failing: () => readonly string[];
}

export function createRoutes(config: ResolvedConfig, context: RouteContext): Router<Handler> {
  const models = new Map(config.models.map((model) => [model.reasoning.id, model]));
  const { secret, strategies } = config;
  const runs = { ...context, settings: config.server, models, strategies };
  const { clock, health, scrape } = context;
  const get = (path: string, handle: Handler): Route<Handler> => ({
    method: "GET",
    path,
    open: true,
    handle,
  });
  return createRouter([
    {
      method: "POST",
      path: "/chat/completions",
      meter: "place",
      handle: createChatHandler(runs, context.claims),
    },
    ...modelRoutes(models, strategies, context.created, config.server.max_samples),
    {
      method: "GET",
      path: "/usage",
      meter: "read",
      handle: createUsageHandler({ ...context, keys: config.keys }),
    },
    operatorRoute(
      "/upstreams",
      "Upstreams are only shown with api_bearer_token.",
      async () => Response.json({ object: "list", data: summarize(await health(), clock.date()) }),
    ),
    ...unservedRoutes(),
    ...playgroundRoutes(unrestrictedModels(config), config.server.playground),
    get("/health", () => Response.json({ status: "ok" })),
    get("/healthz", () => Response.json({ status: "ok" })),
    get("/readyz", () => readiness(context)),
    ...(scrape === undefined || config.metrics.port !== 0 ? [] : [
      operatorRoute("/metrics", "Metrics are only available with api_bearer_token.", scrape),
    ]),
  ], [
    // Loaded when first used: their code would add 20 ms to every start.
    {
      paths: ["/responses", "/conversations"],
      load: context.background.load = once(async () => {
        const { responsesRoutes } = await import("../responses/routes.ts");
        return responsesRoutes({
          ...runs,
          vault: createVault(secret, "o1-api sealed reasoning"),
          requestVault: createVault(secret, "o1-api background request"),
          findClient: (id, owner) => findClient(config, id, owner, clock.date()),
          ttlMs: config.storeTtlMs,
          maxBackground: context.share(config.server.max_background),
          beginWork: context.register.begin,
        });
      }),
    },
    {
      paths: ["/messages"],
      async load() {
        const { messagesRoutes } = await import("./messages.ts");
        return messagesRoutes({ ...runs, vault: createVault(secret, "o1-api thinking signature") });
      },
    },
  ]);
}

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => loaded ??= load();
}

/** Ids of the models that every key may use. */
function unrestrictedModels({ models, keys }: ResolvedConfig): string[] {
  const ids = models.map(({ reasoning: { id } }) => id);
  return ids.filter((id) => keys.every((key) => key.models?.includes(id) ?? true));
}

/** Calls no back end: probes must not wait for one that hangs. */
function readiness({ isLeaving, failing }: RouteContext): Response {
  if (isLeaving()) return Response.json({ status: "draining" }, { status: 503 });
  const names = failing();
  return names.length === 0
    ? Response.json({ status: "ready" })
    : Response.json({ status: "unavailable", failing: names }, { status: 503 });
}

/** @param refusal message for clients other than the operator. */
function operatorRoute(
  path: string,
  refusal: string,
  answer: () => Promise<Response>,
): Route<Handler> {
  return {
    method: "GET",
    path,
    urgent: true,
    handle(_request, { client }) {
      if (client.key === undefined) return answer();
      throw new ApiError(403, refusal, { code: "insufficient_permissions" });
    },
  };
}
