import { strategies } from "../../../lib/reasoning/strategies/mod.ts";
import type { Strategy } from "../../../lib/reasoning/strategy.ts";

/** The strategy of this name. */
export function strategyOf(name: string): Strategy {
  const entry = strategies[name];
  if (entry === undefined || "route" in entry) throw new Error(`No strategy is called '${name}'.`);
  return entry;
}
