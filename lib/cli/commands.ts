/** The table of commands and flags, from which arguments are parsed and `--help` is printed. */
import { EFFORTS } from "../reasoning/effort.ts";
import { PROVIDERS } from "./init/providers.ts";
import { strategies } from "../reasoning/strategies/mod.ts";

export interface Flag {
  /** Placeholder of the value. A flag without one is a switch. */
  value?: string;
  /** One letter. */
  short?: string;
  about: string;
  /** Accepted values, if they are limited. */
  values?: readonly string[];
}

export interface Command {
  summary: string;
  usage: readonly string[];
  /** Printed below the usage. */
  text?: string;
  /** Printed at the end. */
  notes?: string;
  /** Maximum number of arguments that are not flags. Default: 0. */
  words?: number;
  /** All flags but `--help`. */
  flags: Readonly<Record<string, Flag>>;
  /** Environment variables. */
  env?: Readonly<Record<string, string>>;
  /** Command lines without the program's name. */
  examples: readonly string[];
  /** Meaning of each exit code but 2, which all commands share. */
  exits: Readonly<Record<number, string>>;
}

const CONFIG = {
  value: "PATH",
  about: "configuration file; default: config.yaml in $O1_API_HOME or beside the program",
} as const satisfies Flag;

const SERVE_FLAGS = {
  config: CONFIG,
  host: { value: "HOST", about: "address to listen on" },
  port: { value: "PORT", about: "port to listen on; 0: any free port" },
} as const satisfies Record<string, Flag>;

const SERVE_ENV = {
  HOST: "address to listen on, if --host is not given",
  PORT: "port to listen on, if --port is not given",
  O1_API_HOME: "folder of config.yaml and o1-api.db; default: beside the program",
  O1_API_TOKEN: "bearer token; overrides the configuration",
};

const SERVE_EXITS = {
  0: "the server was stopped",
  1: "the configuration, the port or the store is unusable",
};

const EVAL_FLAGS = {
  models: { value: "IDS", about: "model ids, separated by commas; the first is the baseline" },
  baseline: { value: "ID", about: "another model of --models as the baseline" },
  dataset: {
    value: "FILE",
    about: "problems, one JSON object per line: GSM8K, MATH-500, GPQA and AIME as published, or " +
      '{"id"?, "question", "answer", "options"?}; default: 40 built-in problems',
  },
  limit: {
    value: "N",
    about: "use only N problems: the first ones, or a random sample if --seed is given",
  },
  trials: { value: "N", about: "how often each problem is asked; default 1" },
  concurrency: { value: "N", about: "questions in flight at once; default 8" },
  out: {
    value: "FILE",
    about: "append each result to this file; the same command resumes where it stopped",
  },
  "retry-errors": { about: "ask again what ended with an error in --out" },
  report: { value: "FILE", about: "write an HTML page with the table and plots" },
  json: { about: "print JSON with all raw answers instead of the table" },
  seed: { value: "N", about: "random seed for --limit and the bootstrap; default 1" },
  timeout: { value: "SECONDS", about: "time limit for one answer; default 3600" },
  scoring: {
    value: "KIND",
    about: "extract: compare the short final answer in the text by value (default); " +
      "exact: compare the whole text; judge: a model decides whether the answers agree",
  },
  "judge-model": { value: "ID", about: "the judge; required for --scoring judge" },
  url: {
    value: "URL",
    about: "ask this OpenAI-compatible API instead of the models in config.yaml",
  },
  key: { value: "TOKEN", about: "token for --url; default: $O1_EVAL_API_KEY" },
  config: CONFIG,
} as const satisfies Record<string, Flag>;

