/**
 * Limits in Redis, for servers on several machines.
 *
 * @module
 */
import { accountName, stateOf } from "../limit_account.ts";
import {
  checkAsks,
  checkCorrections,
  checkRenewals,
  type Correction,
  type Limiter,
  type Renewal,
} from "../limiter.ts";
import { LIMITER_SCRIPTS } from "./limiter_script.ts";
import { openRedis, type RedisOptions } from "./connection.ts";

/** Where limits in Redis lie. */
export interface RedisLimiterOptions extends RedisOptions {
  /**
   * What every key begins with.
   *
   * @default {"o1:"}
   */
  prefix?: string;
}

/**
 * Opens limits in Redis.
 *
 * @throws {Error} where Redis can't be reached or refuses
 */
export async function openRedisLimiter(options: RedisLimiterOptions): Promise<Limiter> {
  const { prefix = "o1:" } = options;
  const redis = await openRedis(options, LIMITER_SCRIPTS);

  function run(
    now: number,
    action: "take" | "settle" | "renew",
    items: readonly (Partial<Correction> & Pick<Renewal, "limit">)[],
  ): Promise<unknown> {
    const keys = items.map(({ limit }) => `${prefix}limit:${accountName(limit)}`);
    const args = items.flatMap(({ limit, cost = 0, lease = "" }) => [
      limit.kind,
      limit.amount,
      limit.windowMs,
      cost,
      lease,
    ]);
    return redis.run("limits", keys, [now, action, ...args]);
  }

  return {
    async take(now, asks) {
      checkAsks(asks);
      const answer = (await run(now, "take", asks) as string[]).map(Number);
      const states = asks.map(({ limit, cost }, i) => {
        const [level, at, freeAt] = answer.slice(3 * i + 1) as [number, number, number];
        return stateOf(limit, cost, now, { level, at, freeAt });
      });
      return { ok: answer[0] === 1, states };
    },
    async settle(now, corrections) {
      checkCorrections(corrections);
      await run(now, "settle", corrections);
    },
    async renew(now, leases) {
      checkRenewals(leases);
      await run(now, "renew", leases);
    },
    close: () => redis.close(),
  };
}
