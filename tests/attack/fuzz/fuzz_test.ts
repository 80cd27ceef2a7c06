import { assertEquals } from "@std/assert";
import { fuzz } from "./fuzz.ts";

/** The same in every run; `tests/attack/fuzz/main.ts` looks for what others find. */
const seed = Number(Deno.env.get("FUZZ_SEED") ?? 1);

const seconds = Number(Deno.env.get("FUZZ_SECONDS") ?? (Deno.env.get("CI") === "true" ? 60 : 5));

Deno.test("random requests and answers of the upstream neither stop nor block the server", async () => {
  console.log(`FUZZ_SEED=${seed}`);
  // Other tests share the caches of the processor: 220 ms were measured beside them.
  const { failures } = await fuzz({ seed, seconds, maxStallMs: 500 });
  assertEquals(failures, []);
});
