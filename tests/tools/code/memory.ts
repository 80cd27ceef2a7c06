/** Prints the resident memory in MiB before and after runs of all kinds. */
import { ABUSES, STOPPED } from "./abuses.ts";
import { openCode, runCode } from "./sandbox.ts";

const MIB = 1_048_576;

const brief = openCode({ time_ms: 100, output_characters: 2_000 });
const source = openCode({ time_ms: 400, output_characters: 2_000 });

async function rest(): Promise<number> {
  // Threads are replaced after some runs.
  for (let i = 0; i < 50; i++) await Promise.all([runCode(brief, "1"), runCode(source, "1")]);
  return Math.round(Deno.memoryUsage().rss / MIB);
}

const before = await rest();
const runs = Number(Deno.args[0]);
for (let i = 0; i < runs; i += 2) {
  const pair = [i, i + 1].map((run) => {
    const [_, code, text] = ABUSES[run % ABUSES.length]!;
    return runCode(text === STOPPED ? brief : source, code);
  });
  await Promise.all(pair);
}
console.log(JSON.stringify({ before, after: await rest() }));
Deno.exit();
