/** From a decoded request to a run of the model that it names. */
import type { Clock } from "../clock.ts";
import type { PublishedModel } from "../config/published_models.ts";
import type { ServerSettings } from "../config/resolve.ts";
import type { ReasoningEvent } from "../reasoning/events.ts";
import type { ReasoningRequest } from "../reasoning/request.ts";
import type { ApprovedCall } from "../reasoning/tools/approved.ts";
import { planRun } from "../reasoning/plan.ts";
import { run } from "../reasoning/run.ts";
import type { StrategyTable } from "../reasoning/strategy.ts";
import type { UpstreamClient } from "../upstream/client.ts";
import type { Exchange } from "./exchange.ts";
import { goneBeforeResponse, watchBody, watchSignal } from "./http/client_disconnect.ts";
import { readJson } from "./http/json_body.ts";
import type { Reservation } from "./limits/charge.ts";
import { estimateCost } from "./limits/cost.ts";
import type { Models } from "./models.ts";
import { type Toolbox, withAllowedTools } from "./tools/toolbox.ts";
import { dialectLabel } from "./telemetry/observer.ts";
import type { UsageLedger } from "./usage/ledger.ts";

export interface RunOptions {
  settings: ServerSettings;
  models: Models;
  strategies: StrategyTable;
  client: UpstreamClient;
  clock: Clock;
  /** Returns a number in [0, 1). */
  random: () => number;
  ledger: Pick<UsageLedger, "add" | "addRequest">;
  toolbox: Pick<Toolbox, "borrow" | "mcpServers">;
}

/** What a run needs of its request. `work` may outlive the request. */
export type RunOrigin =
  & Pick<Exchange, "work" | "client" | "hops" | "logFields" | "observer">
  & {
    reservation?: Reservation | undefined;
    match: { route: { path: string } };
    /** Whether the usage has the request already. Default: false. */
    isCounted?: boolean;
  };

/**
 * Starts a run, which ends when the signal is aborted.
 *
 * @param approved calls that the client has approved. Default: none.
 */
export type StartRun = (
  signal: AbortSignal,
  approved?: readonly ApprovedCall[],
) => AsyncGenerator<ReasoningEvent>;

/**
 * Reads the body of a request as JSON. Once it is read, a client that disconnects ends the work.
 *
 * @throws what `readJson` throws.
 */
export function readRequest(
  request: Request,
  exchange: Exchange,
  { settings, clock }: Pick<RunOptions, "settings" | "clock">,
): Promise<unknown> {
  const abort = () => exchange.work.abort(goneBeforeResponse());
  exchange.work.onEnd(watchSignal(request, clock, abort));
  return readJson(request, { settings, clock }, (body) => {
    exchange.stopWatching = watchBody(body, clock, abort);
  });
}

/**
 * Reserves what a run may use of its client's limits, and starts the time limit of its work.
 *
 * @param timeoutMs default: the setting for streams or for whole answers.
 * @throws {ApiError} 429 if the client is over a limit.
 * @throws {RequestError} if the request names an unknown strategy or an invalid option.
 */
export async function prepareRun(
  { reasoning }: PublishedModel,
  request: ReasoningRequest,
  origin: RunOrigin,
  { client, clock, random, settings, strategies: table, ledger, toolbox }: RunOptions,
  timeoutMs = request.stream ? settings.stream_timeout_ms : settings.request_timeout_ms,
): Promise<StartRun> {
  const { work, logFields, reservation, client: { owner, key } } = origin;
  const { stream } = request;
  logFields.dialect = dialectLabel(origin.match.route.path);
  const deadline = work.limit(timeoutMs);
  const model = withAllowedTools(reasoning, origin.client);
  logFields.model = model.id;
  const plan = planRun(model, request, { maxSamples: settings.max_samples, table });
  if (reservation !== undefined) await reservation.reserve(estimateCost(plan), model.id);
  const { name: strategy } = plan;
  Object.assign(logFields, { strategy, stream });
  const borrowed = plan.tools.length === 0
    ? undefined
    : await toolbox.borrow(plan.tools, work.signal);
  if (borrowed !== undefined) work.onEnd(borrowed.giveBack);
  const observer = origin.observer?.run({ client: owner, model: model.id, strategy, stream });
  return (signal, approved = []) =>
    run(plan, {
      owner,
      hops: origin.hops,
      tools: borrowed?.tools ?? [],
      approved,
      client,
      clock,
      random,
      signal,
      deadline,
      maxRetries: settings.max_retries,
      onRetry: () => logFields.retries = Number(logFields.retries ?? 0) + 1,
      observer,
      records: { withTexts: settings.show_prompts || key === undefined },
      onEnd(total) {
        reservation?.settle(total);
        ledger.add(owner, model.id, total, origin.isCounted ? 0 : 1);
        Object.assign(logFields, {
          calls: total.upstream.calls,
          prompt_tokens: total.promptTokens,
          completion_tokens: total.completionTokens,
          cost: total.upstream.cost,
        });
      },
      ...(reservation && {
        reserveCalls: reservation.reserveCalls,
        onStart: reservation.begin,
      }),
    });
}
