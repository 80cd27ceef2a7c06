import { assertEquals } from "@std/assert";
import type { App, WorkerGroup } from "../../../lib/server/app.ts";
import { createMemoryStore } from "../../../lib/store/memory/store.ts";
import { createTestApp } from "../../support/app.ts";
import { createFakeClock, passing } from "../../support/clock.ts";
import { startUpstream } from "../../support/upstream.ts";
import { waitFor } from "../../support/wait.ts";

for (const method of ["POST", "DELETE"]) {
  Deno.test(`a background run that another worker ends stops at once: ${method}`, async () => {
    const gate = Promise.withResolvers<void>();
    await using upstream = startUpstream([{ content: ["4", "2"], gate: () => gate.promise }]);
    const fake = createFakeClock();
    const store = createMemoryStore({ now: fake.clock.date });
    const apps: App[] = [];
    const worker = async () => {
      const index = apps.length;
      const workerGroup: WorkerGroup = {
        id: "0123456789abcdef",
        share: (limit) => limit,
        created: 0,
        values: () => Promise.resolve(new Map()),
        health: () => Promise.resolve([]),
        toolReasoning: { find: () => undefined, remember() {} },
        endRun: (id) => apps.filter((_, other) => other !== index).forEach((app) => app.endRun(id)),
      };
      const { clock } = fake;
      const app = await createTestApp({ upstream: upstream.url, clock, store, workerGroup });
      apps.push(app);
      return app;
    };
    const [first, second] = [await worker(), await worker()];
    const { id } = await (await first.respond({ model: "plain", background: true })).json();
    await upstream.called();
    const path = `/v1/responses/${id}${method === "POST" ? "/cancel" : ""}`;
    const response = await second.send(path, method === "POST" ? "" : undefined, { method });
    await response.body?.cancel();
    assertEquals(response.status, 200);
    // No time passes.
    await waitFor("the upstream call to end", upstream.calls[0]!.left);
    await passing(fake, first.drain(1_000));
  });
}
