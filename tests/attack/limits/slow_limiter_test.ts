import { assertEquals } from "@std/assert";
import { createMemoryLimiter } from "../../../lib/store/memory/limiter.ts";
import { createTestApp } from "../../support/app.ts";
import { startUpstream } from "../../support/upstream.ts";

Deno.test("responses that need no limits don't wait for a limiter that never answers", async () => {
  await using upstream = startUpstream([]);
  let reads = 0;
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: `
upstreams: { s: { base_url: UPSTREAM } }
models: { m: { upstream: s, model: m } }
limits: { rpm: 10 }
`,
    limiter: {
      ...createMemoryLimiter({ now: Date.now }),
      take() {
        reads++;
        return new Promise(() => {});
      },
    },
  });
  const get = (path: string, token?: string) =>
    app.handle(
      new Request(`http://localhost${path}`, {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      }),
    );
  for (const path of ["/healthz", "/readyz", "/"]) {
    const response = await get(path);
    assertEquals(response.status, 200);
    await response.body?.cancel();
  }
  for (const path of ["/v1/models", "/v1/nowhere"]) {
    for (const token of [undefined, "wrong"]) {
      const response = await get(path, token);
      assertEquals(response.status, path === "/v1/models" ? 401 : 404);
      await response.body?.cancel();
    }
  }
  assertEquals(reads, 0);
  // The wait of a client that is known is short.
  const models = await app.send("/v1/models");
  await models.body?.cancel();
  assertEquals([models.status, reads], [200, 1]);
});
