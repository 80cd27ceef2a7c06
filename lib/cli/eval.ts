/**
 * `o1-api eval`: asks models the same problems and compares them.
 *
 * @module
 */
import type { ResolvedConfig } from "../config/resolve.ts";
import { DatasetError } from "../eval/dataset.ts";
import { FileError } from "../eval/file_error.ts";
import { type EvalFlags, FlagError, parseEvalFlags } from "../eval/flags.ts";
import { listModels, ProbeError } from "../eval/probe.ts";
import { ResultsError } from "../eval/results.ts";
import { type Outcome, runSession } from "../eval/session.ts";
import { renderTable } from "../eval/report/table.ts";
import { configuredTarget, remoteTarget, type Target } from "../eval/target.ts";
import { systemClock } from "../clock.ts";
import { configOrExit } from "./configuration.ts";
import { UsageError } from "./flags.ts";

/** A comparison that was stopped: 128 and the number of SIGINT, as shells have it. */
const STOPPED = 130;

/** A second Ctrl-C sooner than this is the first one, forwarded by `deno task` or npx. */
const FORWARDED_MS = 1_000;

/**
 * Runs the command. Ends the process with 1 for files that can't be used, an API that can't be
 * asked, and where no question was answered. A run that was stopped ends with 130.
 *
 * @param args what follows the command.
 * @param moduleDir the folder of the program's own files.
 * @returns "help" where help is asked for.
 * @throws {UsageError} for wrong arguments.
 */
export async function compareModels(
  args: readonly string[],
  moduleDir: string | undefined,
): Promise<"help" | void> {
  const flags = readFlags(args);
  if (flags === undefined) return "help";
  await permissionOrExit(flags);
  const target = await targetOf(flags, moduleDir);
  const stop = new AbortController();
  const release = onInterrupt(stop);
  try {
    if (flags.baseUrl !== undefined) await lookAt(target, flags, stop.signal);
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
    exitOnKnownError(error, stop.signal);
  } finally {
    release();
  }
}

function readFlags(args: readonly string[]): EvalFlags | undefined {
  try {
    return parseEvalFlags(args);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    throw new UsageError("eval", error.message);
  }
}

/** A run can take hours: whether its results can be written is asked before it begins. */
async function permissionOrExit({ out, report }: EvalFlags): Promise<void> {
  for (const [flag, path] of [["--out", out], ["--report", report]] as const) {
    if (path === undefined) continue;
    const { state } = await Deno.permissions.query({ name: "write", path });
    if (state === "granted") continue;
    const way = Deno.build.standalone
      ? "Compile the program with --allow-write, as `deno task compile` does."
      : `Run \`deno task eval\`, or give Deno --allow-write=${path}.`;
    console.error(`${flag} ${path}: this process has no permission to write there. ${way}`);
    Deno.exit(1);
  }
}

async function targetOf(flags: EvalFlags, moduleDir: string | undefined): Promise<Target> {
  if (flags.baseUrl !== undefined) {
    return remoteTarget(flags.baseUrl, flags.apiKey ?? Deno.env.get("O1_EVAL_API_KEY"));
  }
  const { resolved: config } = await configOrExit({ config: flags.config, moduleDir });
  knownOrExit(flags, config);
  return configuredTarget({ config, clock: systemClock, random: Math.random, fetch });
}

function knownOrExit({ models, judgeModel }: EvalFlags, config: ResolvedConfig): void {
  const known = config.models.map((model) => model.reasoning.id);
  const asked = judgeModel === undefined ? models : [...models, judgeModel];
  const unknown = asked.filter((id) => !known.includes(id));
  if (unknown.length === 0) return;
  const names = unknown.map((id) => `'${id}'`).join(", ");
  console.error(`There is no model ${names}. Known models are: ${known.join(", ")}.`);
  Deno.exit(2);
}

/** An API may take ids that it does not list, such as aliases: they are only pointed out. */
async function lookAt(target: Target, flags: EvalFlags, signal: AbortSignal): Promise<void> {
  const listed = await listModels(target, { clock: systemClock, signal });
  if (listed === undefined) return;
  const asked = [...flags.models, ...flags.judgeModel === undefined ? [] : [flags.judgeModel]];
  const unlisted = asked.filter((id) => !listed.includes(id));
  if (unlisted.length === 0) return;
  const names = unlisted.map((id) => `'${id}'`).join(", ");
  const known = listed.slice(0, 20).join(", ") + (listed.length > 20 ? ", …" : "");
  console.error(`${target.baseUrl} does not list ${names}; it lists: ${known}`);
}

/** The first Ctrl-C stops the run, a second one the process. */
function onInterrupt(stop: AbortController): () => void {
  let stopped = 0;
  const listener = () => {
    const now = systemClock.now();
    if (stop.signal.aborted) {
      if (now - stopped > FORWARDED_MS) Deno.exit(STOPPED);
      return;
    }
    stopped = now;
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
  const columns = Deno.stdout.isTerminal() ? Deno.consoleSize().columns || 80 : Infinity;
  console.log(json ? JSON.stringify(outcome, null, 2) : renderTable(summaries, baseline, columns));
  const errors = summaries.reduce((sum, each) => sum + each.errors, 0);
  if (errors > 0 && out !== undefined) {
    console.error(`\nErrors stay in ${out}; the same command with --retry-errors asks them again.`);
  }
  if (errors > 0 && errors === finished) Deno.exitCode = 1;
  if (isComplete) return;
  const goOn = out === undefined
    ? "Without --out nothing of it is kept"
    : "The same command goes on from here";
  console.error(`\nStopped after ${finished} of ${total}. ${goOn}.`);
  Deno.exitCode = STOPPED;
}

/** What can't be used is said in a sentence; a fault of our own keeps its trace. */
function exitOnKnownError(error: unknown, { aborted, reason }: AbortSignal): never {
  if (aborted && error === reason) Deno.exit(STOPPED);
  const known = [DatasetError, ResultsError, FileError, ProbeError];
  if (!(error instanceof Error) || !known.some((kind) => error instanceof kind)) throw error;
  console.error(error.message);
  Deno.exit(1);
}
