import { resolve } from "node:path";
import { parseArgs } from "@std/cli";
import { baseUrlFault, isDemo, normaliseBaseUrl } from "../config/base_url.ts";
import { nearest } from "../config/faults/suggestion.ts";
import { SCORINGS } from "./score.ts";

/** The valid flags. Paths are undefined if they are not given. */
export type EvalFlags = NonNullable<ReturnType<typeof parseEvalFlags>>;

/** The flags are invalid. The message has a line for each fault. */
export class FlagError extends Error {
  override readonly name = "FlagError";
}

const VALUES = [
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
const SWITCHES = ["json", "retry-errors"] as const;

export type EvalFlagName = (typeof VALUES)[number] | (typeof SWITCHES)[number];

/**
 * @returns undefined for `--help`.
 * @throws {FlagError} with all faults.
 */
export function parseEvalFlags(args: readonly string[]) {
  const faults: string[] = [];
  const check = (isValid: boolean, fault: string) => {
    if (!isValid) faults.push(fault);
  };
  const flags = parseArgs(args, {
    string: VALUES,
    boolean: ["help", ...SWITCHES],
    collect: VALUES,
    alias: { h: "help" },
    unknown(arg, key) {
      const meant = nearest(key ?? "", ["help", ...VALUES, ...SWITCHES]);
      const hint = meant === undefined ? "" : `; did you mean --${meant}?`;
      faults.push(
        key === undefined ? `Unexpected argument ${arg}` : `Unknown option ${arg}${hint}`,
      );
      return false;
    },
  });
  if (flags.help) return undefined;

  function text(name: (typeof VALUES)[number]): string | undefined {
    const values = flags[name];
    const [value, second] = Array.isArray(values) ? values.map(String) : [];
    check(second === undefined, `--${name} is given more than once`);
    check(value !== "", `--${name} needs a value`);
    return value || undefined;
  }

  function integer(name: (typeof VALUES)[number], min: number, max: number): number | undefined {
    const value = text(name);
    if (value === undefined) return undefined;
    const number = Number(value);
    const isValid = /^\d+$/.test(value) && number >= min && number <= max;
    check(isValid, `--${name} must be an integer from ${min} to ${max}, not '${value}'`);
    return number;
  }

  const models = (text("models") ?? "").split(",").map((id) => id.trim()).filter(Boolean);
  const [first = ""] = models;
  check(first !== "", "--models ID,ID,… is required");
  check(new Set(models).size === models.length, "--models contains a model twice");
  const baseline = text("baseline") ?? first;
  check(first === "" || models.includes(baseline), "--baseline must be one of --models");
  const scoringText = text("scoring") ?? "extract";
  const scoring = SCORINGS.find((name) => name === scoringText);
  check(
    scoring !== undefined,
    `--scoring must be ${SCORINGS.join(", ")}, not '${scoringText}'`,
  );
  const judgeModel = text("judge-model");
  check(
    scoring === undefined || (scoring === "judge") === (judgeModel !== undefined),
    "--scoring judge and --judge-model ID require each other",
  );
  const seed = integer("seed", 0, 4_294_967_295);
  const [dataset, out, report, config] = [
    text("dataset"),
    text("out"),
    text("report"),
    text("config"),
  ];
  const paths = [dataset, out, report, config].flatMap((path) => path ? [resolve(path)] : []);
  check(
    new Set(paths).size === paths.length,
    "--dataset, --out, --report and --config must be different files",
  );
  const baseUrl = text("base-url");
  const apiKey = text("api-key");
  check(baseUrl !== undefined || apiKey === undefined, "--api-key requires --base-url");
  check(
    baseUrl === undefined || config === undefined,
    "--config and --base-url can't be combined",
  );
  const urlFault = baseUrl && remoteFault(baseUrl);
  if (urlFault) faults.push(`--base-url ${urlFault}`);
  const parsed = {
    models,
    baseline,
    dataset,
    limit: integer("limit", 1, 1_000_000),
    trials: integer("trials", 1, 10_000) ?? 1,
    concurrency: integer("concurrency", 1, 10_000) ?? 8,
    out,
    retryErrors: flags["retry-errors"] === true,
    report,
    json: flags.json === true,
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
  if (faults.length > 0) throw new FlagError(faults.join("\n"));
  return parsed;
}

/** Returns why models can't be asked at this URL. */
function remoteFault(url: string): string | undefined {
  const fault = baseUrlFault(url);
  if (fault !== undefined) return fault;
  if (isDemo(url)) return "does not take demo:; omit it to use the demo model";
  return url.includes("?") ? "must not contain a query" : undefined;
}
