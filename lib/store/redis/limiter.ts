import { accountName, stateOf } from "../limit_account.ts";
import { createLimiter, type Limiter } from "../limiter.ts";
import { openRedis, PREFIX, type RedisOptions } from "./connection.ts";
import { LIMITER_SCRIPTS } from "./limiter_script.ts";

/**
 * Opens limits in Redis, for servers on several machines.
 *
 * @throws {Error} if Redis cannot be reached or refuses the connection
 */
export async function openRedisLimiter(options: RedisOptions): Promise<Limiter> {
  const redis = await openRedis(options, LIMITER_SCRIPTS);

  return createLimiter({
    async apply(action, now, charges) {
      const keys = charges.map(({ limit }) => `${PREFIX}limit:${accountName(limit)}`);
      const args = charges.flatMap(({ limit: { kind, amount, windowMs }, cost, lease = "" }) => [
        kind,
        amount,
        windowMs,
        cost,
        lease,
      ]);
      const reply = await redis.run("limits", keys, [now, action, ...args]) as string[];
      if (action !== "take") return { ok: true, states: [] };
      const [ok, ...levels] = reply.map(Number);
      const states = charges.map(({ limit, cost }, i) => {
        const [level, at, freeAt] = levels.slice(3 * i) as [number, number, number];
        return stateOf(limit, cost, now, { level, at, freeAt });
      });
      return { ok: ok === 1, states };
    },
    close: redis.close,
  });
}
