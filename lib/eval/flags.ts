import { resolve } from "node:path";
import { baseUrlFault, isDemo, normaliseBaseUrl } from "../config/base_url.ts";
import { SCORINGS } from "./score.ts";

type NumberFlag = "limit" | "trials" | "concurrency" | "seed" | "timeout";
type FileFlag = "dataset" | "out" | "report" | "config";
type TextFlag = "models" | "baseline" | "scoring" | "judge-model" | "url" | "key";

/** The given flags of `o1-api eval` as text. */
export type EvalArguments =
  & { [Flag in NumberFlag | FileFlag | TextFlag]?: string }
  & { [Flag in "retry-errors" | "json"]?: true };

/** Flags with defaults. Paths are undefined if they are not given. */
export type EvalFlags = ReturnType<typeof readEvalFlags>;

/** @param faults receives a message for each invalid flag. The result is valid without any. */
export function readEvalFlags(given: EvalArguments, faults: string[]) {
  const check = (isValid: boolean, fault: string) => {
    if (!isValid) faults.push(fault);
  };

  function integer(name: NumberFlag, min: number, max: number): number | undefined {
    const value = given[name];
    if (value === undefined) return undefined;
    const number = Number(value);
    const isValid = /^\d+$/.test(value) && number >= min && number <= max;
    check(isValid, `--${name} must be an integer from ${min} to ${max}, not '${value}'`);
    return number;
  }

  const { url: baseUrl, key: apiKey, "judge-model": judgeModel } = given;
  const models = (given.models ?? "").split(",").map((id) => id.trim()).filter(Boolean);
  const [first = ""] = models;
  check(first !== "", "--models ID,ID,… is required");
  check(new Set(models).size === models.length, "--models contains a model twice");
  const baseline = given.baseline ?? first;
  check(first === "" || models.includes(baseline), "--baseline must be one of --models");
  const scoringText = given.scoring ?? "extract";
  const scoring = SCORINGS.find((name) => name === scoringText);
  check(
    scoring !== undefined,
    `--scoring must be one of ${SCORINGS.join(", ")}, not '${scoringText}'`,
  );
  check(
    scoring === undefined || (scoring === "judge") === (judgeModel !== undefined),
    "--scoring judge and --judge-model ID require each other",
  );
  const seed = integer("seed", 0, 4_294_967_295);
  const { dataset, out, report, config } = given;
  const paths = [dataset, out, report, config].flatMap((path) => path ? [resolve(path)] : []);
  check(
    new Set(paths).size === paths.length,
    "--dataset, --out, --report and --config must be different files",
  );
  check(baseUrl !== undefined || apiKey === undefined, "--key requires --url");
  check(
    baseUrl === undefined || config === undefined,
    "--config and --url can't be combined",
  );
  const urlFault = baseUrl && remoteFault(baseUrl);
  if (urlFault) faults.push(`--url ${urlFault}`);
  return {
    models,
    baseline,
    dataset,
    limit: integer("limit", 1, 1_000_000),
    trials: integer("trials", 1, 10_000) ?? 1,
    concurrency: integer("concurrency", 1, 10_000) ?? 8,
    out,
    retryErrors: given["retry-errors"] === true,
    report,
    json: given.json === true,
    seed: seed ?? 1,
    /** Whether `limit` draws a random sample. */
    isSampled: seed !== undefined,
    /** Time limit for one answer. */
    timeoutMs: (integer("timeout", 1, 86_400) ?? 3_600) * 1_000,
    scoring: scoring ?? "extract",
    /** Defined if and only if a judge scores. */
    judgeModel,
    /** Undefined for the configured models. */
    baseUrl: baseUrl && normaliseBaseUrl(baseUrl),
    apiKey,
    config,
  };
}

/** Returns why models can't be asked at this URL. */
function remoteFault(url: string): string | undefined {
  const fault = baseUrlFault(url);
  if (fault !== undefined) return fault;
  if (isDemo(url)) return "does not take demo:; omit it to use the demo model";
  return url.includes("?") ? "must not contain a query" : undefined;
}