/** Commands by name; `""` is the program without a command. */
export const COMMANDS = {
  "": {
    summary: "reasoning over any chat model, behind the OpenAI API",
    usage: ["[command] [options]"],
    words: 1,
    text: "Without a command, runs the server. See `o1-api COMMAND --help` for each command.",
    flags: { ...SERVE_FLAGS, version: { short: "V", about: "print the version" } },
    env: SERVE_ENV,
    examples: ["", 'ask "What is 17 × 23 − 5?"', "--config /etc/o1-api.yaml --port 8080"],
    exits: SERVE_EXITS,
  },
  serve: {
    summary: "run the server (default)",
    usage: ["serve [options]"],
    text: "Ctrl-C or SIGTERM lets running answers finish; a second Ctrl-C exits at once. The " +
      "configuration is reloaded when it changes and on SIGHUP.",
    flags: SERVE_FLAGS,
    env: SERVE_ENV,
    examples: ["serve", "serve --config /etc/o1-api.yaml --host 0.0.0.0 --port 8080"],
    exits: SERVE_EXITS,
  },
  ask: {
    summary: "ask a model and print its answer",
    usage: ["ask [options] QUESTION", "… | o1-api ask [options] [QUESTION]"],
    words: Infinity,
    text: "Prints the answer to standard output and the thinking to standard error. Piped input " +
      "is appended to the question. Without --url, the configured models answer and no server " +
      "is needed. Put -- before a question that begins with -.",
    flags: {
      model: { value: "ID", short: "m", about: "model id; default: the first model" },
      effort: { value: "LEVEL", about: EFFORTS.join(", "), values: EFFORTS },
      strategy: {
        value: "NAME",
        about: "strategy that replaces the model's own: " + Object.keys(strategies).join(", ") +
          ", or one of `strategies` in the configuration",
      },
      system: { value: "TEXT", about: "system message" },
      thinking: {
        value: "WHAT",
        about: "titles (default on a terminal), full, or none (default elsewhere)",
        values: ["titles", "full", "none"],
      },
      json: { about: "print the whole completion as JSON" },
      url: { value: "URL", about: "ask a running server, e.g. http://localhost:18888/v1" },
      key: { value: "TOKEN", about: "token for --url; default: $O1_API_TOKEN" },
      config: CONFIG,
    },
    env: {
      O1_API_TOKEN: "token for --url, if --key is not given",
      NO_COLOR: "if set, thinking is not dimmed",
      TERM: "if `dumb`, thinking is not dimmed and no line is rewritten",
    },
    examples: [
      'ask "Is 1009 prime?"',
      'ask --effort high "Summarise:" < notes.txt',
      'ask --url http://localhost:18888/v1 "Is 1009 prime?"',
      'ask --json "Is 1009 prime?" | jq .usage',
    ],
    exits: {
      0: "answered",
      1: "no complete answer",
      130: "stopped by Ctrl-C",
      141: "the reader of the output has closed it",
    },
  },
  init: {
    summary: "write a config.yaml for your provider",
    usage: ["init", "o1-api init --provider NAME [options]"],
    text: "On a terminal, asks for the provider, the model and the key. With --provider, asks " +
      "nothing, and the key is read from an environment variable when the server starts. An " +
      "existing file is never changed.",
    flags: {
      provider: {
        value: "NAME",
        about: PROVIDERS.map(({ name }) => name).join(", "),
        values: PROVIDERS.map(({ name }) => name),
      },
      url: { value: "URL", about: "base URL, if it is not the usual one of the provider" },
      model: { value: "NAME", about: "model at the provider" },
      config: { ...CONFIG, about: "file to write; default: where the server looks for it" },
    },
    env: { O1_API_HOME: "folder of config.yaml, if --config is not given" },
    examples: ["init", "init --provider ollama --model qwen3:8b", "init --provider openai"],
    exits: { 0: "written", 1: "the file exists or can't be written" },
  },
  check: {
    summary: "check the configuration and exit",
    usage: ["check [--online] [--config PATH]"],
    text:
      "With --online, asks every upstream for its models and each model for one token, plainly " +
      "with each key, as JSON and with a tool. This may cost a few tokens.",
    flags: {
      online: { about: "also ask the upstreams what they support" },
      config: CONFIG,
    },
    env: { O1_API_HOME: SERVE_ENV.O1_API_HOME, O1_API_TOKEN: SERVE_ENV.O1_API_TOKEN },
    examples: ["check --config /etc/o1-api.yaml", "check --online"],
    exits: { 0: "no faults", 1: "faults, each with its line, or an upstream that failed" },
  },
  keys: {
    summary: "create a client key: keys new NAME",
    usage: ["keys new NAME"],
    words: 2,
    text: "Prints a new key for the client NAME, once, and the entry to add to config.yaml. The " +
      "entry contains only the key's hash, so that nobody who reads the file can use it. A name " +
      "may have several keys at once, so that a new key can replace an old one.",
    flags: {},
    examples: ["keys new alice"],
    exits: { 0: "created" },
  },
  usage: {
    summary: "print what each key of a running server has used",
    usage: ["usage [options]"],
    text:
      "Asks the server of the configuration, or that of --url. Its api_bearer_token shows all " +
      "keys and their budgets, a key only its own. Days are in UTC.",
    flags: {
      days: { value: "N", about: "number of days, up to today; default 30, at most 366" },
      json: { about: "print the server's JSON" },
      url: { value: "URL", about: "another server, e.g. http://localhost:18888/v1" },
      key: { value: "TOKEN", about: "another token than that of the configuration" },
      config: CONFIG,
    },
    env: { O1_API_HOME: SERVE_ENV.O1_API_HOME, O1_API_TOKEN: SERVE_ENV.O1_API_TOKEN },
    examples: ["usage", "usage --days 7", "usage --json | jq .budgets"],
    exits: { 0: "printed", 1: "the configuration is invalid, or the server does not answer" },
  },
  eval: {
    summary: "compare models on a set of problems",
    usage: ["eval --models ID,ID,… [options]"],
    notes: "The table. Accuracy is the share of all questions answered correctly; errors count " +
      'as not correct and are listed separately; "of answered" leaves them out. Its interval is ' +
      "Wilson's (1927) at 95 %. With several trials it counts problems rather than tries, as far " +
      "as tries at one problem resemble each other. Differences are paired by problem, with a " +
      "95 % interval from the percentile bootstrap over problems (Efron and Tibshirani 1993; " +
      "10,000 samples); if all problems differ alike, the interval allows for unseen problems of " +
      "another kind. Unread answers are wrong because no short answer was found in them; cut ones " +
      "ended at a token limit. If upstreams have prices, the cost is estimated before the first " +
      "question, and on a terminal you are asked whether to start. Times are for answered questions, measured here or at --url, without " +
      "waits for retries there.",
    flags: EVAL_FLAGS,
    env: { O1_EVAL_API_KEY: "token for --url, if --key is not given" },
    examples: [
      "eval --models demo,o1",
      "eval --models small,small-vote --dataset gsm8k.jsonl --limit 200 --out run.jsonl",
      "eval --models gpt-4o --url https://api.openai.com/v1 --report page.html",
    ],
    exits: {
      0: "compared",
      1: "a file or the API is unusable, or no question was answered",
      130: "stopped; with --out, the same command resumes",
    },
  },
} as const satisfies Record<string, Command>;

export type CommandName = keyof typeof COMMANDS;

/** All commands but `""`. */
export const COMMAND_NAMES: readonly CommandName[] = (Object.keys(COMMANDS) as CommandName[])
  .filter((name) => name !== "");

export function flagsOf(name: CommandName): Record<string, Flag> {
  return { ...COMMANDS[name].flags, help: { short: "h", about: "print this text" } };
}
