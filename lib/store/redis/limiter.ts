import { accountName, stateOf } from "../limit_account.ts";
import {
  CALL_MS,
  type Charge,
  createLimiter,
  type Limit,
  type Limiter,
  type LimiterAction,
  type TakeResult,
} from "../limiter.ts";
import { openRedis, PREFIX, type RedisOptions } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { LIMITER_SCRIPTS } from "./limiter_script.ts";

const groupOf = (limit: Limit) => limit.group ?? accountName(limit);

const CHECK: Limit = { key: "check", kind: "sum", amount: 1_000, windowMs: 1_000 };

/**
 * Opens limits in Redis, for servers on several machines. Redis keeps the time. Each call has a
 * deadline, after which Redis refuses it.
 *
 * @throws {Error} if Redis cannot be reached, refuses the connection or cannot run the script
 */
export async function openRedisLimiter(options: RedisOptions): Promise<Limiter> {
  const { timeoutMs = CALL_MS, now } = options;
  const redis = await openRedis({ ...options, timeoutMs }, LIMITER_SCRIPTS);
  const runScript = withDeadline(redis.run, { timeoutMs, now });
  // The limits of a key and those of all keys are taken in one step, so a Cluster keeps them together.
  const prefix = redis.isCluster ? `${PREFIX}{limits}:` : `${PREFIX}limits:`;

  async function apply(action: LimiterAction, charges: readonly Charge[]): Promise<TakeResult> {
    const settlement = charges.find(({ settlement }) => settlement !== undefined)?.settlement;
    const charged = charges.filter(({ settlement }) => settlement === undefined);
    const groups = new Set(charged.map(({ limit }) => groupOf(limit)));
    const leases = new Set(charged.flatMap(({ lease }) => lease === undefined ? [] : [lease]));
    if (settlement !== undefined) leases.add(settlement);
    // Lua counts from 1.
    const groupIndex = new Map([...groups].map((group, i) => [group, i + 1]));
    const leaseIndex = new Map([...leases].map((lease, i) => [lease, i + 1]));
    const keys = [
      ...[...groups].map((group) => prefix + group),
      ...[...leases].map((lease) => `${prefix}lease:${lease}`),
    ];
    const args = charged.flatMap(({ limit, cost, lease, used = 0 }) => [
      groupIndex.get(groupOf(limit))!,
      accountName(limit),
      limit.kind,
      limit.amount,
      limit.windowMs,
      cost,
      lease === undefined ? 0 : leaseIndex.get(lease)!,
      used,
    ]);
    args.unshift(groups.size, settlement === undefined ? 0 : leaseIndex.get(settlement)!);
    const reply = await runScript("limits", keys, [action, ...args]);
    const [time, ok, ...levels] = reply.map(Number);
    if (action !== "take") return { ok: true, states: [] };
    const states = charges.map(({ limit, cost }, i) => {
      const [level, at] = levels.slice(2 * i) as [number, number];
      return stateOf(limit, cost, time!, { level, at });
    });
    return { ok: ok === 1, states };
  }

  try {
    // Reads the time of Redis, and checks that the script may run and write.
    const lease = crypto.randomUUID();
    await apply("take", [{ limit: CHECK, cost: 1, lease }]);
    await apply("settle", [{ limit: CHECK, cost: 0, lease }]);
  } catch (error) {
    await redis.close();
    throw error;
  }

  return createLimiter({ apply, close: redis.close });
}
