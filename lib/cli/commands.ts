/**
 * The table of commands and flags. Parsing and `--help` are derived from it.
 *
 * @module
 */
import { EFFORTS } from "../reasoning/effort.ts";
import { strategies } from "../reasoning/strategies/mod.ts";
import type { EvalFlagName } from "../eval/flags.ts";
import { SCORINGS } from "../eval/score.ts";

/** One flag. */
export interface Flag {
  /** What its value is called; none: a switch. */
  value?: string;
  /** Its one-letter name. */
  short?: string;
  /** What it does. */
  about: string;
  /** All values that there are. */
  values?: readonly string[];
}

/** One command. */
export interface Command {
  /** What it does, in a few words. */
  summary: string;
  /** Its forms, without the program's name where they begin with it. */
  usage: readonly string[];
  /** What else there is to know. */
  text?: string;
  /** What there is to know of its output. */
  notes?: string;
  /** Its flags by name, `--help` left out. */
  flags: Readonly<Record<string, Flag>>;
  /** The words that may follow, where there are only so many. */
  words?: readonly string[];
  /** Variables of the environment. */
  env?: Readonly<Record<string, string>>;
  /** Command lines to learn from. */
  examples: readonly string[];
  /** What the codes it ends with mean. */
  exits: Readonly<Record<number, string>>;
}

const CONFIG: Flag = {
  value: "PATH",
  about: "the configuration; default: config.yaml beside the program",
};

const SERVE_FLAGS = {
  config: CONFIG,
  host: { value: "HOST", about: "address to listen on" },
  port: { value: "PORT", about: "port to listen on; 0: any free one" },
} as const satisfies Record<string, Flag>;

const SERVE_ENV = {
  HOST: "address to listen on, where --host is not given",
  PORT: "port to listen on, where --port is not given",
  O1_API_TOKEN: "the bearer token, in place of the configuration's",
};

const SERVE_EXITS = {
  0: "ended in order",
  1: "the configuration, the port or the store can't be used",
  2: "wrong arguments",
};

const EVAL_FLAGS: Record<EvalFlagName, Flag> = {
  models: {
    value: "IDS",
    about: "published ids, separated by commas; the first is the baseline",
  },
  baseline: { value: "ID", about: "compare with this model instead" },
  dataset: {
    value: "FILE",
    about: "problems, one JSON object a line: GSM8K, MATH-500 and AIME as published, or " +
      '{"id", "question", "answer", "options"?}; default: 40 of our own',
  },
  limit: {
    value: "N",
    about: "only N problems: the first ones, or N drawn at random where --seed is given",
  },
  trials: { value: "N", about: "how often each problem is asked; default 1" },
  concurrency: { value: "N", about: "questions open at a time; default 8" },
  out: {
    value: "FILE",
    about: "a line for each finished question; the same command goes on where it stopped",
  },
  "retry-errors": { about: "ask again what ended with an error in --out" },
  report: { value: "FILE", about: "an HTML page with the table and plots" },
  json: { about: "print JSON in place of the table" },
  seed: { value: "N", about: "seed of --limit and of the bootstrap; default 1" },
  timeout: { value: "SECONDS", about: "longest time for one answer; default 3600" },
  scoring: {
    value: "KIND",
    about: "extract: the short final answer in the text, compared by value (default); " +
      "exact: the whole text; judge: a model says whether the answers agree",
    values: SCORINGS,
  },
  "judge-model": { value: "ID", about: "the judge; needed for --scoring judge" },
  "base-url": {
    value: "URL",
    about: "ask this OpenAI-compatible API, not the models of config.yaml",
  },
  "api-key": { value: "KEY", about: "its key; default: the variable O1_EVAL_API_KEY" },
  config: CONFIG,
};

