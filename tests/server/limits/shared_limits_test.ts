import { assertEquals } from "@std/assert";
import { openRedisLimiter } from "../../../lib/store/redis/limiter.ts";
import { createTestApp } from "../../support/app.ts";
import { createFakeClock } from "../../support/clock.ts";
import { NO_REDIS, startRedis } from "../../support/stores/redis.ts";
import { skippedFor } from "../../support/skip.ts";
import { startUpstream } from "../../support/upstream.ts";
import { LIMIT_MS } from "../../support/wait.ts";

const SERVERS = 2;
const REQUESTS = 1_000;
const AT_ONCE = 50;

for (
  const [limit, allowed] of [["rpm: 700", 700], ["daily_tokens: 9000", 600]] as const
) {
  Deno.test({
    ...skippedFor(NO_REDIS, `two servers that share a Redis never exceed ${limit} together`),
    async fn() {
      await using redis = await startRedis();
      // 8 prompt tokens and 7 generated tokens.
      const usage = { prompt_tokens: 8, completion_tokens: 7, total_tokens: 15 };
      await using upstream = startUpstream([{ content: "Hi", usage }]);
      const { clock } = createFakeClock();
      const warn = () => {};
      const limiters = await Promise.all(
        Array.from(
          { length: SERVERS },
          // On a busy machine a call may take longer than a server would wait.
          () => openRedisLimiter({ url: redis.url, timeoutMs: LIMIT_MS, warn, now: clock.date }),
        ),
      );
      const apps = await Promise.all(limiters.map((limiter) =>
        createTestApp({
          upstream: upstream.url,
          clock,
          limiter,
          yaml: `
upstreams: { u: { base_url: UPSTREAM } }
models: { m: { upstream: u, model: x } }
limits: { ${limit} }
`,
        })
      ));
      const counts = new Map<number, number>();
      await Promise.all(apps.map(async (app) => {
        let left = REQUESTS;
        const sender = async () => {
          while (left-- > 0) {
            const response = await app.chat({ max_tokens: 7 });
            counts.set(response.status, (counts.get(response.status) ?? 0) + 1);
            await response.body?.cancel();
          }
        };
        await Promise.all(Array.from({ length: AT_ONCE }, sender));
        await app.drain(0);
      }));
      await Promise.all(limiters.map((limiter) => limiter.close()));
      assertEquals(Object.fromEntries(counts), {
        200: allowed,
        429: SERVERS * REQUESTS - allowed,
      });
    },
  });
}
