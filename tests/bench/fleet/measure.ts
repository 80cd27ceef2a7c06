/** What one call of each kind costs a real Redis. */
import { type Charge, LEASE_MS, type Limit } from "../../../lib/store/limiter.ts";
import { openRedisLimiter } from "../../../lib/store/redis/limiter.ts";
import { openRedisStore } from "../../../lib/store/redis/store.ts";
import { startRedis } from "../../support/stores/redis.ts";

/** CPU time of Redis for a call, in µs: a constant, and a part for each charge or entry. */
export interface CallCost {
  base: number;
  perCharge: number;
}

export interface RedisCosts {
  take: CallCost;
  settle: CallCost;
  renew: CallCost;
  read: CallCost;
  write: CallCost;
}

const CALLS = 4_000;
const CONCURRENCY = 64;
/** Few and many charges in one call. */
const SIZES = [1, 7] as const;

export async function measureRedis(): Promise<RedisCosts> {
  await using redis = await startRedis();
  const options = { url: redis.url, warn() {} };
  const limiter = await openRedisLimiter(options);
  const store = await openRedisStore(options);

  /** CPU time of the process of Redis so far, in µs. */
  async function cpu(): Promise<number> {
    const { stdout } = await new Deno.Command("redis-cli", {
      args: ["-p", `${redis.port}`, "INFO", "cpu"],
    }).output();
    const text = new TextDecoder().decode(stdout);
    const of = (name: string) => Number(new RegExp(`${name}:([\\d.]+)`).exec(text)?.[1]);
    return (of("used_cpu_user") + of("used_cpu_sys")) * 1e6;
  }

  /** @param call makes one call of this size; its number counts up. */
  async function cost(call: (size: number, number: number) => Promise<unknown>): Promise<CallCost> {
    const perCall: number[] = [];
    for (const size of SIZES) {
      let number = 0;
      const run = async (until: number) => {
        await Promise.all(Array.from({ length: CONCURRENCY }, async () => {
          while (number < until) await call(size, number++);
        }));
      };
      await run(CALLS / 10);
      const before = await cpu();
      await run(CALLS / 10 + CALLS);
      perCall.push((await cpu() - before) / CALLS);
    }
    const perCharge = Math.max(0, (perCall[1]! - perCall[0]!) / (SIZES[1] - SIZES[0]));
    return { base: Math.max(0, perCall[0]! - perCharge * SIZES[0]), perCharge };
  }

  const kinds = ["sum", "rate", "rate", "sum", "sum", "rate", "sum"] as const;
  const limitOf = (index: number, client: number): Limit => ({
    key: `client:${client}:${index}`,
    amount: 1e12,
    windowMs: LEASE_MS,
    kind: kinds[index]!,
  });
  const charges = (size: number, number: number): Charge[] =>
    Array.from({ length: size }, (_, index) => {
      const limit = limitOf(index, number % 100);
      const isLeased = limit.kind !== "rate";
      return { limit, cost: 1, ...(isLeased && { lease: `lease ${number}` }) };
    });
  try {
    return {
      take: await cost((size, number) => limiter.take(charges(size, number))),
      renew: await cost((size, number) =>
        limiter.renew(
          charges(7, number).filter(({ lease }) => lease !== undefined).slice(0, Math.min(size, 4)),
        )
      ),
      settle: await cost((size, number) => limiter.settle(charges(size, number))),
      write: await cost((size, number) =>
        store.write(Array.from({ length: size }, (_, index) => ({
          key: { collection: `response/client${number % 100}`, id: `${number} ${index}` },
          value: "x".repeat(2_000),
          ttlMs: 60_000,
        })))
      ),
      read: await cost((size, number) =>
        store.get(Array.from({ length: size }, (_, index) => ({
          collection: `response/client${number % 100}`,
          id: `${number} ${index}`,
        })))
      ),
    };
  } finally {
    await Promise.all([limiter.close(), store.close()]);
  }
}
