/**
 * The flags of `o1-api eval`.
 *
 * @module
 */
import { resolve } from "node:path";
import { parseArgs } from "@std/cli";
import { baseUrlFault, isDemo, normaliseBaseUrl } from "../config/base_url.ts";
import { nearest } from "../config/faults/suggestion.ts";
import { type Scoring, SCORINGS } from "./score.ts";

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

/** The flags are wrong; the message says how, a line for each fault. */
export class FlagError extends Error {
  /** The name of the class. */
  override readonly name = "FlagError";
}

/** Flags that take a value. */
export const TEXTS = [
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
/** Flags that take none. */
export const SWITCHES = ["help", "json", "retry-errors"] as const;

/** The name of a flag, without `--`; `help` left out. */
export type EvalFlagName = Exclude<(typeof TEXTS)[number] | (typeof SWITCHES)[number], "help">;

/**
 * Reads the flags.
 *
 * @returns undefined where help is asked for.
 * @throws {FlagError} with all that can't be.
 */
export function parseEvalFlags(args: readonly string[]): EvalFlags | undefined {
  const faults: string[] = [];
  const flags = parseArgs(args, {
    string: TEXTS,
    boolean: SWITCHES,
    collect: TEXTS,
    alias: { h: "help" },
    unknown(arg, key) {
      const meant = nearest(key ?? "", [...TEXTS, ...SWITCHES]);
      const hint = meant === undefined ? "" : `; did you mean --${meant}?`;
      faults.push(
        key === undefined ? `Unexpected argument ${arg}` : `Unknown option ${arg}${hint}`,
      );
      return false;
    },
  });
  if (flags.help) return undefined;

  function text(name: (typeof TEXTS)[number]): string | undefined {
    const values = flags[name];
    const [value, second] = Array.isArray(values) ? values.map(String) : [];
    if (second !== undefined) faults.push(`--${name} is given twice`);
    if (value !== "") return value;
    faults.push(`--${name} needs a value`);
    return undefined;
  }

  function number(name: (typeof TEXTS)[number], least: number, most: number): number | undefined {
    const value = text(name);
    if (value === undefined) return undefined;
    const parsed = Number(value);
    if (/^\d+$/.test(value) && parsed >= least && parsed <= most) return parsed;
    faults.push(`--${name} needs a whole number from ${least} to ${most}, not '${value}'`);
    return undefined;
  }

  const models = (text("models") ?? "").split(",").map((id) => id.trim()).filter(Boolean);
  const [first = ""] = models;
  if (first === "") faults.push("Which models? Name them with --models ID,ID,…");
  if (new Set(models).size < models.length) faults.push("--models names a model twice");
  const baseline = text("baseline") ?? first;
  if (first !== "" && !models.includes(baseline)) {
    faults.push("--baseline must be one of --models");
  }
  const asked = text("scoring") ?? "extract";
  const scoring = SCORINGS.find((each) => each === asked);
  if (scoring === undefined) {
    faults.push(`--scoring must be ${SCORINGS.join(", ")}, not '${asked}'`);
  }
  const judgeModel = text("judge-model");
  if (scoring !== undefined && (scoring === "judge") !== (judgeModel !== undefined)) {
    faults.push("--scoring judge and --judge-model ID go together");
  }
  const seed = number("seed", 0, 4_294_967_295);
  const [dataset, out, report, config] = [
    text("dataset"),
    text("out"),
    text("report"),
    text("config"),
  ];
  const paths = [dataset, out, report, config].flatMap((path) => path ? [resolve(path)] : []);
  if (new Set(paths).size < paths.length) {
    faults.push("--dataset, --out, --report and --config must be different files");
  }
  const baseUrl = text("base-url");
  const apiKey = text("api-key");
  if (baseUrl === undefined && apiKey !== undefined) faults.push("--api-key goes with --base-url");
  if (baseUrl !== undefined && config !== undefined) {
    faults.push("--config and --base-url exclude each other");
  }
  const urlFault = baseUrl === undefined ? undefined : remoteFault(baseUrl);
  if (urlFault !== undefined) faults.push(`--base-url ${urlFault}`);
  const parsed: EvalFlags = {
    models,
    baseline,
    dataset,
    limit: number("limit", 1, 1_000_000),
    trials: number("trials", 1, 10_000) ?? 1,
    concurrency: number("concurrency", 1, 10_000) ?? 8,
    out,
    retryErrors: flags["retry-errors"] === true,
    report,
    json: flags.json === true,
    seed: seed ?? 1,
    isDrawn: seed !== undefined,
    timeoutMs: (number("timeout", 1, 86_400) ?? 3_600) * 1_000,
    scoring: scoring ?? "extract",
    judgeModel,
    baseUrl: baseUrl && normaliseBaseUrl(baseUrl),
    apiKey,
    config,
  };
  if (faults.length > 0) throw new FlagError(faults.join("\n"));
  return parsed;
}

/** Why this is no API to ask; undefined where it may be one. */
function remoteFault(url: string): string | undefined {
  const fault = baseUrlFault(url);
  if (fault !== undefined) return fault;
  if (isDemo(url)) return "takes no demo:; leave it out for the demo";
  return url.includes("?") ? "must not hold a query" : undefined;
}
