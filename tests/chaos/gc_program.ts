/**
 * Tests that need forced garbage collections, as a separate process: `abandon`, clients that
 * disconnect after one, or `storm`, memory under faults.
 *
 * @module
 */
import { setImmediate } from "node:timers/promises";
import { assertWithin } from "../support/measure/noise.ts";
import { park, type Window, WINDOWS } from "./disconnecting.ts";
import { startStorm } from "./storm.ts";

declare const gc: () => void;

async function collect(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    gc();
    await setImmediate();
  }
}

async function abandon(): Promise<void> {
  for (const window of Object.keys(WINDOWS) as Window[]) {
    await using parked = await park({ strategy: "direct", mode: "stream", window, clients: 50 });
    await collect();
    await assertWithin(100, parked.disconnect);
    console.log(JSON.stringify({ name: window }));
  }
}

async function storm(): Promise<void> {
  await using running = await startStorm();
  for (const seed of [1, 2, 3]) {
    const failures = await running.run(350, seed);
    await running.settle();
    await collect();
    const { heapUsed, external, rss } = Deno.memoryUsage();
    console.log(JSON.stringify({ heap: heapUsed + external, rss, failures }));
  }
}

await (Deno.args[0] === "abandon" ? abandon() : storm());
