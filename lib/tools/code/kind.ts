import { z } from "zod";
import { failureResult, textField } from "../failure.ts";
import type { Tool, ToolKind } from "../tool.ts";
import { LIBRARY } from "./library.ts";
import { createThreads } from "./threads.ts";

const options = z.strictObject({
  time_ms: z.number().int().min(10).max(60_000).default(5_000).describe(
    "Time limit for one piece of code, in milliseconds.",
  ),
  memory_mb: z.number().int().min(20).max(512).default(64).describe(
    "Memory limit for one piece of code and its interpreter, in MiB.",
  ),
  output_characters: z.number().int().min(100).max(100_000).default(10_000).describe(
    "Maximum length of what one piece of code prints and returns.",
  ),
  threads: z.number().int().min(1).max(64).default(2).describe(
    "Number of threads that run code, in each process or worker. Further code waits.",
  ),
});

const DESCRIPTION =
  `Runs JavaScript (ES2023, BigInt, top-level await) and returns what it prints with console.log, \
then the value of its last expression. Use it to compute exactly instead of calculating yourself. \
Each run starts afresh, without network, files, modules or timers.
${LIBRARY}`;

/** Longest code that is run. */
const MAX_CODE_CHARACTERS = 100_000;

export const code: ToolKind<typeof options> = {
  options,
  needsNoSettings: true,
  fault: ({ onDeploy }) => sandboxFault(onDeploy),
  open({ time_ms, memory_mb, output_characters, threads: count }) {
    const threads = createThreads(count);
    const tool: Tool = {
      name: "code",
      computes: true,
      description: DESCRIPTION,
      parameters: {
        type: "object",
        properties: { code: { type: "string", description: "The JavaScript to run." } },
        required: ["code"],
        additionalProperties: false,
      },
      async run(args, context) {
        const given = textField(args, "code");
        if (given === undefined) return failureResult('Expected an object with the text "code".');
        const source = FENCE_REGEXP.exec(given)?.[1] ?? given;
        if (source.length > MAX_CODE_CHARACTERS) {
          return failureResult(
            `The code must not be longer than ${MAX_CODE_CHARACTERS} characters.`,
          );
        }
        const { text, isError } = await threads.run({
          code: source,
          timeMs: time_ms,
          memoryBytes: memory_mb * 1_048_576,
          outputCharacters: output_characters,
        }, context);
        return { content: [{ type: "text", text }], ...(isError ? { isError } : {}) };
      },
    };
    return {
      tools: () => Promise.resolve([tool]),
      close() {
        threads.close();
        return Promise.resolve();
      },
    };
  },
};

const FENCE_REGEXP = /^\s{0,20}```[a-z]{0,20}\n(.*)\n\s{0,20}```\s{0,20}$/is;

const FLAG = "--unstable-worker-options";

/** Returns why threads without permissions can't be started here. */
function sandboxFault(onDeploy: boolean): string | undefined {
  if (onDeploy) return "Deno Deploy has no threads without permissions";
  if (Deno.build.standalone) return undefined;
  let commandLine: string;
  try {
    commandLine = Deno.readTextFileSync("/proc/self/cmdline");
  } catch {
    // Only Linux has this file. Elsewhere Deno itself names the missing flag, and exits.
    return undefined;
  }
  return commandLine.includes(FLAG) ? undefined : `start Deno with ${FLAG}`;
}
