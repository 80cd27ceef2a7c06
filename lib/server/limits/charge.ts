/** Charges clients for what they use: reserves units before a run, and settles them after it. */
import { ApiError } from "../../api/errors.ts";
import { randomBase62 } from "../../api/ids.ts";
import { type Clock, dayAt } from "../../clock.ts";
import type { LimitsConfig } from "../../config/schema/keys.ts";
import type { Usage } from "../../reasoning/usage/meter.ts";
import {
  type Charge,
  LEASE_MS,
  type Limit,
  type Limiter,
  type LimitState,
  type TakeResult,
} from "../../store/limiter.ts";
import { ANONYMOUS, type Client } from "../client.ts";
import { type Log, stackWithoutMessage } from "../telemetry/log.ts";
import { type Estimate, expectedUnits, reservedUnits, usedUnits } from "./cost.ts";
import {
  inUnits,
  isBudget,
  limitError,
  limitHeaders,
  type RuleState,
} from "./rate_limit_response.ts";
import { limitOf, periodEnd, type Rule, rulesOf } from "./rules.ts";
import { createSettlements } from "./settlements.ts";

export interface LimitsOptions {
  limiter: Limiter;
  /** Returns the current limits of all clients together. */
  limits: () => LimitsConfig;
  clock: Clock;
  log: Log;
}

interface RuleLimit {
  rule: Rule;
  limit: Limit;
}

interface RuleCharge extends Charge, RuleLimit {
  /** Used units that are charged already; `cost` is what the lease still holds. */
  charged?: number;
}

/** What is left of a budget. */
export interface Budget {
  /** Name of the key; null: all clients together. */
  key: string | null;
  measure: Rule["measure"];
  per: Rule["per"];
  /** Amount of the budget, in tokens or USD. */
  limit: number;
  /** What running requests have reserved is not included. */
  remaining: number;
  /** When the period ends, in ISO 8601. */
  resets_at: string;
}

const RENEW_MS = LEASE_MS / 3;

export type Limits = ReturnType<typeof createLimits>;

/**
 * What a request takes before its body is read: a place among the parallel requests, and for
 * `request` also one of the requests per minute. The run of a `place` reserves the rest. A `read`
 * takes a tenth of a request and no place, so that a client can poll its own background run.
 */
export type Meter = "place" | "request" | "read";

const REQUESTS: Readonly<Record<Meter, number>> = { place: 0, request: 1, read: 0.1 };

export type Reservation = NonNullable<Awaited<ReturnType<Limits["begin"]>>>;

