/** The names by which a published model replaces prompts and upstream models of its strategy. */
import type { Target } from "../upstream/target.ts";
import { commonPrompts } from "./prompts.ts";
import type { EffortRoutes, ReasoningModel } from "./request.ts";
import { strategies } from "./strategies/mod.ts";
import type { Strategy, StrategyTable } from "./strategy.ts";

export interface OverrideNames {
  prompts: readonly string[];
  roles: readonly string[];
}

/**
 * The names for a model with this strategy. A router has those of all its strategies, which a model
 * can also write as `<strategy>.<name>` to mean one strategy only.
 *
 * @param qualified whether to return these longer names.
 */
export function overrideNames(
  name: string,
  routes: EffortRoutes,
  qualified = false,
  table: StrategyTable = strategies,
): OverrideNames {
  const entry = table[name]!;
  const isRouter = "route" in entry;
  // The configuration may name anything as a route; its schema reports what does not exist.
  const targets = isRouter
    ? entry.targets(routes).filter((target) => Object.hasOwn(table, target))
    : [name];
  const prompts = new Set<string>();
  const roles = new Set<string>();
  for (const target of targets) {
    const strategy = table[target]!;
    if ("route" in strategy) continue;
    const prefix = isRouter && qualified ? `${target}.` : "";
    for (const prompt of Object.keys({ ...commonPrompts, ...strategy.prompts })) {
      prompts.add(prefix + prompt);
    }
    for (const role of strategy.roles) roles.add(prefix + role);
  }
  return { prompts: [...prompts], roles: [...roles] };
}

/** Returns the template of a prompt: the model's, the strategy's own, or the common one. */
export function templateOf(
  { prompts, strategy }: ReasoningModel,
  name: string,
  prompt: string,
  table: StrategyTable,
): string {
  const common = (commonPrompts as Readonly<Record<string, string>>)[prompt];
  // Another strategy's prompt of the same name means something else.
  const isFor = common !== undefined || strategy === name || "route" in table[strategy]!;
  return prompts[`${name}.${prompt}`] ?? (isFor ? prompts[prompt] : undefined) ??
    (table[name] as Strategy).prompts[prompt] ?? common ?? "";
}

/** Returns the upstream models of a role, to be tried in order. */
export function targetsOf(
  { roles, targets }: ReasoningModel,
  strategy: string,
  role: string,
): readonly Target[] {
  // `proposer_2` is a `proposer`, unless it has a model of its own.
  const group = role.replace(/_\d+$/, "");
  return roles[`${strategy}.${role}`] ?? roles[role] ?? roles[`${strategy}.${group}`] ??
    roles[group] ?? targets;
}

/** Returns the upstream models of all roles. */
export function allTargetsOf({ roles, targets }: ReasoningModel): Target[] {
  return [targets, ...Object.values(roles)].flat();
}
