/**
 * What the tests of all strategies expect of each. A strategy's expectations are in the
 * file of its name in `cases/`.
 *
 * @module
 */
import { strategies } from "../../../../lib/reasoning/strategies/mod.ts";
import type { Strategy } from "../../../../lib/reasoning/strategy.ts";
import type { ExpectedUsage } from "./expected_usage.ts";
import type { Counts, Kind } from "../../../support/kinds.ts";
import type { Script } from "./script.ts";

/** A request and how the model replies to it. */
export interface Way {
  body?: Record<string, unknown>;
  script?: Script;
}

/** What is expected of everything in the table. */
export interface RouterCases {
  /** The calls if all samples agree. */
  agreeing: Counts;
  /** The kind of the visible call that writes the answer, and a request that needs one. */
  answer: Way & { kind: Kind };
  /** Whether an answer without tools and format is a sample's text, shown without a call. */
  showsSample?: boolean;
  /** A status line that it shows; `""` if it shows none. */
  progress?: string;
  /** Number of parallel calls at first, of which one must succeed. */
  samples?: number;
  /** Whether `max_completion_tokens` may be spent before its answer is complete. */
  mayRunOut?: boolean;
  /** Number of calls if the cap on tokens or cost is reached by the first. Default: 2. */
  callsOverCap?: number;
  /**
   * Moments at which a client may disconnect: how many calls were answered before, and how many
   * then run. Without a way no two answers agree.
   */
  disconnects?: readonly (Way & { when: string; answered: number; running: number })[];
  /** The usage that clients see, computed by hand from `TOKENS` in `usage_test.ts`. */
  usage?: readonly (Way & { calls: string; expected: ExpectedUsage })[];
}

/** What is expected of a strategy. */
export interface StrategyCases extends RouterCases {
  /** The calls at low, medium, high, xhigh and max if no two answers agree and no step is last. */
  differing: readonly Counts[];
  /** Requests that together use every prompt and every role. */
  ways: readonly Way[];
  /** The kinds of calls of each role; numbered roles count as one. */
  roles: Readonly<Record<string, readonly Kind[]>>;
  /** Options and the calls that they lead to if all samples agree. */
  options?: readonly { options: Record<string, unknown>; calls: Counts }[];
  /** The format that it sends for its thinking. */
  thinkingFormat?: string;
  /** Numbers of calls that run in parallel, one group after another, if no two answers agree. */
  waves?: readonly number[];
  /** The kinds of calls around follow-ups, for a strategy that supports them. */
  followUps?: { first: readonly Kind[]; wait: Kind; last: Kind };
  /** Requests whose last call fails, and whether an earlier answer is shown instead. */
  failingAnswers?: readonly { body: Record<string, unknown>; hasFallback: boolean }[];
}

/** Every name in the table. */
export const STRATEGIES: readonly string[] = Object.keys(strategies);

const isStrategy = (name: string) => !("route" in strategies[name]!);

/** The strategies that think. */
export const THINKING: readonly string[] = STRATEGIES.filter((name) =>
  isStrategy(name) && name !== "direct"
);

export function strategyOf(name: string): Strategy {
  const entry = strategies[name];
  if (entry === undefined || "route" in entry) throw new Error(`No strategy is called '${name}'.`);
  return entry;
}

async function load(name: string): Promise<StrategyCases> {
  const url = new URL(`../cases/${name}.ts`, import.meta.url);
  try {
    await Deno.stat(url);
  } catch {
    throw new Error(
      `The strategy '${name}' has no test cases. ` +
        `Write tests/reasoning/strategies/cases/${name}.ts, after the example of cases/think.ts.`,
    );
  }
  return (await import(url.href)).cases;
}

const CASES = new Map(
  await Promise.all(STRATEGIES.map(async (name) => [name, await load(name)] as const)),
);

export function casesOf(strategy: string): StrategyCases {
  return CASES.get(strategy)!;
}

/** All cases of one sort, with the strategy that each belongs to. */
export function allCases<Case>(
  pick: (cases: StrategyCases) => readonly Case[] | undefined,
): { strategy: string; row: Case }[] {
  return STRATEGIES.flatMap((strategy) =>
    (pick(casesOf(strategy)) ?? []).map((row) => ({ strategy, row }))
  );
}
