import { assert } from "@std/assert";
import { ROOT } from "../program.ts";
import { waitFor } from "../wait.ts";

/**
 * Runs a program of the tests in a process of its own, whose memory and threads are those of no
 * other test.
 *
 * @returns the numbers that it prints as JSON.
 */
export async function runAlone(
  program: string,
  ...args: string[]
): Promise<Record<string, number>> {
  const flags = ["--no-check", "--config", "tests/deno.json", "--unstable-worker-options", "-A"];
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", ...flags, `tests/${program}`, ...args],
    cwd: ROOT,
  });
  const output = await waitFor(`the end of ${program}`, command.output(), 600_000);
  const text = new TextDecoder().decode(output.stdout);
  assert(output.success, text + new TextDecoder().decode(output.stderr));
  return JSON.parse(text);
}

/** Returns how many threads of workers the process has. On Linux only. */
export function countThreads(): number {
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc/self/task")) {
    try {
      if (Deno.readTextFileSync(`/proc/self/task/${name}/comm`).startsWith("worker-")) count++;
    } catch {
      // It has just ended.
    }
  }
  return count;
}
