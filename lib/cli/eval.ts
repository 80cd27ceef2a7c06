/**
 * `o1-api eval`: asks models the same problems and compares them.
 *
 * @module
 */
import type { ResolvedConfig } from "../config/resolve.ts";
import { DatasetError } from "../eval/dataset.ts";
import { EVAL_HELP, type EvalFlags, FlagError, parseEvalFlags } from "../eval/flags.ts";
import { ResultsError } from "../eval/results.ts";
import { type Outcome, runSession } from "../eval/session.ts";
import { renderTable } from "../eval/table.ts";
import { configuredTarget, remoteTarget, type Target } from "../eval/target.ts";
import { systemClock } from "../upstream/clock.ts";
import { configOrExit } from "./configuration.ts";

/** A comparison that was stopped: 128 and the number of SIGINT, as shells have it. */
const STOPPED = 130;

/**
 * Runs the command. Ends the process with 1 for files that can't be used, 2 for bad arguments;
 * a run that was stopped ends with 130.
 *
 * @param args what follows the command.
 * @param moduleDir the folder of the program's own files.
 */
export async function compareModels(
  args: readonly string[],
  moduleDir: string | undefined,
): Promise<void> {
  const flags = flagsOrExit(args);
  if (flags === undefined) return console.log(EVAL_HELP);
  await permissionOrExit(flags);
  const target = await targetOf(flags, moduleDir);
  const stop = new AbortController();
  const release = onInterrupt(stop);
  try {
    const outcome = await runSession({
      flags,
      target,
      clock: systemClock,
      random: Math.random,
      signal: stop.signal,
      terminal: terminal(),
    });
    print(outcome, flags);
  } catch (error) {
    exitOnFileError(error);
  } finally {
    release();
  }
}

function flagsOrExit(args: readonly string[]): EvalFlags | undefined {
  try {
    return parseEvalFlags(args);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    usage(error.message);
  }
}

function usage(problem: string): never {
  console.error(`${problem}\n\n${EVAL_HELP}`);
  Deno.exit(2);
}

/** A run can take hours: whether its results can be written is asked before it begins. */
async function permissionOrExit({ out, report }: EvalFlags): Promise<void> {
  for (const [flag, path] of [["--out", out], ["--report", report]] as const) {
    if (path === undefined) continue;
    const { state } = await Deno.permissions.query({ name: "write", path });
    if (state === "granted") continue;
    console.error(
      `${flag} ${path}: this process has no permission to write there. ` +
        `Run \`deno task eval\`, or give Deno --allow-write=${path}.`,
    );
    Deno.exit(1);
  }
}

async function targetOf(flags: EvalFlags, moduleDir: string | undefined): Promise<Target> {
  if (flags.baseUrl !== undefined) {
    return remoteTarget(flags.baseUrl, flags.apiKey ?? Deno.env.get("O1_EVAL_API_KEY"));
  }
  if (flags.apiKey !== undefined) usage("--api-key goes with --base-url");
  const { resolved: config } = await configOrExit({ config: flags.config, moduleDir });
  knownOrExit(flags, config);
  return configuredTarget({ config, clock: systemClock, random: Math.random, fetch });
}

function knownOrExit({ models, judgeModel }: EvalFlags, config: ResolvedConfig): void {
  const known = config.models.map((model) => model.reasoning.id);
  const asked = judgeModel === undefined ? models : [...models, judgeModel];
  const unknown = asked.find((id) => !known.includes(id));
  if (unknown === undefined) return;
  console.error(`There is no model '${unknown}'. Known models are: ${known.join(", ")}.`);
  Deno.exit(2);
}

/** The first Ctrl-C stops the run, a second one the process. */
function onInterrupt(stop: AbortController): () => void {
  const listener = () => {
    if (stop.signal.aborted) Deno.exit(STOPPED);
    stop.abort(new DOMException("The run was stopped", "AbortError"));
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, listener);
  return () => {
    for (const signal of signals) Deno.removeSignalListener(signal, listener);
  };
}

function terminal() {
  const encoder = new TextEncoder();
  const isTerminal = Deno.stderr.isTerminal();
  return {
    isTerminal,
    // Some terminals say 0.
    columns: (isTerminal ? Deno.consoleSize().columns : 0) || 80,
    write(text: string) {
      const bytes = encoder.encode(text);
      for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
    },
  };
}

function print(outcome: Outcome, { json, baseline, out }: EvalFlags): void {
  const { summaries, finished, total, isComplete } = outcome;
  console.log(json ? JSON.stringify(outcome, null, 2) : renderTable(summaries, baseline));
  if (isComplete) return;
  const goOn = out === undefined
    ? "Without --out nothing of it is kept"
    : "The same command goes on from here";
  console.error(`\nStopped after ${finished} of ${total}. ${goOn}.`);
  Deno.exitCode = STOPPED;
}

/** Files that can't be used are said in a sentence; a fault of our own keeps its trace. */
function exitOnFileError(error: unknown): never {
  const { NotFound, PermissionDenied, NotCapable, IsADirectory, NotADirectory } = Deno.errors;
  const known = [
    DatasetError,
    ResultsError,
    NotFound,
    PermissionDenied,
    NotCapable,
    IsADirectory,
    NotADirectory,
  ];
  if (!(error instanceof Error) || !known.some((kind) => error instanceof kind)) throw error;
  console.error(error.message);
  Deno.exit(1);
}
