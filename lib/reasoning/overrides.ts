/**
 * What a published model puts in the place of a strategy's own prompts and upstream models, and by
 * which names.
 *
 * @module
 */
import type { Target } from "../upstream/target.ts";
import { commonPrompts } from "./prompts.ts";
import type { EffortRoutes, ReasoningModel } from "./request.ts";
import { mayRun } from "./strategies/auto.ts";
import { strategies } from "./strategies/mod.ts";

/** The names under which a model of a strategy can replace something. */
export interface OverrideNames {
  /** Names of prompts. */
  prompts: readonly string[];
  /** Names of roles. */
  roles: readonly string[];
}

/**
 * The names for a model of this strategy. A strategy that only routes has those of all that it may
 * run, each also as `<strategy>.<name>`, for that strategy alone.
 *
 * @param qualified whether these longer names are meant.
 */
export function overrideNames(
  name: string,
  routes: EffortRoutes,
  qualified = false,
): OverrideNames {
  const routing = strategies[name]?.route !== undefined;
  const all = { prompts: new Set<string>(), roles: new Set<string>() };
  for (const each of routing ? mayRun(routes) : [name]) {
    const of = (own: string) => routing && qualified ? `${each}.${own}` : own;
    const { prompts = {}, roles = [] } = strategies[each] ?? {};
    for (const own of Object.keys({ ...commonPrompts, ...prompts })) all.prompts.add(of(own));
    for (const own of roles) all.roles.add(of(own));
  }
  return { prompts: [...all.prompts], roles: [...all.roles] };
}

/** The prompt of this name: the model's own, where it has one for the strategy. */
export function promptOf(model: ReasoningModel, strategy: string, name: string): string {
  const common: Readonly<Record<string, string>> = commonPrompts;
  // Another strategy's prompt may have the same name, and another meaning.
  const isFor = model.strategy === strategy || strategies[model.strategy]?.route !== undefined ||
    Object.hasOwn(common, name);
  return model.prompts[`${strategy}.${name}`] ?? (isFor ? model.prompts[name] : undefined) ??
    strategies[strategy]?.prompts[name] ?? common[name] ?? "";
}

/** The upstream models of this role, tried in order. */
export function targetsOf(
  { roles, targets }: ReasoningModel,
  strategy: string,
  role: string,
): readonly Target[] {
  // "proposer_2" may have a model of its own, and else is a proposer like any other.
  const any = role.replace(/_\d+$/, "");
  return roles[`${strategy}.${role}`] ?? roles[role] ?? roles[`${strategy}.${any}`] ??
    roles[any] ?? targets;
}
