/**
 * The server's log: text for people, JSON lines for programs. It never holds a prompt, an answer or
 * a key.
 */
import { StoreError } from "../../store/store.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export type LogFields = Record<string, string | number | boolean | undefined>;

export type Log = Record<LogLevel, (message: string, fields?: LogFields) => void>;

export interface LogOptions {
  /** The lowest level that is written. */
  level: LogLevel;
  format: "text" | "json";
  /** Writes a line, which has no line break. */
  write: (line: string, level: LogLevel) => void;
  /** Returns milliseconds since 1970. */
  now: () => number;
  /** Fields of every line, after its own. */
  fields?: LogFields;
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

export function createLog(options: LogOptions): Log {
  const { level: lowest, format, write, now, fields: common } = options;
  function line(level: LogLevel, message: string, fields: LogFields): string {
    const time = new Date(now()).toISOString();
    if (format === "json") return escaped(JSON.stringify({ time, level, message, ...fields }));
    const rest = Object.entries(fields).map(([key, value]) =>
      value === undefined ? "" : ` ${key}=${quoted(value)}`
    );
    const prefix = level === "info" ? "" : `${level}: `;
    return `${time.slice(11, 19)} ${prefix}${escaped(message)}${rest.join("")}`;
  }
  const writer = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(lowest)) return;
    write(line(level, message, { ...fields, ...common }), level);
  };
  return {
    debug: writer("debug"),
    info: writer("info"),
    warn: writer("warn"),
    error: writer("error"),
  };
}

/** Writes nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * Describes an unexpected error by its name, the code of a store's driver, and its stack. Leaves its
 * message out, which may quote what was being read.
 */
export function stackWithoutMessage(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const stack = error.stack?.replace(error.message, () => "") ?? "";
  const outage = [error, error.cause].find((thrown) => thrown instanceof StoreError);
  const name = outage === undefined ? error.name : `${error.name} ${outage.code}`;
  return [name, ...stack.split("\n").filter((line) => /^\s+at /.test(line))].join("\n");
}

/**
 * Escapes characters that would forge log lines, colour a terminal or reverse its text: controls,
 * invisible format characters and line separators.
 */
function escaped(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  return text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (char) =>
      char.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join(
        "",
      ),
  );
}

function quoted(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  return /^[\w./:@+-]+$/.test(value) ? value : escaped(JSON.stringify(value));
}
