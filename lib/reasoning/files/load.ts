import { z } from "zod";
import { systemClock, within } from "../../clock.ts";
import { modifierOptions } from "../modifiers.ts";
import { strategies } from "../strategies/mod.ts";
import type { Strategy } from "../strategy.ts";
import { STRATEGY_VERSION, strategyApi, type StrategyFactory } from "./api.ts";
import { bounded } from "./bounded.ts";

/** A file that was read. */
export interface StrategyFile {
  /** Path, for messages. */
  path: string;
  /** JavaScript in the lines of the file. */
  code: string;
}

/** What is wrong in a strategy file. */
export interface FileFault {
  /** Line and column from 1, if known. */
  line?: number;
  column?: number;
  message: string;
}

/** Thrown with every fault that was found. */
export class StrategyFileError extends Error {
  override readonly name = "StrategyFileError";

  constructor(readonly faults: readonly FileFault[]) {
    super(faults.map(({ message }) => message).join("\n"));
  }
}

/** Longest wait for a file's top-level `await`, in milliseconds. */
const LOAD_MS = 10_000;

const MAX_MESSAGE = 300;

const NAME = /^[a-z][a-z0-9_]{0,39}$/;

const names = z.array(z.string().regex(NAME, "a role must match [a-z][a-z0-9_]*"));

const label = z.string().min(1).max(100);

const optionsSchema = z.custom<z.ZodObject>(
  (value) => value instanceof z.ZodObject,
  "must be a schema that `api.z.object` or `api.z.strictObject` returns",
);

const isFunction = (value: unknown) => typeof value === "function";
const isAsyncGeneratorFunction = (value: unknown) =>
  Object.prototype.toString.call(value) === "[object AsyncGeneratorFunction]";

/** The parts of a strategy that can be checked before it runs. */
const contract = z.strictObject({
  summary: z.string().min(1).max(300),
  label: z.strictObject({ calls: label, latency: label }),
  typicalCalls: z.number().positive().optional(),
  publishedAs: z.string().min(1).max(100).optional(),
  options: optionsSchema,
  prompts: z.record(z.string(), z.string()),
  roles: names.min(1),
  plainRole: z.string().optional(),
  sampleOptions: z.array(z.string()).optional(),
  firstWave: z.custom(isFunction, "must be a function").optional(),
  followUps: z.custom(isFunction, "must be a function").optional(),
  run: z.custom(isAsyncGeneratorFunction, "must be an async generator function"),
}).superRefine(({ roles, plainRole = "answer", options, sampleOptions = [], publishedAs }, ctx) => {
  const report = (field: string, message: string) =>
    ctx.addIssue({ code: "custom", path: [field], message });
  if (!roles.includes(plainRole)) {
    report("plainRole", "must be one of the roles; default: answer");
  }
  for (const reserved of ["strategy", ...Object.keys(modifierOptions.shape)]) {
    if (Object.hasOwn(options.shape, reserved)) {
      report("options", `must not contain '${reserved}', which is common to all strategies`);
    }
  }
  for (const option of sampleOptions) {
    if (!Object.hasOwn(options.shape, option)) {
      report("sampleOptions", `there is no option '${option}'`);
    }
  }
  try {
    options.safeParse({});
  } catch {
    report("options", "must check values without `await` and without throwing");
  }
  if (Object.values(strategies).some((other) => other.publishedAs === publishedAs && publishedAs)) {
    report("publishedAs", `'${publishedAs}' is the id of a built-in strategy`);
  }
});

/**
 * Returns the JavaScript of a file, with types replaced by spaces, so that positions stay the same.
 *
 * @throws {StrategyFileError} for a syntax error in TypeScript.
 */
export async function toJavaScript(path: string, text: string): Promise<string> {
  if (!/\.m?ts$/.test(path)) return text;
  const { stripTypeScriptTypes } = await import("node:module");
  try {
    return stripTypeScriptTypes(text);
  } catch (error) {
    throw new StrategyFileError([positionOf(error) ?? await syntaxFault(text)]);
  }
}

