import { assertEquals } from "@std/assert";
import { createKvLimiter } from "../../../lib/store/kv/limiter.ts";
import { limitOf, parallelOf, START } from "../limits.ts";

/** Runs `test` with limits in a new KV; `lives` collects in how many ms their accounts expire. */
function onKv(
  name: string,
  test: (bench: {
    limiter: ReturnType<typeof createKvLimiter>;
    lives: (number | undefined)[];
    count: () => Promise<number>;
  }) => Promise<void>,
): void {
  Deno.test(name, async () => {
    const dir = await Deno.makeTempDir();
    const kv = await Deno.openKv(`${dir}/kv.db`);
    const lives: (number | undefined)[] = [];
    const { atomic } = kv;
    kv.atomic = () => {
      const operation = atomic.call(kv);
      const { set } = operation;
      operation.set = (key, value, options) => {
        lives.push(options?.expireIn);
        return set.call(operation, key, value, options);
      };
      return operation;
    };
    const limiter = createKvLimiter({ kv, now: () => START });
    const count = async () => (await Array.fromAsync(kv.list({ prefix: [] }))).length;
    await test({ limiter, lives, count });
    await limiter.close();
    await Deno.remove(dir, { recursive: true });
  });
}

onKv("accounts expire a minute after their last use ends", async ({ limiter, lives }) => {
  for (
    const [charge, lifeMs] of [
      [{ limit: limitOf("rate", 60), cost: 30 }, 30_000],
      [{ limit: limitOf("rate", 7, 1_000), cost: 1 }, 143],
      [{ limit: limitOf("sum", 5, 90_000), cost: 1 }, 90_000],
      [{ limit: parallelOf(5, 20_000), cost: 1, lease: "a" }, 20_000],
    ] as const
  ) {
    await limiter.take([charge]);
    assertEquals(lives.pop(), lifeMs + 60_000, charge.limit.key);
  }
});

onKv("a limit that is unused again leaves nothing, and a read writes nothing", async (bench) => {
  const { limiter, lives, count } = bench;
  const charges = [
    { limit: limitOf("rate", 5), cost: 1 },
    { limit: limitOf("sum", 5), cost: 1, lease: "a" },
    { limit: parallelOf(5), cost: 1, lease: "a" },
  ];
  await limiter.take(charges.map(({ limit }) => ({ limit, cost: 0 })));
  assertEquals([await count(), lives.length], [0, 0]);
  await limiter.take(charges);
  assertEquals([await count(), lives.length], [4, 4], "three accounts and a lease");
  await limiter.settle(charges.map((charge, i) => ({ ...charge, cost: i === 0 ? -1 : 0 })));
  assertEquals([await count(), lives.length], [0, 4]);
});

onKv("a server renews more leases than KV checks in one write", async ({ limiter, count }) => {
  const limit = parallelOf(500);
  const charges = Array.from({ length: 250 }, (_, i) => ({ limit, cost: 1, lease: `${i}` }));
  await limiter.renew(charges);
  assertEquals(await count(), 251);
  assertEquals((await limiter.take([{ limit, cost: 0 }])).states[0]!.remaining, 250);
});
