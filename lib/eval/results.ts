/**
 * The file of results: one JSON line for each question that was asked, so that an interrupted run
 * goes on where it stopped.
 *
 * @module
 */
import { z } from "zod";
import type { Measured } from "./ask/answer.ts";
import type { Problem } from "./dataset.ts";
import { fileError } from "./file_error.ts";
import type { Scoring } from "./score.ts";

/** What came of one question to one model. */
export interface Result {
  /** The problem's id. */
  id: string;
  /** The problem's digest. */
  digest: string;
  /** The model's id. */
  model: string;
  /** Which try it was, from 1. */
  trial: number;
  /** Where the model was asked: a base URL, or `configured`. */
  target: string;
  /** How it was scored; with a judge, `judge:` and its model. */
  scoring: string;
  /** The right answer. */
  gold: string;
  /** Whether the answer is right; undefined where there is none. */
  correct?: boolean | undefined;
  /** What was compared with the right answer. */
  answer?: string | undefined;
  /** Why there is no answer, or no score. */
  error?: { code: string; message: string } | undefined;
  /** The answer's text. */
  content?: string | undefined;
  /** Why the answer ended. */
  finish?: string | undefined;
  /** What it took; undefined for an error. */
  measured?: Measured | undefined;
}

const optionalNumber = z.number().optional();
const schema: z.ZodType<Result> = z.object({
  id: z.string(),
  digest: z.string(),
  model: z.string(),
  trial: z.number(),
  target: z.string(),
  scoring: z.string(),
  gold: z.string(),
  correct: z.boolean().optional(),
  answer: z.string().optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
  content: z.string().optional(),
  finish: z.string().optional(),
  measured: z.object({
    calls: z.number(),
    prompt_tokens: z.number(),
    completion_tokens: z.number(),
    reasoning_tokens: z.number(),
    cost: optionalNumber,
    latency_ms: z.number(),
    first_reasoning_ms: optionalNumber,
    first_content_ms: optionalNumber,
  }).optional(),
});

/** The file of results can't be gone on with; the message says why. */
export class ResultsError extends Error {
  /** The name of the class. */
  override readonly name = "ResultsError";
}

/** What tells one question to one model from another. */
export function resultKey({ id, model, trial }: Pick<Result, "id" | "model" | "trial">): string {
  return JSON.stringify([id, model, trial]);
}

/** `scoring` as a result names it. */
export function scoringName(scoring: Scoring, judgeModel: string | undefined): string {
  return scoring === "judge" ? `judge:${judgeModel}` : scoring;
}

/** What a run is about; earlier results of another kind must not be mixed with its own. */
export interface RunIdentity {
  /** The problems. */
  problems: readonly Problem[];
  /** Where models are asked. */
  target: string;
  /** How answers are scored. */
  scoring: string;
}

/** Earlier results, and where the file is whole. */
export interface EarlierResults {
  /** By {@linkcode resultKey}; of several for one key the last. */
  results: Map<string, Result>;
  /** The text up to the end of the last whole line; what follows was cut. */
  whole: string;
}

/**
 * Reads the text of a file of results. A last line that was cut while it was written is left out.
 *
 * @param file what errors call it.
 * @throws {ResultsError} for a broken line elsewhere and for results of another run.
 */
export function parseResults(content: string, file: string, run: RunIdentity): EarlierResults {
  const digests = new Map(run.problems.map(({ id, digest }) => [id, digest]));
  const results = new Map<string, Result>();
  const lines = content.split("\n");
  // A result that was cut is no JSON; anything else there is no file of ours, and stays as it is.
  const last = lines.at(-1)!;
  if (last === "" || isCut(last)) lines.pop();
  for (const [i, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const result = parseLine(line);
    const fail = (why: string): never => {
      throw new ResultsError(`${file}, line ${i + 1}: ${why}; choose another file for --out`);
    };
    if (result === undefined) return fail("this is no result");
    for (const key of ["target", "scoring"] as const) {
      if (result[key] !== run[key]) fail(`its ${key} is '${result[key]}', not '${run[key]}'`);
    }
    const digest = digests.get(result.id);
    if (digest !== undefined && digest !== result.digest) {
      fail(`problem '${result.id}' was another one, so it is of another dataset`);
    }
    results.set(resultKey(result), result);
  }
  return { results, whole: lines.map((line) => `${line}\n`).join("") };
}

const BEGINNING = '{"id":';

function isCut(line: string): boolean {
  if (!line.startsWith(BEGINNING) && !BEGINNING.startsWith(line)) return false;
  try {
    JSON.parse(line);
    return false;
  } catch {
    return true;
  }
}

function parseLine(line: string): Result | undefined {
  try {
    return schema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** Takes results as they come. */
export interface ResultSink extends Disposable {
  /** Adds a result. */
  append(result: Result): void;
}

/**
 * Opens a file of results: reads what is there, mends a cut end, and appends.
 *
 * @throws {ResultsError | FileError} as {@linkcode parseResults} does, and where the file can't be
 * opened; adding throws a `FileError` where the disk is full.
 */
export function openResults(
  path: string,
  run: RunIdentity,
): { earlier: Map<string, Result>; sink: ResultSink } {
  const onPath = <T>(use: () => T): T => {
    try {
      return use();
    } catch (error) {
      throw fileError("--out", path, error);
    }
  };
  const content = onPath(() => readIfThere(path));
  const { results, whole } = parseResults(content, path, run);
  if (whole !== content) onPath(() => Deno.writeTextFileSync(path, whole));
  const file = onPath(() => Deno.openSync(path, { append: true, create: true }));
  const encoder = new TextEncoder();
  return {
    earlier: results,
    sink: {
      append(result) {
        // A line goes out as a whole before the next one begins.
        const bytes = encoder.encode(`${JSON.stringify(result)}\n`);
        onPath(() => {
          for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
        });
      },
      [Symbol.dispose]: () => file.close(),
    },
  };
}

function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
