import { type Clock, serverClock } from "../clock.ts";
import type { ResolvedConfig } from "../config/resolve.ts";
import {
  createLog,
  type Log,
  type LogLevel,
  stackWithoutMessage,
} from "../server/telemetry/log.ts";

export function logFormat(config: ResolvedConfig): "text" | "json" {
  const { format } = config.log;
  return format === "auto" ? (Deno.stdout.isTerminal() ? "text" : "json") : format;
}

/** @param worker number that is added to every line, if there are several workers. */
export function createProgramLog(config: ResolvedConfig, worker?: number): Log {
  return createLog({
    level: config.log.level,
    format: logFormat(config),
    write: output.line,
    now: () => Date.now(),
    fields: worker === undefined ? {} : { worker },
  });
}

let isCrashing = false;

/**
 * Logs errors that nothing catches, such as in a timer of a strategy file; they would otherwise end
 * the process and all its streams. Those of {@linkcode crash} end it nevertheless.
 */
export function logUncaught(log: Log): void {
  globalThis.addEventListener("unload", flushLog);
  const report = (event: Event, error: unknown) => {
    event.preventDefault();
    log.error("An error was not handled", { cause: stackWithoutMessage(error) });
  };
  globalThis.addEventListener("unhandledrejection", (event) => report(event, event.reason));
  globalThis.addEventListener("error", (event) => {
    if (isCrashing) flushLog();
    else report(event, event.error);
  });
}

/** Ends this process with status 1, or this worker, so that another takes its place. */
export function crash(error: unknown): void {
  isCrashing = true;
  reportError(error);
}

/**
 * How long a line may wait, in milliseconds. A write for each line takes a tenth of the time of a
 * small request, and wakes up the reader of the log each time.
 */
const GATHER_MS = 10;

/** Number of lines that may wait. */
const MAX_WAITING = 100;

/** Collects lines for a short time and writes them together. */
export function createLineWriter(write: (bytes: Uint8Array) => void, clock: Clock) {
  const encoder = new TextEncoder();
  const waiting: string[] = [];
  let cancelTimer = () => {};
  function flush(): void {
    cancelTimer();
    if (waiting.length > 0) write(encoder.encode(`${waiting.splice(0).join("\n")}\n`));
  }
  return {
    flush,
    /** Adds a line without its line break; warnings and errors are written at once. */
    line(text: string, level: LogLevel): void {
      waiting.push(text);
      if (level === "warn" || level === "error" || waiting.length >= MAX_WAITING) flush();
      else if (waiting.length === 1) cancelTimer = clock.timer(GATHER_MS, flush);
    },
  };
}

const output = createLineWriter(writeAll, serverClock);

/** Must be called before a thread ends, because a terminated thread receives no event. */
export const flushLog: () => void = output.flush;

function writeAll(bytes: Uint8Array): void {
  try {
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
  } catch {
    // The reader of the log is gone; the server keeps serving.
  }
}
