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
import { LIMITER_SCRIPTS } from "./limiter_script.ts";

export interface RedisLimiterOptions extends RedisOptions {
  /** For tests only: returns a time that replaces that of Redis; calls then have no deadline. */
  now?: () => number;
}

const groupOf = (limit: Limit) => limit.group ?? accountName(limit);

/** Releases a lease that nobody holds. */
const CHECK: Charge = {
  limit: { key: "check", kind: "parallel", amount: 1, windowMs: 1 },
  cost: 0,
  lease: "none",
};

/** Leases that one script renews. 500 of a sum block Redis for about 4 ms. */
const RENEWED_AT_ONCE = 500;

/**
 * Opens limits in Redis, for servers on several machines. Redis keeps the time. Each call has a
 * deadline, after which Redis refuses it: a call that has timed out cannot take effect later.
 *
 * @throws {Error} if Redis cannot be reached, refuses the connection or cannot run the script
 */
export async function openRedisLimiter(options: RedisLimiterOptions): Promise<Limiter> {
  const { timeoutMs = CALL_MS, now } = options;
  const redis = await openRedis({ ...options, timeoutMs }, LIMITER_SCRIPTS);
  const redisClock = createRedisClock();
  // The limits of a key and those of all keys are taken in one step, so a Cluster keeps them together.
  const prefix = redis.isCluster ? `${PREFIX}{limits}:` : `${PREFIX}limits:`;

  async function runOnce(action: LimiterAction, charges: readonly Charge[], deadline: number) {
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
    const sentAt = performance.now();
    const time = now === undefined ? ["", redisClock.at(deadline)] : [now(), ""];
    const reply = await redis.run("limits", keys, [...time, action, ...args]) as string[];
    if (now === undefined) redisClock.read(Number(reply[0]), sentAt, performance.now());
    return reply;
  }

  async function run(action: LimiterAction, charges: readonly Charge[]) {
    const deadline = performance.now() + timeoutMs;
    let reply = await runOnce(action, charges, deadline);
    // The clock of Redis has been set, or another Redis has taken over: its time is known now.
    if (reply[1] === "late") reply = await runOnce(action, charges, deadline);
    if (reply[1] === "late") throw new Error("The limits' time in Redis is over");
    return reply;
  }

  async function take(charges: readonly Charge[]): Promise<TakeResult> {
    const [time, ok, ...levels] = (await run("take", charges)).map(Number);
    const states = charges.map(({ limit, cost }, i) => {
      const [level, at, freeAt] = levels.slice(3 * i) as [number, number, number];
      return stateOf(limit, cost, time!, { level, at, freeAt });
    });
    return { ok: ok === 1, states };
  }

  try {
    // Reads the time of Redis, and checks that the script may run and write.
    await run("settle", [CHECK]);
  } catch (error) {
    await redis.close();
    throw error;
  }

  return createLimiter({
    async apply(action, charges) {
      if (action === "take") return await take(charges);
      const step = action === "renew" ? RENEWED_AT_ONCE : charges.length;
      for (let first = 0; first < charges.length; first += step) {
        await run(action, charges.slice(first, first + step));
      }
      return { ok: true, states: [] };
    },
    close: redis.close,
  });
}

/**
 * Converts from `performance.now()` to the time of Redis, in ms since 1970. It is at most as long
 * behind as the fastest answer took, and ahead only if the clocks drift between two answers.
 */
export function createRedisClock() {
  let offset = NaN;
  return {
    /** Returns "" before the first answer. */
    at: (present: number) => Number.isNaN(offset) ? "" : offset + present,
    /** Redis read its time between `sentAt` and `receivedAt`. */
    read(time: number, sentAt: number, receivedAt: number): void {
      const [low, high] = [time - receivedAt, time - sentAt];
      if (!(offset >= low && offset <= high)) offset = low;
    },
  };
}
