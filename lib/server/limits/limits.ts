/**
 * Keeps clients within their limits: sets aside what a request may use, and counts what it used.
 *
 * @module
 */
import { ApiError } from "../../api/errors.ts";
import type { LimitsConfig } from "../../config/schema/keys.ts";
import type { Usage } from "../../reasoning/usage.ts";
import type { Limit, Limiter, LimitState } from "../../store/limiter.ts";
import type { Clock } from "../../clock.ts";
import type { Client } from "../client.ts";
import { limitHeaders, refusal } from "./answers.ts";
import {
  type Estimate,
  isLimited,
  LEASE_MS,
  limitOf,
  reserved,
  type Rule,
  rulesOf,
  used,
} from "./rules.ts";
import { type Log, stackWithoutMessage } from "../telemetry/log.ts";

/** What a request holds of its client's limits. A request that runs nothing gives all of it back. */
export interface LimitReservation {
  /** The `x-ratelimit-*` headers of its answer. */
  headers: Record<string, string>;
  /** Its run begins. */
  begin(): void;
  /** Its run is over, and has used this. */
  settle(usage: Usage): void;
  /** The request has been answered, or left; its run may go on. */
  end(): void;
}

/** The limits of all clients. */
export interface Limits {
  /**
   * Sets aside what a request may use.
   *
   * @param estimate says what that may be; asked only where there is a limit.
   * @param model the id, for messages.
   * @throws {ApiError} 429 for a request that a limit refuses; it costs nothing. 503 where the
   * counts can't be reached.
   */
  take(
    client: Client,
    estimate: () => Estimate,
    model: string,
  ): Promise<LimitReservation | undefined>;
  /** The `x-ratelimit-*` headers of a client as it stands; undefined where it has no limit. */
  headers(client: Client): Promise<Record<string, string>> | undefined;
  /** Waits until all that is over has been counted; leases are renewed no more. */
  close(): Promise<void>;
}

/** What limits are kept with. */
export interface LimitsOptions {
  /** Where counts are kept. */
  limiter: Limiter;
  /** The limits of all clients together, as they are now. */
  limits: () => LimitsConfig;
  /** The one clock. */
  clock: Clock;
  /** Where it is said that counts could not be reached. */
  log: Log;
}

interface Taken {
  rule: Rule;
  limit: Limit;
  cost: number;
  lease?: string;
}

/** How often leases are renewed. */
const RENEW_MS = LEASE_MS / 3;

/** Creates the limits. */
export function createLimits({ limiter, limits, clock, log }: LimitsOptions): Limits {
  const leases = new Map<string, Taken[]>();
  const pending = new Set<Promise<void>>();
  let stopRenewing = () => {};

  /** Goes on beside the answer; a failure is logged and changes nothing. */
  function beside(what: string, work: Promise<void>): void {
    const tracked = work.catch((error) => failed(what, error)).finally(() => {
      pending.delete(tracked);
    });
    pending.add(tracked);
  }

  function failed(what: string, error: unknown): void {
    log.error(`limits: can't ${what}`, { cause: stackWithoutMessage(error) });
  }

  function renew(): void {
    stopRenewing = clock.timer(RENEW_MS, () => {
      const all = [...leases].flatMap(([lease, taken]) =>
        taken.map(({ limit }) => ({ limit, lease }))
      );
      beside("renew leases", limiter.renew(clock.date(), all));
      renew();
    });
  }

  function keep(lease: string, taken: Taken[]): void {
    if (taken.length === 0) return;
    if (leases.size === 0) renew();
    leases.set(lease, taken);
  }

  function drop(lease: string): void {
    if (leases.delete(lease) && leases.size === 0) stopRenewing();
  }

  function ask(client: Client, costOf: (rule: Rule) => number | undefined, lease: string): Taken[] {
    const date = clock.date();
    return rulesOf(client, limits()).flatMap((rule) => {
      const cost = costOf(rule);
      if (cost === undefined) return [];
      const taken = { rule, limit: limitOf(rule, date), cost };
      return [rule.measure === "parallel" ? { ...taken, lease } : taken];
    });
  }

  const standings = (asked: readonly Taken[], states: readonly LimitState[]) =>
    asked.map(({ rule, cost }, i) => ({ rule, cost, state: states[i]! }));

  function createReservation(
    taken: Taken[],
    states: readonly LimitState[],
    lease: string,
  ): LimitReservation {
    let run: "none" | "on" | "over" = "none";
    let usage: Usage | undefined;
    let answered = false;
    keep(lease, taken.filter((each) => each.lease !== undefined));

    /** All is corrected at once: a lease goes back together with what was used. */
    function finish(): void {
      if (!answered || run === "on") return;
      drop(lease);
      const corrections = taken.map(({ rule, limit, cost, lease }) => {
        if (lease !== undefined) return { limit, cost: -cost, lease };
        return { limit, cost: (usage === undefined ? 0 : used(rule.measure, usage)) - cost };
      }).filter(({ cost }) => cost !== 0);
      if (corrections.length === 0) return;
      beside("count what was used", limiter.settle(clock.date(), corrections));
    }

    return {
      headers: limitHeaders(standings(taken, states)),
      begin() {
        if (run === "none") run = "on";
      },
      settle(total) {
        if (run !== "on") return;
        run = "over";
        usage = total;
        finish();
      },
      end() {
        if (answered) return;
        answered = true;
        finish();
      },
    };
  }

  async function standing(client: Client): Promise<Record<string, string>> {
    // What costs nothing takes nothing, and tells how things stand.
    const asked = ask(client, ({ per }) => per === "minute" ? 0 : undefined, "");
    if (asked.length === 0) return {};
    try {
      const { states } = await limiter.take(clock.date(), asked);
      return limitHeaders(standings(asked, states));
    } catch (error) {
      failed("be reached", error);
      return {};
    }
  }

  return {
    async take(client, estimate, model) {
      if (!isLimited(client, limits())) return undefined;
      const lease = crypto.randomUUID();
      const expected = estimate();
      const asked = ask(client, (rule) => reserved(rule, expected), lease);
      const date = clock.date();
      const answer = await limiter.take(date, asked.map(({ rule: _rule, ...rest }) => rest)).catch(
        (error) => {
          failed("be reached", error);
          throw unavailable();
        },
      );
      if (answer.ok) return createReservation(asked, answer.states, lease);
      throw refusal(standings(asked, answer.states), model, date);
    },
    headers: (client) => isLimited(client, limits()) ? standing(client) : undefined,
    async close() {
      stopRenewing();
      while (pending.size > 0) await Promise.all(pending);
    },
  };
}

function unavailable(): ApiError {
  return new ApiError(503, "The server can't count requests at the moment. Try again soon.", {
    type: "service_unavailable_error",
    code: "limits_unavailable",
    headers: { "retry-after": "2" },
  });
}
