/** The results file: one JSON line per question asked, so that an interrupted run can resume. */
import { z } from "zod";
import { tryParse } from "../json.ts";
import { measuredSchema } from "./ask/answer.ts";
import type { Problem } from "./dataset.ts";
import { InputError, withFile } from "./input_error.ts";

const resultSchema = z.object({
  id: z.string(),
  digest: z.string(),
  model: z.string(),
  /** Starts at 1. */
  trial: z.number(),
  /** Where the model was asked: a base URL, or `configured`. */
  target: z.string(),
  /** How the answer was scored; `judge:` and the model's id for a judge. */
  scoring: z.string(),
  /** The right answer. */
  gold: z.string(),
  /** Missing if there is no answer or no score. */
  correct: z.boolean().optional(),
  /** What was compared with the right answer. */
  answer: z.string().optional(),
  /** Why there is no answer or no score. */
  error: z.object({ code: z.string(), message: z.string() }).optional(),
  content: z.string().optional(),
  finish: z.string().optional(),
  /** Missing if there is no answer. */
  measured: measuredSchema.optional(),
});

export type Result = z.infer<typeof resultSchema>;

/** Identifies a question to a model within a run. */
export function resultKey({ id, model, trial }: Pick<Result, "id" | "model" | "trial">): string {
  return JSON.stringify([id, model, trial]);
}

/** What results must have in common to be compared. */
export interface RunIdentity {
  problems: readonly Problem[];
  target: string;
  scoring: string;
}

/**
 * Reads the earlier results of a file, by {@linkcode resultKey}. Creates the file if needed, and
 * removes a line that was cut off.
 *
 * @throws {InputError} for invalid lines, for results of another run, and if the file can't be read
 *   or written, also when appending.
 */
export function openResults(path: string, run: RunIdentity) {
  const append = (text: string) =>
    withFile("--out", path, () => Deno.writeTextFileSync(path, text, { append: true }));
  append("");
  const content = withFile("--out", path, () => Deno.readTextFileSync(path));
  const lines = content.split("\n");
  // An incomplete result is not valid JSON. Anything else does not belong in the file.
  const last = lines.at(-1)!;
  if (last === "" || isCutOff(last)) lines.pop();
  const earlier = parseResults(lines, path, run);
  const complete = lines.map((line) => `${line}\n`).join("");
  if (complete !== content) {
    withFile("--out", path, () => Deno.writeTextFileSync(path, complete));
  }
  return { earlier, append: (result: Result) => append(`${JSON.stringify(result)}\n`) };
}

function parseResults(
  lines: readonly string[],
  path: string,
  run: RunIdentity,
): Map<string, Result> {
  const digests = new Map(run.problems.map(({ id, digest }) => [id, digest]));
  const results = new Map<string, Result>();
  for (const [i, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const fail = (reason: string): never => {
      throw new InputError(`${path}, line ${i + 1}: ${reason}; choose another file for --out`);
    };
    const result = resultSchema.safeParse(tryParse(line)).data ?? fail("not a result");
    for (const key of ["target", "scoring"] as const) {
      if (result[key] !== run[key]) fail(`its ${key} is '${result[key]}', not '${run[key]}'`);
    }
    const digest = digests.get(result.id);
    if (digest !== undefined && digest !== result.digest) {
      fail(`problem '${result.id}' is different in this dataset`);
    }
    results.set(resultKey(result), result);
  }
  return results;
}

const BEGINNING = '{"id":';

function isCutOff(line: string): boolean {
  return (line.startsWith(BEGINNING) || BEGINNING.startsWith(line)) &&
    tryParse(line) === undefined;
}
