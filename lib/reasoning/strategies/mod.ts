import type { StrategyTable } from "../strategy.ts";
import { auto } from "./auto.ts";
import { direct } from "./direct.ts";
import { draft } from "./draft.ts";
import { moa } from "./moa.ts";
import { relay } from "./relay.ts";
import { rsa } from "./rsa.ts";
import { steps } from "./steps.ts";
import { think } from "./think.ts";
import { verify } from "./verify.ts";
import { vote } from "./vote.ts";

/**
 * Every strategy; a new one needs its file and its line here. In this order they are listed, and
 * published if the configuration lists no models: the first published one is the default model.
 */
export const strategies: StrategyTable = {
  steps,
  think,
  draft,
  relay,
  vote,
  moa,
  verify,
  rsa,
  auto,
  direct,
};

/** What clients and documentation say about a strategy. */
export interface StrategyDescription {
  name: string;
  summary: string;
  calls: string;
  latency: string;
}

export function describeStrategies(table: StrategyTable): StrategyDescription[] {
  return Object.entries(table).map(([name, { summary, label }]) => ({ name, summary, ...label }));
}
