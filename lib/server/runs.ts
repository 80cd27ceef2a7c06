/**
 * From a decoded request to a run of the model that it names.
 *
 * @module
 */
import { ApiError, ClientGoneError } from "../api/errors.ts";
import type { PublishedModel } from "../config/published_models.ts";
import type { ServerSettings } from "../config/resolve.ts";
import type { ReasoningEvent } from "../reasoning/events.ts";
import type { RunObserver } from "../reasoning/observer.ts";
import type { ReasoningRequest } from "../reasoning/request.ts";
import { run, strategyName } from "../reasoning/run.ts";
import type { Clock } from "../clock.ts";
import type { UpstreamClient } from "../upstream/client.ts";
import type { Client } from "./middleware/auth.ts";
import { readJson } from "./http/json_body.ts";
import { watchForDisconnect } from "./http/client_disconnect.ts";
import type { Exchange } from "./exchange.ts";
import { estimate } from "./limits/rules.ts";
import type { Limits } from "./limits/limits.ts";
import type { Work } from "./work.ts";

/** The published models by id; the first one serves requests that name none. */
export type Models = ReadonlyMap<string, PublishedModel>;

/** What runs need from outside. */
export interface RunOptions {
  /** The server's settings. */
  settings: ServerSettings;
  /** The published models. */
  models: Models;
  /** Calls upstream models. */
  client: UpstreamClient;
  /** The one clock. */
  clock: Clock;
  /** The one source of chance, 0 to 1. */
  random: () => number;
  /** The clients' limits. */
  limits: Limits;
  /** How long a request may take before it is asked whether its client left, in milliseconds. */
  disconnectWatchDelayMs: number;
}

/** Starts a run that ends with its signal. */
export type StartRun = (signal: AbortSignal) => AsyncGenerator<ReasoningEvent>;

/**
 * Reads the body of a request as JSON; from then on its work ends when its client leaves.
 *
 * @throws what `readJson` throws.
 */
export function readRequest(
  request: Request,
  { work, onResponse }: Exchange,
  { settings, clock, disconnectWatchDelayMs }: Pick<
    RunOptions,
    "settings" | "clock" | "disconnectWatchDelayMs"
  >,
): Promise<unknown> {
  // To ask costs as much as to parse the request, and most are answered before.
  if (disconnectWatchDelayMs === 0) leaveWith(request, work);
  else onResponse(clock.timer(disconnectWatchDelayMs, () => leaveWith(request, work)));
  return readJson(request, { settings, clock }, (body) => {
    onResponse(watchForDisconnect(body, clock, () => work.abort(clientGone())));
  });
}

/** Ends the work when the runtime tells that the client has left. */
function leaveWith(request: Request, work: Work): void {
  const gone = () => work.abort(clientGone());
  if (request.signal.aborted) gone();
  request.signal.addEventListener("abort", gone, { once: true });
}

function clientGone(): ClientGoneError {
  return new ClientGoneError("The client left before the answer");
}

/** Says to the log, and to who watches, what is run. */
function noteRun(
  { reasoning: model }: PublishedModel,
  reasoning: ReasoningRequest,
  { fields, observer }: Exchange,
): RunObserver | undefined {
  const strategy = strategyName(model, reasoning);
  const { stream } = reasoning;
  Object.assign(fields, { model: model.id, strategy, stream });
  return observer?.run({ model: model.id, strategy, stream });
}

/**
 * Reserves what a run may use of its client's limits, and starts the time limit of `work`.
 *
 * @param work differs from the request's own for a run that outlives its request.
 * @returns starts the run.
 * @throws {ApiError} 429 if the client is over a limit.
 */
export async function prepareRun(
  model: PublishedModel,
  reasoning: ReasoningRequest,
  exchange: Exchange,
  { client, clock, random, settings, limits }: RunOptions,
  work: Work = exchange.work,
): Promise<StartRun> {
  const deadline = work.limit(
    reasoning.stream ? settings.stream_timeout_ms : settings.request_timeout_ms,
  );
  const { fields } = exchange;
  fields.model = model.reasoning.id;
  const reservation = exchange.reservation = await limits.take(
    exchange.client,
    () => estimate(reasoning.messages, reasoning.maxTokens, model.reasoning),
    model.reasoning.id,
  );
  const observer = noteRun(model, reasoning, exchange);
  return (signal) =>
    run(model.reasoning, reasoning, {
      client,
      clock,
      random,
      signal,
      deadline,
      maxRetries: settings.max_retries,
      onRetry: () => fields.retries = Number(fields.retries ?? 0) + 1,
      observer,
      ...(reservation === undefined
        ? {}
        : { onStart: reservation.begin, onEnd: reservation.settle }),
    });
}

/** The models that a client may use. */
export function modelsOf({ key }: Client, models: Models): Models {
  const allowed = key?.models;
  if (allowed === undefined) return models;
  return new Map([...models].filter(([id]) => allowed.includes(id)));
}

/**
 * The model of this id, or the first where none is named, of those that the client may use.
 *
 * @throws {ApiError} 404 for an id that is not published, or not for this client.
 */
export function findModel(id: string | undefined, models: Models, client: Client): PublishedModel {
  const allowed = modelsOf(client, models);
  const [first] = allowed.values();
  const model = id === undefined ? first : allowed.get(id);
  if (model !== undefined) return model;
  throw modelNotFound(id ?? "", allowed);
}

/** 404 for an id that is not published, naming those that are. */
export function modelNotFound(id: string, models: ReadonlyMap<string, unknown>): ApiError {
  const known = [...models.keys()].map((key) => `'${key}'`).join(", ");
  const shown = id.length > 100 ? `${id.slice(0, 100)}…` : id;
  return new ApiError(
    404,
    `The model \`${shown}\` does not exist or you do not have access to it. Known models are: ${known}.`,
    { code: "model_not_found" },
  );
}
