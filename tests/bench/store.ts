/**
 * Operations per second of each store, in sequence and 50 at a time: a get, a write of 4 kB, a list
 * of 20, a take of two limits. Prints a table and JSON.
 *
 * Postgres runs without waiting for the disk.
 *
 * Run: deno run --no-prompt --config tests/deno.json --allow-read --allow-write --allow-env
 * --allow-run --allow-net=127.0.0.1 tests/bench/store.ts
 *
 * @module
 */
import type { Limit } from "../../lib/store/limiter.ts";
import { BACKENDS } from "../support/stores/backends.ts";

const ENTRIES = 1_000;
const RUN_MS = 500;
const CONCURRENCY = 50;

const keyOf = (i: number) => ({ collection: "bench", id: String(i % ENTRIES).padStart(6, "0") });
const value = JSON.stringify({ text: "x".repeat(4_000) });

/** Returns operations per second with this concurrency. */
async function measure(
  concurrency: number,
  operation: (i: number) => Promise<unknown>,
): Promise<number> {
  let done = 0;
  const start = performance.now();
  const lane = async () => {
    while (performance.now() - start < RUN_MS) await operation(done++);
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return Math.round(done / (performance.now() - start) * 1_000);
}

const results: Record<string, Record<string, number>> = {};
for (const { kind, skipReason, start } of BACKENDS) {
  if (skipReason !== undefined) continue;
  await using backend = await start(Date.now);
  const store = await backend.open();
  const limiter = await backend.openLimiter();
  for (let i = 0; i < ENTRIES; i += 50) {
    await store.write(Array.from({ length: 50 }, (_, j) => ({ key: keyOf(i + j), value })));
  }
  const rate: Limit = { key: "rpm", kind: "rate", amount: 1_000_000, windowMs: 60_000 };
  const sum: Limit = { key: "usd", kind: "sum", amount: 1_000_000, windowMs: 3_600_000 };
  const operations: Record<string, (i: number) => Promise<unknown>> = {
    "get": (i) => store.get([keyOf(i * 7)]),
    "write 4 kB": (i) => store.write([{ key: keyOf(i * 7), value }]),
    "list 20": (i) => store.list({ collection: "bench", after: keyOf(i * 7).id, limit: 20 }),
    "limiter take": (i) =>
      limiter.take([
        { limit: { ...rate, key: `${rate.key} ${i % 100}` }, cost: 1 },
        { limit: { ...sum, key: `${sum.key} ${i % 100}` }, cost: 0.01 },
      ]),
  };
  const row: Record<string, number> = results[kind] = {};
  for (const [name, operation] of Object.entries(operations)) {
    await measure(1, operation);
    row[name] = await measure(1, operation);
    row[`${name} ×${CONCURRENCY}`] = await measure(CONCURRENCY, operation);
  }
}

console.table(results);
console.log(JSON.stringify({ unit: "operations per second", deno: Deno.version.deno, results }));
