import { assert, assertEquals } from "@std/assert";
import { createTestApp } from "../../support/app.ts";
import { startUpstream } from "../../support/upstream.ts";
import { longestStall } from "../../support/measure/stall.ts";

/** Paths that take long to normalize, by what they are made of. */
const PATHS = {
  "slashes in the middle": `/${"/".repeat(60_000)}a/`,
  "versions": "/v1".repeat(20_000),
  "versions and slashes": "/v1/".repeat(15_000),
  "escapes": `/v1/models/${"%2f".repeat(20_000)}`,
  "a query": `/healthz?${"/".repeat(60_000)}a/`,
};

for (const [name, path] of Object.entries(PATHS)) {
  Deno.test(`a long path is rejected without blocking the event loop: ${name}`, async () => {
    await using upstream = startUpstream([{}]);
    const app = await createTestApp({ upstream: upstream.url });
    const request = () => app.handle(new Request(`http://localhost${path}`));
    let status = 0;
    const stallMs = await longestStall(async () => {
      const response = await request();
      await response.body?.cancel();
      status = response.status;
    });
    assertEquals(status, path.includes("?") ? 200 : 414);
    assert(stallMs < 100, `${stallMs} ms`);
  });
}
