import { assertEquals } from "@std/assert";
import { createMemoryLimiter } from "../../../lib/store/memory/limiter.ts";
import { createTestApp } from "../../support/app.ts";
import { startUpstream } from "../../support/upstream.ts";

for (
  const [what, neverFails, type] of [
    ["has no id if the limiter never fails", true, "undefined"],
    ["has an id if it may have to be repeated", false, "string"],
  ] as const
) {
  Deno.test(`a settlement ${what}`, async () => {
    await using upstream = startUpstream([{ content: "4" }]);
    const memory = createMemoryLimiter({ now: Date.now });
    assertEquals(memory.neverFails, true);
    const ids: unknown[] = [];
    const app = await createTestApp({
      upstream: upstream.url,
      limiter: {
        ...memory,
        neverFails,
        settle(charges, id) {
          ids.push(id);
          return memory.settle(charges, id);
        },
      },
      yaml: `
upstreams: { u: { base_url: UPSTREAM } }
models: { m: { upstream: u, model: x } }
limits: { parallel: 5, tpm: 1000 }
`,
    });
    await (await app.chat({})).text();
    await app.drain(0);
    assertEquals(ids.map((id) => typeof id), [type]);
  });
}
