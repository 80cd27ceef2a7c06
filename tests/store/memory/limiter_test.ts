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
