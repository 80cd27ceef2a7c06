import { assertEquals } from "@std/assert";
import { limitOf, limits, START as T, summary } from "../limits.ts";

limits("parallel requests reset when the last lease that is still held ends", async (limiter) => {
  const limit = limitOf("parallel", 2, 30_000);
  const read = async () => summary(await limiter.take(T + 13_000, [{ limit, cost: 0 }]));
  await limiter.take(T, [{ limit, cost: 1, lease: "a" }]);
  await limiter.take(T + 10_000, [{ limit, cost: 1, lease: "b" }]);
  assertEquals(await read(), [true, 0, 0, 27_000]);
  await limiter.settle(T + 13_000, [{ limit, cost: 0, lease: "b" }]);
  assertEquals(await read(), [true, 1, 0, 17_000]);
}, ["memory", "kv"]);

limits(
  "beyond a lowered amount, a request waits until enough leases have ended",
  async (limiter) => {
    const limit = limitOf("parallel", 4, 30_000);
    for (const [lease, ms] of [["a", 0], ["b", 10_000], ["c", 10_000], ["d", 20_000]] as const) {
      await limiter.take(T + ms, [{ limit, cost: 1, lease }]);
    }
    for (const [amount, waitMs] of [[4, 10_000], [3, 20_000], [2, 20_000], [1, 30_000]] as const) {
      const charge = { limit: { ...limit, amount }, cost: 1, lease: "e" };
      assertEquals(summary(await limiter.take(T + 20_000, [charge])), [false, 0, waitMs, 30_000]);
    }
  },
  ["memory", "kv"],
);
