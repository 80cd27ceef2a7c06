/**
 * Compiles the binary into `dist/`, for this machine or, with `--all`, for every target, and copies
 * the configuration beside it.
 *
 * @module
 */

export const TARGETS: Readonly<Record<string, string>> = {
  "linux-x86_64": "x86_64-unknown-linux-gnu",
  "linux-aarch64": "aarch64-unknown-linux-gnu",
  "macos-x86_64": "x86_64-apple-darwin",
  "macos-aarch64": "aarch64-apple-darwin",
  "windows-x86_64": "x86_64-pc-windows-msvc",
};

/** What the binary may do. The folder of its database is not known when it is compiled. */
export const PERMISSIONS = ["--allow-net", "--allow-read", "--allow-write", "--allow-env"];

/** Files that are read at run time, or imported on demand. */
const INCLUDED = [
  "lib/eval/problems.jsonl",
  "lib/playground/bundle",
  "lib/playground/page",
  "lib/cli/workers/worker.ts",
  "lib/store/sqlite/worker.ts",
  "lib/tools/code/worker.ts",
  "lib/tools/fetch/worker.ts",
];

/**
 * @param target platform; default: this machine.
 * @returns the arguments of `deno`, relative to the root of the repository.
 */
export function compileArguments(output: string, target?: string): string[] {
  return [
    "compile",
    "--frozen",
    "--no-prompt",
    "--v8-flags=--min-semi-space-size=16",
    "--unstable-net",
    "--unstable-worker-options",
    ...PERMISSIONS,
    ...INCLUDED.flatMap((path) => ["--include", path]),
    ...(target === undefined ? [] : ["--target", target]),
    "--output",
    output,
    "main.ts",
  ];
}

async function compile(output: string, target?: string): Promise<void> {
  const cwd = new URL("..", import.meta.url);
  const args = compileArguments(output, target);
  const { code } = await new Deno.Command(Deno.execPath(), { args, cwd }).spawn().status;
  if (code !== 0) Deno.exit(code);
}

if (import.meta.main) {
  if (Deno.args.includes("--all")) {
    for (const [name, target] of Object.entries(TARGETS)) {
      await compile(`dist/o1-api-${name}`, target);
    }
  } else await compile("dist/o1-api");
  await Deno.copyFile("config.yaml", "dist/config.yaml");
}