/** Creates the limits of all clients. */
export function createLimits({ limiter, limits, clock, log }: LimitsOptions) {
  /** The charges of each lease that is renewed. */
  const leases = new Map<string, readonly RuleCharge[]>();
  const settlements = createSettlements({ limiter, clock, log });
  let stopRenewing = () => {};
  let renewal = Promise.resolve();
  /** The configuration and the day that `rules` belong to. */
  let ruledConfig: LimitsConfig | undefined;
  let ruledDay = "";
  let rules = new WeakMap<Client, readonly RuleLimit[]>();

  function logFailure(message: string, error: unknown): void {
    log.error(message, { cause: stackWithoutMessage(error) });
  }

  function scheduleRenewal(): void {
    stopRenewing = clock.timer(RENEW_MS, () => {
      renewal = renewal.then(renew);
      scheduleRenewal();
    });
  }

  async function renew(): Promise<void> {
    try {
      await limiter.renew([...leases.values()].flat());
    } catch (error) {
      logFailure("Leases of limits cannot be renewed", error);
    }
  }

  /**
   * Computed once for each client, configuration and day. A request needs it four times, which would
   * take 1 µs of CPU each.
   */
  function rulesFor(client: Client): readonly RuleLimit[] {
    const current = limits();
    const date = clock.date();
    const day = dayAt(date);
    if (current !== ruledConfig || day !== ruledDay) {
      ruledConfig = current;
      ruledDay = day;
      rules = new WeakMap();
    }
    let found = rules.get(client);
    if (found === undefined) {
      found = rulesOf(client, current).map((rule) => ({ rule, limit: limitOf(rule, date) }));
      rules.set(client, found);
    }
    return found;
  }

  /**
   * Charges for the client's rules, except those without units.
   *
   * @param lease holds the units, except those of rates. Default: they are charged at once.
   */
  function chargesFor(
    client: Client,
    unitsOf: (rule: Rule) => number | undefined,
    lease?: string,
  ): RuleCharge[] {
    const charges: RuleCharge[] = [];
    for (const { rule, limit } of rulesFor(client)) {
      const cost = unitsOf(rule);
      if (cost === undefined) continue;
      charges.push({ rule, limit, cost, lease: limit.kind === "rate" ? undefined : lease });
    }
    return charges;
  }

  const statesOf = (charges: readonly RuleCharge[], states: readonly LimitState[]) =>
    charges.map(({ rule, cost }, i) => ({ rule, cost, state: states[i]! }));

  /** Takes all charges, or none if one of them exceeds its limit. */
  async function take(charges: readonly RuleCharge[], model?: string): Promise<RuleState[]> {
    if (charges.length === 0) return [];
    const callAt = clock.now();
    let taken: TakeResult;
    try {
      taken = await limiter.take(charges);
    } catch (error) {
      logFailure("Limits cannot be reached", error);
      settlements.undo(charges, callAt);
      throw unavailable();
    }
    const states = statesOf(charges, taken.states);
    if (!taken.ok) throw limitError(states, model, clock.date());
    return states;
  }

  /** What a request has reserved. It is refunded if the request ends without a run. */
  function createReservation(
    client: Client,
    lease: string,
    leased: readonly RuleCharge[],
    states: readonly RuleState[] | undefined,
  ) {
    const charges = [...leased];
    let run: "none" | "running" | "ended" = "none";
    let estimate: Estimate | undefined;
    let usage: Usage | undefined;
    let requestEnded = false;
    renewLeases();

    function renewLeases(): void {
      const leased = charges.filter(({ lease }) => lease !== undefined);
      // Leases that are not renewed expire.
      if (leased.length === 0 || requestEnded) return;
      if (leases.size === 0) scheduleRenewal();
      leases.set(lease, leased);
    }

    /** Settles everything in one call, once both the request and its run have ended. */
    function settleAll(): void {
      if (!requestEnded || run === "running") return;
      if (leases.delete(lease) && leases.size === 0) stopRenewing();
      const settled: Charge[] = [];
      for (const { rule: { measure }, limit, cost, lease, charged = 0 } of charges) {
        const used = usage === undefined || measure === "parallel" ? 0 : usedUnits(measure, usage);
        const missing = used - (lease === undefined ? cost : charged);
        if (missing !== 0 || lease !== undefined) settled.push({ limit, cost: missing, lease });
      }
      // In memory, the ids of 10 minutes would take 40 MB for each 100,000 requests.
      const id = limiter.neverFails ? undefined : lease;
      if (settled.length > 0) settlements.settle(settled, renewal, id);
    }

    return {
      /** The `x-ratelimit-*` headers of the response, if they are known. */
      headers: () => states && limitHeaders(states, clock.date()),
      /**
       * Reserves what a run is expected to use.
       *
       * @param model its id, for messages.
       * @throws {ApiError} as `begin`.
       */
      async reserve(expected: Estimate, model: string): Promise<void> {
        estimate = expected;
        const reserved = chargesFor(
          client,
          (rule) => rule.measure === "parallel" ? undefined : reservedUnits(rule, expected),
          lease,
        );
        // If this fails, the headers are not asked for again.
        states ??= [];
        states = await take(reserved, model);
        charges.push(...reserved);
        renewLeases();
      },
      /**
       * Reserves further calls of a run.
       *
       * @param used what the run has used.
       * @returns whether the limits allow them.
       */
      async reserveCalls(calls: number, used: Usage): Promise<boolean> {
        const missing = charges.flatMap((charge) => {
          const { measure } = charge.rule;
          // A call of the run is not a further request.
          if (estimate === undefined || (measure !== "tokens" && measure !== "usd")) return [];
          const { charged = 0 } = charge;
          const cost = expectedUnits(charge.rule, estimate, used, calls) - charged - charge.cost;
          if (cost <= 0) return [];
          // If the server is killed, what the run has used stays charged.
          const isLeased = charge.lease !== undefined;
          return [{ charge, cost, used: isLeased ? usedUnits(measure, used) - charged : 0 }];
        });
        if (missing.length === 0) return true;
        const taken = missing.map(({ charge, ...more }) => ({ ...charge, ...more }));
        try {
          if (!(await limiter.take(taken)).ok) return false;
        } catch (error) {
          logFailure("Limits cannot be checked for further calls", error);
          return false;
        }
        for (const { charge, cost, used } of missing) {
          charge.cost += cost - used;
          charge.charged = (charge.charged ?? 0) + used;
        }
        return true;
      },
      /** Called when the run starts. */
      begin(): void {
        if (run === "none") run = "running";
      },
      /** Called when the run has ended. */
      settle(total: Usage): void {
        if (run !== "running") return;
        run = "ended";
        usage = total;
        settleAll();
      },
      /** Called when the request has ended; the run may continue. */
      end(): void {
        if (requestEnded) return;
        requestEnded = true;
        settleAll();
      },
    };
  }

  async function begin(client: Client, meter: Meter) {
    const lease = randomBase62(22);
    const leased = meter === "read"
      ? []
      : chargesFor(client, ({ measure }) => measure === "parallel" ? 1 : undefined, lease);
    // A charge of 0 only reads. One call is enough for the headers, also of a rejection.
    const isRead = meter !== "place" || leased.length > 0;
    const others = chargesFor(client, ({ measure, per }) => {
      if (!isRead || per === "moment") return undefined;
      return measure === "requests" ? REQUESTS[meter] : 0;
    });
    const states = await take([...leased, ...others]);
    return createReservation(client, lease, leased, isRead ? states : undefined);
  }

  return {
    /**
     * Takes what a request needs before its body is read. Undefined for a client without limits.
     *
     * @throws {ApiError} 429 if the request is over a limit, which costs nothing; 503 if the
     *   limiter cannot be reached.
     */
    begin(client: Client, meter: Meter) {
      return rulesFor(client).length === 0 ? undefined : begin(client, meter);
    },
    /** Whether a client is known and has limits that headers show. */
    hasHeaders: (client: Client) =>
      client !== ANONYMOUS && rulesFor(client).some(({ rule }) => rule.per !== "moment"),
    /** The current `x-ratelimit-*` headers of a client. */
    async headers(client: Client): Promise<Record<string, string>> {
      // A charge of 0 only reads.
      const charges = chargesFor(client, ({ per }) => per === "moment" ? undefined : 0);
      try {
        const { states } = await limiter.take(charges);
        return limitHeaders(statesOf(charges, states), clock.date());
      } catch (error) {
        logFailure("Limits cannot be reached", error);
        return {};
      }
    },
    /**
     * Returns what is left of the budgets per day and month of clients.
     *
     * @param withAll whether to add those of all clients together.
     * @throws {ApiError} 503 if the limiter cannot be reached.
     */
    async budgets(clients: readonly Client[], withAll: boolean): Promise<Budget[]> {
      const date = clock.date();
      const rules = [
        ...clients.flatMap((client) => rulesOf(client, {})),
        ...withAll ? rulesOf(ANONYMOUS, limits()) : [],
      ].filter(isBudget);
      // Keys of the same name share their limits.
      const charges = new Map(rules.map((rule) => {
        const limit = limitOf(rule, date);
        return [limit.key, { rule, limit, cost: 0 }];
      }));
      return (await take([...charges.values()])).map(({ rule, state }) => ({
        key: rule.client ?? null,
        measure: rule.measure,
        per: rule.per,
        limit: inUnits(rule, rule.amount),
        remaining: inUnits(rule, state.remaining),
        resets_at: new Date(periodEnd(rule, date)).toISOString(),
      }));
    },
    /** Waits until every ended request is charged, and stops renewing leases. */
    async close(): Promise<void> {
      stopRenewing();
      await Promise.all([renewal, settlements.close()]);
    },
  };
}

function unavailable(): ApiError {
  return new ApiError(503, "The server cannot check limits at the moment. Try again later.", {
    code: "limits_unavailable",
    headers: { "retry-after": "2" },
  });
}
