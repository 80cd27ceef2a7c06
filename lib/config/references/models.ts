import { overrideNames } from "../../reasoning/overrides.ts";
import type { EffortRoutes } from "../../reasoning/request.ts";
import type { StrategyTable } from "../../reasoning/strategy.ts";
import type { Defaults } from "../defaults.ts";
import type { Path, Report } from "../faults/fault.ts";
import { suggestion } from "../faults/suggestion.ts";
import { keyFault, unknownKey, validate } from "../faults/validate.ts";
import { toolKinds } from "../../tools/mod.ts";
import type { LenientModel } from "./lenient.ts";

/** What the names in a model refer to. */
export interface Names {
  defaults: Defaults;
  formats: readonly string[];
  /** The sections of `tools`; an empty one is undefined. */
  tools: Readonly<Record<string, unknown>>;
  /** The strategies that `auto` may run. */
  routes: EffortRoutes;
  strategies: StrategyTable;
}

/** Checks the options of a model by the schema of its strategy. */
function checkOptions(
  { options, modifiers, strategy: name }: LenientModel,
  strategies: StrategyTable,
  report: Report,
): void {
  const strategy = strategies[name]!;
  for (const { path, at, message } of validate(strategy.options, options).faults) {
    report(["options", ...path], message, at);
  }
  for (const [key, max] of Object.entries(options)) {
    const minKey = key.replace(/^max_/, "min_");
    const min = options[minKey];
    if (typeof max !== "number" || typeof min !== "number" || min <= max) continue;
    const message = `must be at most ${key}, which is ${max}`;
    report(["options", minKey], message);
  }
  if (modifiers.wait !== 0 && !("route" in strategy) && strategy.followUps === undefined) {
    const supporting = Object.entries(strategies).filter(([, other]) => "followUps" in other)
      .map(([other]) => other);
    const message = "is not supported by this strategy; strategies that support it: " +
      supporting.join(", ");
    report(["modifiers", "wait"], message);
  }
}

/** Returns the names of all upstreams that a model can use, in any role. */
export function upstreamsOf({ upstream, roles }: LenientModel, defaults: Defaults): string[] {
  const own = upstream ?? defaults.upstream;
  return [own, ...Object.values(roles).map((role) => role.upstream ?? own)].flat()
    .filter((name) => name !== undefined);
}

/** Checks the options of a model, and its names that refer to other parts of the file. */
export function checkModel(
  model: LenientModel,
  { defaults, formats, tools, routes, strategies }: Names,
  report: Report,
): void {
  const { baseUrls } = defaults;
  const upstreams = model.upstream ?? defaults.upstream;
  if (upstreams === undefined) {
    const names = [...baseUrls.keys()].join(", ");
    report(["upstream"], `is missing; choose one of the upstreams: ${names}`);
  } else if (model.model === undefined) {
    const names = [upstreams].flat().filter((name) => name !== undefined);
    const isKnown = names.every((name) => baseUrls.has(name));
    if (isKnown && defaults.model(names) === undefined) {
      report(["model"], "is missing; set the model's name at the upstream, or default_model");
    }
  }

  const checkUpstreams = (path: Path, value: LenientModel["upstream"]) => {
    for (const [index, name] of [value].flat().entries()) {
      if (name === undefined || baseUrls.has(name)) continue;
      const place = Array.isArray(value) ? [...path, index] : path;
      report(place, `unknown upstream${suggestion(name, [...baseUrls.keys()])}`);
    }
  };
  checkUpstreams(["upstream"], model.upstream);
  for (const [role, { upstream }] of Object.entries(model.roles)) {
    checkUpstreams(["roles", role, "upstream"], upstream);
  }

  if (model.format !== undefined && !formats.includes(model.format)) {
    report(["format"], `unknown format${suggestion(model.format, formats)}`);
  }

  for (const [index, kind] of model.tools.entries()) {
    if (kind === undefined || !Object.hasOwn(toolKinds, kind)) continue;
    const { options, needsNoSettings } = toolKinds[kind]!;
    if (needsNoSettings || tools[kind] !== undefined) continue;
    if (Object.hasOwn(tools, kind) && options.safeParse({}).success) continue;
    report(["tools", index], `needs settings; add the section tools.${kind}`);
  }

  if (!Object.hasOwn(strategies, model.strategy)) return;
  checkOptions(model, strategies, report);
  for (const field of ["prompts", "roles"] as const) {
    for (const key of Object.keys(model[field])) {
      const names = overrideNames(model.strategy, routes, key.includes("."), strategies)[field];
      if (names.includes(key)) continue;
      const { path, message, at } = keyFault([field], key, unknownKey(key, names));
      report(path, message, at);
    }
  }
}
