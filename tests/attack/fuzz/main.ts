#!/usr/bin/env -S deno run --frozen --no-prompt --config tests/deno.json --allow-net=127.0.0.1 --allow-read --allow-write=/tmp --allow-run --allow-env
/**
 * Fuzzes the server for some time: `tests/attack/fuzz/main.ts [--minutes 10] [--seed 1]`
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { fuzz } from "./fuzz.ts";

const { minutes = "10", seed = String(Date.now() % 1_000_000) } = parseArgs(Deno.args, {
  string: ["minutes", "seed"],
});
console.log(`seed ${seed}`);
const { failures, ...rest } = await fuzz({ seed: Number(seed), seconds: 60 * Number(minutes) });
console.log(rest);
for (const failure of failures) console.error(failure);
Deno.exit(failures.length === 0 ? 0 : 1);
