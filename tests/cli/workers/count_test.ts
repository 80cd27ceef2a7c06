import { assertEquals, assertStringIncludes } from "@std/assert";
import { workerCount } from "../../../lib/cli/workers/count.ts";

const HERE = { cores: 4, os: "linux", canShare: true, onDeploy: false };

Deno.test("the setting is the number of event loops, or auto for one per core", () => {
  assertEquals(workerCount(1, HERE), { count: 1 });
  assertEquals(workerCount(3, HERE), { count: 3 });
  assertEquals(workerCount("auto", HERE), { count: 4 });
});

Deno.test("one event loop runs if a port can't be shared, and a warning gives the reason", () => {
  for (
    const [place, reason] of [
      [{ canShare: false }, "--unstable-net"],
      [{ os: "darwin" }, "only Linux"],
      [{ os: "windows", canShare: false }, "only Linux"],
      [{ onDeploy: true, canShare: false }, "Deno Deploy"],
    ] as const
  ) {
    for (const setting of [2, "auto"] as const) {
      const { count, warning } = workerCount(setting, { ...HERE, ...place });
      assertEquals(count, 1);
      assertStringIncludes(warning!, `server.workers is ${setting}, but only one worker runs: `);
      assertStringIncludes(warning!, reason);
    }
    assertEquals(workerCount(1, { ...HERE, ...place }), { count: 1 });
    assertEquals(workerCount("auto", { ...HERE, ...place, cores: 1 }), { count: 1 });
  }
});
