import { fileURLToPath } from "node:url";
import { cleanEnv } from "../support/program.ts";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Runs one part of `gc_program.ts` with `gc()`; returns the lines of its output. */
// deno-lint-ignore no-explicit-any -- every part has other results
export async function runGc(part: string): Promise<any[]> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--no-check",
      "--unstable-no-legacy-abort",
      "--v8-flags=--expose-gc",
      `--config=${path("../deno.json")}`,
      "--allow-net=127.0.0.1,localhost,no-such-host.invalid",
      "--allow-read",
      "--allow-env",
      path("gc_program.ts"),
      part,
    ],
    env: cleanEnv(),
    clearEnv: true,
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  if (code !== 0) throw new Error(`exited with ${code}: ${text.decode(stderr)}`);
  return text.decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
}
