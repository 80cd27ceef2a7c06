/** `o1-api eval`: asks models the same problems and compares them. */
import { systemClock } from "../clock.ts";
import { type EvalFlags, readEvalFlags } from "../eval/flags.ts";
import { InputError } from "../eval/input_error.ts";
import { listModels } from "../eval/probe.ts";
import { renderTable } from "../eval/report/table.ts";
import { type Outcome, runSession } from "../eval/session.ts";
import { configuredTarget, remoteTarget, type Target } from "../eval/target.ts";
import { configOrExit, orExit, readVariable } from "./configuration.ts";
import { parseFlags, UsageError } from "./flags.ts";
import { columns, print } from "./terminal.ts";

/** Exit code of a stopped run: 128 plus the number of SIGINT, as in shells. */
const STOPPED = 130;

/** A second Ctrl-C within this time is the first one, forwarded by `deno task` or npx. */
const FORWARDED_MS = 1_000;

/**
 * Runs the command. Exits with 1 if a file or the API is unusable or no question was answered, and
 * with 130 if the run was stopped.
 *
 * @throws {UsageError} for invalid arguments.
 */
export async function compareModels(
  args: readonly string[],
  moduleDir: string | undefined,
): Promise<void> {
  const flags = parseEvalFlags(args);
  await requirePermissions(flags);
  const target = flags.baseUrl === undefined
    ? await configuredModels(flags, moduleDir)
    : remoteTarget(flags.baseUrl, flags.apiKey ?? readVariable("O1_EVAL_API_KEY"));
  const stop = new AbortController();
  stopOnSignal(stop);
  const isTerminal = Deno.stderr.isTerminal();
  const run = async () => {
    if (flags.baseUrl !== undefined) await warnAboutUnlisted(target, flags, stop.signal);
    const outcome = await runSession({
      flags,
      target,
      clock: systemClock,
      random: Math.random,
      signal: stop.signal,
      terminal: {
        isTerminal,
        columns: isTerminal ? columns() : 80,
        write: (text) => print(Deno.stderr, text),
      },
      approve: (estimate) => {
        console.error(estimate);
        const isInteractive = [Deno.stdin, Deno.stdout].every((stream) => stream.isTerminal());
        return !isInteractive || confirm("Start?");
      },
    });
    report(outcome, flags);
  };
  try {
    await orExit(run, InputError);
  } catch (error) {
    if (stop.signal.aborted && error === stop.signal.reason) Deno.exit(STOPPED);
    throw error;
  } finally {
    await target.close?.();
  }
}

/** @throws {UsageError} with all faults. */
export function parseEvalFlags(args: readonly string[]): EvalFlags {
  const faults: string[] = [];
  const flags = readEvalFlags(parseFlags("eval", args, faults).flags, faults);
  if (faults.length > 0) throw new UsageError("eval", faults.join("\n"));
  return flags;
}

/** A run can take hours, so the permission to write its results is checked before it starts. */
async function requirePermissions({ out, report }: EvalFlags): Promise<void> {
  for (const [flag, path] of [["--out", out], ["--report", report]] as const) {
    if (path === undefined) continue;
    const { state } = await Deno.permissions.query({ name: "write", path });
    if (state === "granted") continue;
    const remedy = Deno.build.standalone
      ? "Compile the program with --allow-write, as `deno task compile` does."
      : `Run \`deno task eval\`, or start Deno with --allow-write=${path}.`;
    console.error(`${flag} ${path}: this process has no permission to write there. ${remedy}`);
    Deno.exit(1);
  }
}

async function configuredModels(
  { models, judgeModel, config: path }: EvalFlags,
  moduleDir: string | undefined,
): Promise<Target> {
  const { resolved: config } = await configOrExit({ config: path, moduleDir });
  const configured = config.models.map((model) => model.reasoning.id);
  const unknown = missingFrom(configured, models, judgeModel);
  if (unknown !== "") {
    console.error(`There is no model ${unknown}. Known models are: ${configured.join(", ")}.`);
    Deno.exit(2);
  }
  return configuredTarget({ config, clock: systemClock, random: Math.random, fetch });
}

/** An API may accept ids that it does not list, such as aliases, so this is no error. */
async function warnAboutUnlisted(
  target: Target,
  { models, judgeModel }: EvalFlags,
  signal: AbortSignal,
): Promise<void> {
  const listed = await listModels(target, { clock: systemClock, signal });
  const unlisted = missingFrom(listed ?? [], models, judgeModel);
  if (listed === undefined || unlisted === "") return;
  const shown = listed.slice(0, 20).join(", ") + (listed.length > 20 ? ", …" : "");
  console.error(`${target.baseUrl} does not list ${unlisted}; it lists: ${shown}`);
}

function missingFrom(
  ids: readonly string[],
  models: readonly string[],
  judgeModel: string | undefined,
): string {
  const used = judgeModel === undefined ? models : [...models, judgeModel];
  return used.filter((id) => !ids.includes(id)).map((id) => `'${id}'`).join(", ");
}

/** The first Ctrl-C stops the run, the second one the process. */
function stopOnSignal(stop: AbortController): void {
  let stoppedAt = 0;
  const listener = () => {
    const now = systemClock.now();
    if (!stop.signal.aborted) {
      stoppedAt = now;
      stop.abort(new DOMException("The run was stopped", "AbortError"));
    } else if (now - stoppedAt > FORWARDED_MS) Deno.exit(STOPPED);
  };
  Deno.addSignalListener("SIGINT", listener);
  Deno.addSignalListener("SIGTERM", listener);
}

function report(outcome: Outcome, { json, baseline, out }: EvalFlags): void {
  const { summaries, finished, total, isComplete, next } = outcome;
  const width = Deno.stdout.isTerminal() ? columns() : Infinity;
  console.log(json ? JSON.stringify(outcome, null, 2) : renderTable(summaries, baseline, width));
  const errors = summaries.reduce((sum, summary) => sum + summary.errors, 0);
  if (errors > 0 && out !== undefined) {
    console.error(`\n${out} contains errors. Add --retry-errors to ask those questions again.`);
  }
  if (!json && finished > 0) console.error(`\n${next.join("\n\n")}`);
  if (errors > 0 && errors === finished) Deno.exitCode = 1;
  if (isComplete) return;
  const outlook = out === undefined
    ? "Nothing was saved, because --out is not given"
    : "The same command resumes here";
  console.error(`\nStopped after ${finished} of ${total}. ${outlook}.`);
  Deno.exitCode = STOPPED;
}
