import { assertEquals } from "@std/assert";
import { fuzz } from "./fuzz.ts";

/** Set FUZZ_SEED to repeat a run. */
const seed = Number(Deno.env.get("FUZZ_SEED") ?? Date.now() % 1_000_000);

const seconds = Number(Deno.env.get("FUZZ_SECONDS") ?? (Deno.env.get("CI") === "true" ? 60 : 5));

Deno.test("random requests and answers of the upstream neither stop nor block the server", async () => {
  console.log(`FUZZ_SEED=${seed}`);
  const { failures } = await fuzz({ seed, seconds });
  assertEquals(failures, []);
});