/** Finds the position of a syntax error, which removing the types does not report. */
async function syntaxFault(text: string): Promise<FileFault> {
  const message = "SyntaxError";
  // A compiled program parses no TypeScript.
  if (Deno.build.standalone) return { message };
  const error = await import(dataUrl("application/typescript", text)).catch((error) => error);
  return positionOf(error) ?? { message };
}

/**
 * Loads a strategy. The same file is loaded once, whatever its path.
 *
 * @param waitMs longest wait for its top-level `await`, in milliseconds.
 * @throws {StrategyFileError} with all faults.
 */
export async function loadStrategy(
  { path, code }: StrategyFile,
  waitMs: number = LOAD_MS,
): Promise<Strategy> {
  // The end of a long URL is shown in stacks.
  const url = dataUrl("text/javascript", `${code}\n// ${path.split("/").at(-1)}`);
  let strategy: unknown;
  try {
    const module = await within(systemClock, waitMs, import(url));
    if (module === "late") {
      throw new StrategyFileError([{ message: `did not load in ${waitMs / 1_000} s` }]);
    }
    strategy = createFrom(module);
  } catch (error) {
    if (error instanceof StrategyFileError) throw error;
    throw new StrategyFileError([positionOf(error) ?? { message: describe(error) }]);
  }
  const { error } = contract.safeParse(strategy);
  if (error !== undefined) {
    throw new StrategyFileError(error.issues.map((issue) => ({
      message: [issue.path.join("."), issue.message].filter(Boolean).join(": "),
    })));
  }
  return bounded(strategy as Strategy);
}

function createFrom({ version, default: create }: Record<string, unknown>): unknown {
  const faults: FileFault[] = [];
  if (version !== STRATEGY_VERSION) {
    faults.push({
      message: version === undefined
        ? `must contain 'export const version = ${STRATEGY_VERSION};'`
        : `is written for another version of o1-api; this one loads version ${STRATEGY_VERSION}`,
    });
  }
  if (typeof create !== "function") {
    faults.push({ message: "must export by default a function that returns the strategy" });
  }
  if (faults.length > 0) throw new StrategyFileError(faults);
  const strategy: unknown = (create as StrategyFactory)(strategyApi);
  if (typeof strategy !== "object" || strategy === null || strategy instanceof Promise) {
    const message = strategy instanceof Promise
      ? "the default export must not be an async function"
      : "the default export must return what `defineStrategy` returns";
    throw new StrategyFileError([{ message }]);
  }
  return strategy;
}

function dataUrl(type: string, text: string): string {
  return `data:${type};charset=utf-8,${encodeURIComponent(text)}`;
}

/** Returns the fault of an error that has the position of a line of the file. */
function positionOf(error: unknown): FileFault | undefined {
  if (!(error instanceof Error)) return undefined;
  // deno-lint-ignore no-control-regex -- colors
  const text = `${error.message}\n${error.stack}`.replaceAll(/\x1b\[[\d;]*m/g, "");
  const [, line, column] = /(?:data:[^\s:]*|stripTypeScriptTypes\.ts):(\d+):(\d+)/.exec(text) ?? [];
  if (line === undefined) return undefined;
  return { line: Number(line), column: Number(column), message: describe(error) };
}

/** Returns the first line of an error, without the file's text, which a position may contain. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return "it throws something that is not an Error";
  if (/cannot-be-a-base|not a dependency/.test(error.message)) {
    return "it can't import other files; put all of it into this file";
  }
  const [first = ""] = error.message.split("\n", 1);
  const message = first.replace(/ (?:at|from) "?(?:data|file):\S*$/, "").slice(0, MAX_MESSAGE);
  return message.startsWith("SyntaxError") ? message : `${error.name}: ${message}`;
}