/** Every command by its name; the program's own entry is `""`. */
export const COMMANDS = {
  "": {
    summary: "reasoning over any chat model, behind the OpenAI API",
    usage: ["[command] [options]"],
    text: "Without a command the server runs. `o1-api COMMAND --help` tells all of a command.",
    flags: { ...SERVE_FLAGS, version: { short: "V", about: "print the version" } },
    env: SERVE_ENV,
    examples: ["", 'ask "What is 17 × 23 − 5?"', "--config /etc/o1-api.yaml --port 8080"],
    exits: SERVE_EXITS,
  },
  serve: {
    summary: "run the server (default)",
    usage: ["serve [options]"],
    text: "Ctrl-C or SIGTERM lets open answers end; a second one does not wait. A changed " +
      "configuration is taken over while it runs, at SIGHUP too.",
    flags: SERVE_FLAGS,
    env: SERVE_ENV,
    examples: ["serve", "serve --config /etc/o1-api.yaml --host 0.0.0.0 --port 8080"],
    exits: SERVE_EXITS,
  },
  ask: {
    summary: "ask a model and print its answer",
    usage: ["ask [options] QUESTION", "… | o1-api ask [options] [QUESTION]"],
    text: "The answer goes to standard output, the thinking to standard error. What is piped in " +
      "is put after the question. Without --url the configured models are asked, and no server " +
      "is needed. A question that begins with - stands after --.",
    flags: {
      model: { value: "ID", short: "m", about: "the model; default: the first" },
      effort: { value: "LEVEL", about: EFFORTS.join(", "), values: EFFORTS },
      strategy: {
        value: "NAME",
        about: "a strategy in place of the model's own: " + Object.keys(strategies).join(", "),
        values: Object.keys(strategies),
      },
      system: { value: "TEXT", about: "a system message" },
      chat: {
        about: "a conversation: one question a line, until Ctrl-D; Ctrl-C stops an answer, and " +
          "at the prompt the conversation",
      },
      thinking: {
        value: "WHAT",
        about: "titles (default on a terminal), full or none",
        values: ["titles", "full", "none"],
      },
      json: { about: "print the whole completion as JSON" },
      url: { value: "URL", about: "a running server, e.g. http://localhost:18888/v1" },
      key: { value: "TOKEN", about: "its token; default: the variable O1_API_TOKEN" },
      config: CONFIG,
    },
    env: {
      O1_API_TOKEN: "the token for --url, where --key is not given",
      NO_COLOR: "no dimmed text, where it is set",
      TERM: "dumb: no dimmed text, and no line is rewritten",
    },
    examples: [
      'ask "Is 1009 prime?"',
      'ask --effort high "Summarise:" < notes.txt',
      "ask --chat --url http://localhost:18888/v1",
      'ask --json "Is 1009 prime?" | jq .usage',
    ],
    exits: {
      0: "answered",
      1: "no whole answer came",
      2: "wrong arguments",
      130: "stopped by Ctrl-C",
      141: "nobody reads the output any more",
    },
  },
  check: {
    summary: "check the configuration and exit",
    usage: ["check [--config PATH]"],
    flags: { config: CONFIG },
    env: { O1_API_TOKEN: SERVE_ENV.O1_API_TOKEN },
    examples: ["check --config /etc/o1-api.yaml"],
    exits: { 0: "no faults", 1: "faults, each with its place", 2: "wrong arguments" },
  },
  keys: {
    summary: "make keys for clients",
    usage: ["keys new NAME"],
    flags: {},
    words: ["new"],
    examples: ["keys new alice"],
    exits: { 0: "done", 2: "wrong arguments" },
  },
  "keys new": {
    summary: "make a key for a client, and its entry for the configuration",
    usage: ["keys new NAME"],
    text: "Prints a new key for the client NAME, once, and the entry that config.yaml has to " +
      "hold for it. The entry holds the key's hash alone: who reads the file can't use it. Two " +
      "keys of one name may be in use at a time, so that a new one can replace the old.",
    flags: {},
    examples: ["keys new alice"],
    exits: { 0: "done", 2: "wrong arguments" },
  },
  eval: {
    summary: "compare models on a set of problems",
    usage: ["eval --models ID,ID,… [options]"],
    notes: "The table. Accuracy is correct of all asked (the standard): an error counts as not " +
      'right, and is listed apart from wrong answers; "of answered" leaves errors out. Its ' +
      "interval is Wilson's (1927) at 95 %; with several trials it counts problems rather than " +
      "tries, in as far as tries at one problem resemble each other. The difference is taken " +
      "problem by problem, its 95 % interval by the paired percentile bootstrap over problems " +
      "(Efron and Tibshirani 1993; 10,000 samples); where all problems differ alike it allows " +
      "for those of another kind that may have gone unseen. Times are of answered questions, in " +
      "this process or at --base-url, waits for a retry there left out.",
    flags: EVAL_FLAGS,
    env: { O1_EVAL_API_KEY: "the key for --base-url, where --api-key is not given" },
    examples: [
      "eval --models demo,o1",
      "eval --models small,small-vote --dataset gsm8k.jsonl --limit 200 --out run.jsonl",
      "eval --models gpt-4o --base-url https://api.openai.com/v1 --report page.html",
    ],
    exits: {
      0: "compared",
      1: "files or an API that can't be used, or no question was answered",
      2: "wrong arguments",
      130: "stopped; with --out the same command goes on",
    },
  },
} as const satisfies Record<string, Command>;

/** The name of a command; the program's own is `""`. */
export type CommandName = keyof typeof COMMANDS;

/** The commands that can stand first. */
export const FIRST_WORDS: readonly CommandName[] = (Object.keys(COMMANDS) as CommandName[])
  .filter((name) => name !== "" && !name.includes(" "));

/** All flags of a command, `--help` with them. */
export function flagsOf(name: CommandName): Record<string, Flag> {
  return { ...COMMANDS[name].flags, help: { short: "h", about: "print this text" } };
}
