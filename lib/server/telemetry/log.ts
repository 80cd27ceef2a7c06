/**
 * What the server says of itself: text for people, JSON lines for programs. Never a prompt, an
 * answer or a key.
 *
 * @module
 */

/** How much is said. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Values that go with a line. */
export type LogFields = Record<string, string | number | boolean | undefined>;

/** Writes lines. */
export type Log = Record<LogLevel, (message: string, fields?: LogFields) => void>;

/** How lines are written. */
export interface LogOptions {
  /** The least level that is written. */
  level: LogLevel;
  /** Text or JSON lines. */
  format: "text" | "json";
  /** Takes one line without its line break, which is made when it is asked for. */
  write: (line: () => string, level: LogLevel) => void;
  /** Milliseconds since 1970. */
  now: () => number;
}

const ORDER: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/**
 * Line breaks and control characters must not look like lines of the log, colour a terminal or turn
 * its text around.
 */
function plain(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  return text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (char) =>
      char.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join(
        "",
      ),
  );
}

function shown(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  return /^[\w./:@+-]+$/.test(value) ? value : plain(JSON.stringify(value));
}

/**
 * Where an error was thrown that nobody foresaw. Its message is left out: it may quote what was
 * being read.
 */
export function stackWithoutMessage(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const frames =
    error.stack?.replace(error.message, () => "").split("\n").filter((line) =>
      /^\s+at /.test(line)
    ) ?? [];
  return [error.name, ...frames].join("\n");
}

/** Writes times as ISO 8601 does. All but the milliseconds is made once a second. */
function createTimeWriter(): (date: number) => string {
  let second: number | undefined;
  let start = "";
  return (date) => {
    const ms = Math.trunc(date);
    if (second !== Math.floor(ms / 1000)) {
      second = Math.floor(ms / 1000);
      start = new Date(ms).toISOString().slice(0, -4);
    }
    return `${start}${String(ms - second * 1000).padStart(3, "0")}Z`;
  };
}

/** Creates a log. What is logged must not be changed afterwards. */
export function createLog({ level: least, format, write, now }: LogOptions): Log {
  const timeOf = createTimeWriter();
  function made(date: number, level: LogLevel, message: string, fields: LogFields): string {
    const time = timeOf(date);
    if (format === "json") return plain(JSON.stringify({ time, level, message, ...fields }));
    const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
    const rest = entries.map(([key, value]) => ` ${key}=${shown(value!)}`).join("");
    const mark = level === "info" ? "" : `${level}: `;
    return `${time.slice(11, 19)} ${mark}${plain(message)}${rest}`;
  }
  function line(level: LogLevel) {
    const on = ORDER.indexOf(level) >= ORDER.indexOf(least);
    return (message: string, fields: LogFields = {}) => {
      if (!on) return;
      const date = now();
      write(() => made(date, level, message, fields), level);
    };
  }
  return { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
}
