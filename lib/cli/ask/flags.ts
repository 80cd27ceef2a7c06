/**
 * The arguments of `o1-api ask`.
 *
 * @module
 */
import { EFFORTS } from "../../reasoning/effort.ts";
import { COMMANDS } from "../commands.ts";
import { parseFlags, UsageError } from "../flags.ts";

const THINKING_VIEWS = COMMANDS.ask.flags.thinking.values;

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

/**
 * Reads the arguments; undefined where help is asked for.
 *
 * @throws {UsageError} for arguments that make no sense.
 */
export function parseAskFlags(args: readonly string[]): AskFlags | undefined {
  const { words, text, has } = parseFlags("ask", args);
  if (has("help")) return undefined;
  const thinking = text("thinking");
  if (thinking !== undefined && !isOneOf(thinking, THINKING_VIEWS)) {
    throw wrong(`--thinking is titles, full or none, not '${thinking}'`);
  }
  const effort = text("effort");
  if (effort !== undefined && !isOneOf(effort, EFFORTS)) {
    throw wrong(`--effort is one of ${EFFORTS.join(", ")}, not '${effort}'`);
  }
  const url = text("url");
  if (url !== undefined && !(/^https?:\/\//.test(url) && URL.canParse(url))) {
    throw wrong(`--url begins with http:// or https://, not '${url}'`);
  }
  if (url !== undefined && text("config") !== undefined) {
    throw wrong("--config and --url exclude each other");
  }
  if (url === undefined && text("key") !== undefined) throw wrong("--key goes with --url");
  if (has("json") && has("chat")) throw wrong("--json can't be used with --chat");
  return {
    question: words.join(" "),
    model: text("model"),
    effort,
    strategy: text("strategy"),
    system: text("system"),
    url,
    key: text("key"),
    config: text("config"),
    thinking,
    json: has("json"),
    chat: has("chat"),
  };
}

function isOneOf<Value extends string>(text: string, values: readonly Value[]): text is Value {
  return (values as readonly string[]).includes(text);
}

function wrong(problem: string): UsageError {
  return new UsageError("ask", problem);
}
