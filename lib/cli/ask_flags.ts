/**
 * The arguments of `o1-api ask`.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { EFFORTS } from "../reasoning/effort.ts";

/** What is shown of the thinking. */
export type ThinkingView = "titles" | "full" | "none";

/** What the command was told. */
export interface AskFlags {
  /** The question; empty where none was given. */
  question: string;
  /** The model's id; default: the first. */
  model?: string | undefined;
  /** How much to think. */
  effort?: string | undefined;
  /** A strategy in place of the model's own. */
  strategy?: string | undefined;
  /** A system message. */
  system?: string | undefined;
  /** A running server's base URL; default: the configured models, without a server. */
  url?: string | undefined;
  /** The server's token. */
  key?: string | undefined;
  /** The configuration. */
  config?: string | undefined;
  /** What is shown of the thinking; default: its titles, on a terminal. */
  thinking?: ThinkingView | undefined;
  /** Whether the whole completion is printed as JSON. */
  json: boolean;
  /** Whether questions go on until the input ends. */
  chat: boolean;
}

/** Arguments that make no sense. */
export class AskFlagError extends Error {
  /** The name of the class. */
  override readonly name = "AskFlagError";
}

/** What `--help` prints. */
export const ASK_HELP = `Asks a model and prints its answer.

Usage: o1-api ask [options] QUESTION
       … | o1-api ask [options] [QUESTION]

The answer goes to standard output, the thinking to standard error. What is piped in is put
after the question. Without --url the configured models are asked, and no server is needed.

Options:
  --model ID          the model; default: the first
  --effort LEVEL      ${EFFORTS.join(", ")}
  --strategy NAME     a strategy in place of the model's own
  --system TEXT       a system message
  --chat              a conversation: one question a line, until Ctrl-D
  --thinking WHAT     titles (default on a terminal), full or none
  --json              print the whole completion as JSON
  --url URL           a running server, e.g. http://localhost:18888/v1
  --key TOKEN         its token; default: the variable O1_API_TOKEN
  --config PATH       the configuration; default: config.yaml beside the program
  --help              print this text

Exit codes: 0 answered, 1 failed, 2 bad arguments, 130 stopped by Ctrl-C.`;

const TEXTS = [
  "model",
  "effort",
  "strategy",
  "system",
  "url",
  "key",
  "config",
  "thinking",
] as const;

/**
 * Reads the arguments; undefined where help is asked for.
 *
 * @throws {AskFlagError} for arguments that make no sense.
 */
export function parseAskFlags(args: readonly string[]): AskFlags | undefined {
  const unknown: string[] = [];
  const flags = parseArgs(args, {
    string: [...TEXTS],
    boolean: ["json", "chat", "help"],
    alias: { h: "help", m: "model" },
    unknown(arg, key) {
      if (key !== undefined) unknown.push(arg);
      return true;
    },
  });
  if (flags.help) return undefined;
  if (unknown.length > 0) throw new AskFlagError(`Unknown option ${unknown[0]}`);
  for (const name of TEXTS) {
    if (flags[name] === "") throw new AskFlagError(`--${name} needs a value`);
    if (Array.isArray(flags[name])) throw new AskFlagError(`--${name} is given more than once`);
  }
  const text = (name: typeof TEXTS[number]) => flags[name] as string | undefined;
  const thinking = text("thinking");
  if (thinking !== undefined && !["titles", "full", "none"].includes(thinking)) {
    throw new AskFlagError(`--thinking is titles, full or none, not '${thinking}'`);
  }
  const effort = text("effort");
  if (effort !== undefined && !EFFORTS.some((known) => known === effort)) {
    throw new AskFlagError(`--effort is one of ${EFFORTS.join(", ")}, not '${effort}'`);
  }
  const url = text("url");
  if (url !== undefined && !/^https?:\/\//.test(url)) {
    throw new AskFlagError(`--url begins with http:// or https://, not '${url}'`);
  }
  if (flags.json && flags.chat) throw new AskFlagError("--json can't be used with --chat");
  return {
    question: flags._.map(String).join(" "),
    model: text("model"),
    effort,
    strategy: text("strategy"),
    system: text("system"),
    url,
    key: text("key"),
    config: text("config"),
    thinking: thinking as ThinkingView | undefined,
    json: flags.json === true,
    chat: flags.chat === true,
  };
}
