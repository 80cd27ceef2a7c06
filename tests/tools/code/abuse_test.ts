/**
 * Escapes from the sandbox, and code that takes all that it can get. Whatever runs, the event loop
 * of the server stays free, the process lives, and the next code runs.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { longestStall } from "../../support/measure/stall.ts";
import { runAlone } from "../../support/measure/alone.ts";
import type { ToolSource } from "../../../lib/tools/tool.ts";
import { ABUSES, STOPPED } from "./abuses.ts";
import { openCode, runCode } from "./sandbox.ts";

/** Longest time in milliseconds of CPU that the event loop may be blocked. */
const MAX_STALL_MS = 50;

const brief = openCode({ time_ms: 100, output_characters: 2_000 });
/** For what needs some time to take all that it can get. */
const source = openCode({ time_ms: 400, output_characters: 2_000 });
/** For what must end by itself, on a busy machine too. */
const patient = openCode({ time_ms: 30_000, output_characters: 2_000 });
Deno.test.afterAll(async () => {
  await brief.close();
  await source.close();
  await patient.close();
});

function sourceFor(text: RegExp): ToolSource {
  if (text === STOPPED) return brief;
  return text.source.includes("ran for") ? source : patient;
}

for (const [name, code, text] of ABUSES) {
  Deno.test({
    name: `the sandbox withstands ${name}`,
    // A thread lives longer than the test that starts it.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const own = sourceFor(text);
      await Promise.all([runCode(own, "1"), runCode(patient, "1")]);
      const stall = await longestStall(async () => {
        const result = await runCode(own, code);
        assertMatch(result.text, text);
        assert(result.text.length < 2_200, `${result.text.length} characters`);
      });
      assert(stall < MAX_STALL_MS, `the event loop was blocked for ${stall} ms`);
      assertEquals((await runCode(patient, "6 * 7")).text, "42");
    },
  });
}

/** A thousand by hand: O1_API_SANDBOX_RUNS=1000. */
const RUNS = Number(Deno.env.get("O1_API_SANDBOX_RUNS") ?? 100);

Deno.test(`memory is back at its start after ${RUNS} runs of all kinds`, async () => {
  const { before, after } = await runAlone("tools/code/memory.ts", `${RUNS}`);
  // What the allocator keeps does not grow: 18 MiB after 1,000 runs, as after 200.
  assert(after! - before! < 50, `${before} MiB became ${after} MiB`);
});
