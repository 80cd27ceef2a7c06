/**
 * The program's log, on its standard output.
 *
 * @module
 */
import type { ResolvedConfig } from "../config/resolve.ts";
import {
  createLog,
  type Log,
  type LogLevel,
  stackWithoutMessage,
} from "../server/telemetry/log.ts";
import { type Clock, serverClock } from "../clock.ts";

/** Whether lines are for people or for programs. */
export function logFormat(config: ResolvedConfig): "text" | "json" {
  const { format } = config.log;
  return format === "auto" ? (Deno.stdout.isTerminal() ? "text" : "json") : format;
}

/**
 * Creates the log that a configuration asks for.
 *
 * @param worker the number that goes with every line, where there are several workers.
 */
export function logOf(config: ResolvedConfig, worker?: number): Log {
  const log = createLog({
    level: config.log.level,
    format: logFormat(config),
    write: output.line,
    now: () => Date.now(),
  });
  if (worker === undefined) return log;
  const line = (level: keyof Log): Log[keyof Log] => (message, fields) =>
    log[level](message, { ...fields, worker });
  return { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
}

/**
 * Logs rejections that nobody awaits: one would end the program with every stream in it. What does
 * end it finds the log written.
 */
export function logRejections(log: Log): void {
  for (const end of ["unload", "error"]) globalThis.addEventListener(end, flushLog);
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("unhandled rejection", { cause: stackWithoutMessage(event.reason) });
  });
}

/** Takes lines, and writes together those that come soon after each other. */
export interface LineWriter {
  /** Takes one line without its line break; one that tells of trouble is written at once. */
  line(text: () => string, level: LogLevel): void;
  /** Writes all that waits. */
  flush(): void;
}

/**
 * How long a line waits for others, in milliseconds: each write wakes whoever reads the log, and to
 * make a line by itself takes a tenth of the time that a small request does.
 */
const GATHER_MS = 10;

/** How many lines wait at most. */
const MAX_WAITING = 100;

/** Creates a writer of lines. */
export function createLineWriter(write: (bytes: Uint8Array) => void, clock: Clock): LineWriter {
  const utf8 = new TextEncoder();
  let waiting: (() => string)[] = [];
  let cancel = () => {};
  function flush(): void {
    cancel();
    cancel = () => {};
    if (waiting.length === 0) return;
    const lines = waiting;
    waiting = [];
    write(utf8.encode(lines.map((line) => `${line()}\n`).join("")));
  }
  return {
    flush,
    line(text, level) {
      waiting.push(text);
      if (level === "warn" || level === "error" || waiting.length >= MAX_WAITING) flush();
      else if (waiting.length === 1) cancel = clock.timer(GATHER_MS, flush);
    },
  };
}

const output = createLineWriter(writeAll, serverClock);

/** Writes what waits of the log: before a thread ends, which the runtime does not tell it. */
export const flushLog: () => void = output.flush;

function writeAll(bytes: Uint8Array): void {
  try {
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
  } catch {
    // Nobody reads the log any more; the server serves on.
  }
}
