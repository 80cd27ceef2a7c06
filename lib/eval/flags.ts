/**
 * The flags of `o1-api eval`.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { baseUrlFault, isDemo, normaliseBaseUrl } from "../config/base_url.ts";
import { type Scoring, SCORINGS } from "./score.ts";

/** The text of `o1-api eval --help`. */
export const EVAL_HELP = `o1-api eval: asks models the same problems and compares them

Usage: o1-api eval --models ID,ID,… [options]

  --models IDS       published ids, separated by commas; the first is the baseline
  --baseline ID      compare with this model instead
  --dataset FILE     problems, one JSON object a line: GSM8K, MATH-500 and AIME as published, or
                     {"id", "question", "answer", "options"?}; default: 40 of our own
  --limit N          only N problems: the first ones, or N drawn at random where --seed is given
  --trials N         how often each problem is asked; default 1
  --concurrency N    questions open at a time; default 8
  --out FILE         a line for each finished question; the same command goes on where it stopped
  --retry-errors     ask again what ended with an error in --out
  --report FILE      an HTML page with the table and plots
  --json             print JSON in place of the table
  --seed N           seed of --limit and of the bootstrap; default 1
  --timeout SECONDS  longest time for one answer; default 3600

  --scoring KIND     extract: the short final answer in the text, compared by value (default)
                     exact: the whole text
                     judge: a model says whether the answers agree
  --judge-model ID   the judge; needed for --scoring judge

  --base-url URL     ask this OpenAI-compatible API, not the models of config.yaml
  --api-key KEY      its key; default: the variable O1_EVAL_API_KEY
  --config PATH      the configuration; default: config.yaml beside the program
  --help             print this text

The table. Accuracy is correct of all asked (the standard): an error counts as not right, and is
listed apart from wrong answers; "of answered" leaves errors out. Its interval is Wilson's (1927)
at 95 %; with several trials it counts problems rather than tries, in as far as tries at one
problem resemble each other. The difference is taken problem by problem, its 95 % interval by the
paired percentile bootstrap over problems (Efron and Tibshirani 1993; 10,000 samples); where all
problems differ alike it allows for those of another kind that may have gone unseen. Times are of
answered questions, in this process or at --base-url, waits for a retry there left out.`;

/** What the flags say. */
export interface EvalFlags {
  /** The models' ids, at least one, no two the same. */
  models: readonly string[];
  /** One of them. */
  baseline: string;
  /** The file of problems; undefined: our own. */
  dataset: string | undefined;
  /** How many problems. */
  limit: number | undefined;
  /** How often each is asked. */
  trials: number;
  /** Questions open at a time. */
  concurrency: number;
  /** The file of results. */
  out: string | undefined;
  /** Whether errors of an earlier run are asked again. */
  retryErrors: boolean;
  /** The file of the report. */
  report: string | undefined;
  /** Whether JSON is printed. */
  json: boolean;
  /** The seed. */
  seed: number;
  /** Whether it was given, so that problems are drawn. */
  isDrawn: boolean;
  /** Longest time for one answer, in milliseconds. */
  timeoutMs: number;
  /** How answers are scored. */
  scoring: Scoring;
  /** The judge; never undefined where it is needed. */
  judgeModel: string | undefined;
  /** The API to ask, normalised; undefined: the configured models. */
  baseUrl: string | undefined;
  /** Its key. */
  apiKey: string | undefined;
  /** `--config`. */
  config: string | undefined;
}

/** The flags are wrong; the message says how. */
export class FlagError extends Error {
  /** The name of the class. */
  override readonly name = "FlagError";
}

const TEXTS = [
  "models",
  "baseline",
  "dataset",
  "limit",
  "trials",
  "concurrency",
  "out",
  "report",
  "seed",
  "timeout",
  "scoring",
  "judge-model",
  "base-url",
  "api-key",
  "config",
] as const;
const SWITCHES = ["help", "json", "retry-errors"] as const;

/**
 * Reads the flags.
 *
 * @returns undefined where help is asked for.
 * @throws {FlagError} for what can't be.
 */
export function parseEvalFlags(args: readonly string[]): EvalFlags | undefined {
  const flags = parseArgs(args, {
    string: TEXTS,
    boolean: SWITCHES,
    collect: TEXTS,
    alias: { h: "help" },
    unknown(arg, key) {
      throw new FlagError(`${key === undefined ? "Unexpected argument" : "Unknown option"} ${arg}`);
    },
  });
  if (flags.help) return undefined;

  function text(name: (typeof TEXTS)[number]): string | undefined {
    const values = flags[name];
    const [value, second] = Array.isArray(values) ? values.map(String) : [];
    if (second !== undefined) throw new FlagError(`--${name} is given twice`);
    if (value === "") throw new FlagError(`--${name} needs a value`);
    return value;
  }

  function number(name: (typeof TEXTS)[number], least: number, most: number): number | undefined {
    const value = text(name);
    if (value === undefined) return undefined;
    const parsed = Number(value);
    if (/^\d+$/.test(value) && parsed >= least && parsed <= most) return parsed;
    throw new FlagError(`--${name} needs a whole number from ${least} to ${most}, not '${value}'`);
  }

  const models = (text("models") ?? "").split(",").map((id) => id.trim()).filter(Boolean);
  const [first] = models;
  if (first === undefined) throw new FlagError("Which models? Name them with --models ID,ID,…");
  if (new Set(models).size < models.length) throw new FlagError("--models names a model twice");
  const baseline = text("baseline") ?? first;
  if (!models.includes(baseline)) throw new FlagError("--baseline must be one of --models");
  const asked = text("scoring") ?? "extract";
  const scoring = SCORINGS.find((each) => each === asked);
  if (scoring === undefined) throw new FlagError(`--scoring must be ${SCORINGS.join(", ")}`);
  const judgeModel = text("judge-model");
  if ((scoring === "judge") !== (judgeModel !== undefined)) {
    throw new FlagError("--scoring judge and --judge-model ID go together");
  }
  const seed = number("seed", 0, 4_294_967_295);
  return {
    models,
    baseline,
    dataset: text("dataset"),
    limit: number("limit", 1, 1_000_000),
    trials: number("trials", 1, 10_000) ?? 1,
    concurrency: number("concurrency", 1, 10_000) ?? 8,
    out: text("out"),
    retryErrors: flags["retry-errors"] === true,
    report: text("report"),
    json: flags.json === true,
    seed: seed ?? 1,
    isDrawn: seed !== undefined,
    timeoutMs: (number("timeout", 1, 86_400) ?? 3_600) * 1_000,
    scoring,
    judgeModel,
    baseUrl: baseUrlOf(text("base-url")),
    apiKey: text("api-key"),
    config: text("config"),
  };
}

function baseUrlOf(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const fault = baseUrlFault(value);
  if (fault !== undefined) throw new FlagError(`--base-url ${fault}`);
  if (isDemo(value)) throw new FlagError("--base-url takes no demo:; leave it out for the demo");
  if (value.includes("?")) throw new FlagError("--base-url must not hold a query");
  return normaliseBaseUrl(value);
}
