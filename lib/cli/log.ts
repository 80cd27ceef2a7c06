/**
 * The program's log, on its standard output.
 *
 * @module
 */
import type { ResolvedConfig } from "../config/resolve.ts";
import { causeOf, createLog, type Log } from "../server/log.ts";

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
    write: writeLine,
    now: () => Date.now(),
  });
  if (worker === undefined) return log;
  const line = (level: keyof Log): Log[keyof Log] => (message, fields) =>
    log[level](message, { ...fields, worker });
  return { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
}

/** Logs rejections that nobody awaits: one would end the program with every stream in it. */
export function logRejections(log: Log): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("unhandled rejection", { cause: causeOf(event.reason) });
  });
}

const utf8 = new TextEncoder();

/** `console.log` would look for formats in the line first. */
function writeLine(line: string): void {
  try {
    const bytes = utf8.encode(`${line}\n`);
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
  } catch {
    // Nobody reads the log any more; the server serves on.
  }
}
