import { assertEquals, assertStringIncludes } from "@std/assert";
import { workerCount } from "../../../lib/cli/workers/count.ts";

const HERE = { cores: 4, os: "linux", canShare: true, onDeploy: false };

Deno.test("the setting says how many event loops there are, or one a core", () => {
  assertEquals(workerCount(1, HERE), { count: 1 });
  assertEquals(workerCount(3, HERE), { count: 3 });
  assertEquals(workerCount("auto", HERE), { count: 4 });
});

Deno.test("where a port can't be shared one serves, and the reason is told if more were asked for", () => {
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
      assertStringIncludes(warning!, `server.workers is ${setting}, but one serves: `);
      assertStringIncludes(warning!, reason);
    }
    assertEquals(workerCount(1, { ...HERE, ...place }), { count: 1 });
    assertEquals(workerCount("auto", { ...HERE, ...place, cores: 1 }), { count: 1 });
  }
});
