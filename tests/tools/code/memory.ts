/** Prints the resident memory in MiB before and after runs of all kinds. */
import { ABUSES } from "./abuses.ts";
import { openCode, runCode } from "./sandbox.ts";

const MIB = 1_048_576;

const source = openCode({ time_ms: 400, output_characters: 2_000 });

async function rest(): Promise<number> {
  // Threads are replaced after some runs.
  for (let i = 0; i < 50; i++) await runCode(source, "1");
  return Math.round(Deno.memoryUsage().rss / MIB);
}

const before = await rest();
const runs = Number(Deno.args[0]);
for (let i = 0; i < runs; i += 2) {
  const pair = [i, i + 1].map((run) => runCode(source, ABUSES[run % ABUSES.length]![1]));
  await Promise.all(pair);
}
console.log(JSON.stringify({ before, after: await rest() }));
Deno.exit();
