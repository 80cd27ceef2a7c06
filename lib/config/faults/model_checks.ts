/**
 * What is wrong with one entry of `models`, but for the types of its keys.
 *
 * @module
 */
import { overrideNames } from "../../reasoning/overrides.ts";
import type { EffortRoutes } from "../../reasoning/request.ts";
import { strategies } from "../../reasoning/strategies/mod.ts";
import type { Router, Strategy } from "../../reasoning/strategy.ts";
import type { Fault, Path } from "./fault.ts";
import { schemaFaults, unknownKey } from "./schema_faults.ts";
import { entries, mapping, textOf, textsOf } from "../raw.ts";
import { suggestion } from "./suggestion.ts";
import { allBaseUrls, defaultModel, type Defaults, defaultUpstream } from "../defaults.ts";

/** What a model's names are looked up in. */
export interface Known {
  /** The upstreams, and which of them is the default. */
  defaults: Defaults;
  /** Names of formats. */
  formats: readonly string[];
  /** What `auto` runs, as far as the file says it in a way that can be used. */
  routes: EffortRoutes;
}

/** The faults of the model at this path. */
export function modelFaults(
  path: Path,
  model: Record<string, unknown>,
  known: Known,
): Fault[] {
  return [
    ...targetFaults(path, model, known.defaults),
    ...formatFaults(path, model.format, known.formats),
    ...strategyFaults(path, model, known.routes),
    ...entries(model.roles).flatMap(([role, target]) =>
      upstreamFaults(
        [...path, "roles", role],
        mapping(target).upstream,
        known.defaults,
      )
    ),
  ];
}

function targetFaults(
  path: Path,
  model: Record<string, unknown>,
  defaults: Defaults,
): Fault[] {
  if (model.upstream !== undefined) {
    const names = textsOf(model.upstream);
    return [
      ...upstreamFaults(path, model.upstream, defaults),
      ...modelNameFaults(path, model, names, defaults),
    ];
  }
  const upstream = defaultUpstream(defaults);
  if (upstream !== undefined) {
    return modelNameFaults(path, model, [upstream], defaults);
  }
  return [{
    path: [...path, "upstream"],
    message: `is missing; say which of the upstreams: ${[...defaults.baseUrls.keys()].join(", ")}`,
  }];
}

function modelNameFaults(
  path: Path,
  model: Record<string, unknown>,
  upstreams: readonly string[],
  defaults: Defaults,
): Fault[] {
  const urls = allBaseUrls(defaults);
  const unclear = model.model === undefined &&
    upstreams.every((name) => urls.has(name)) &&
    defaultModel(defaults, upstreams) === undefined;
  if (!unclear) return [];
  const message = "is missing; give the model's name at the upstream, or set default_model";
  return [{ path: [...path, "model"], message }];
}

function upstreamFaults(
  path: Path,
  value: unknown,
  defaults: Defaults,
): Fault[] {
  const known = [...allBaseUrls(defaults).keys()];
  const names: [Path, unknown][] = Array.isArray(value)
    ? value.map((name, index) => [["upstream", index], name])
    : [[["upstream"], value]];
  return names.flatMap(([at, item]) => {
    const name = textOf(item);
    if (name === undefined || known.includes(name)) return [];
    return [{
      path: [...path, ...at],
      message: `unknown upstream${suggestion(name, known)}`,
    }];
  });
}

function formatFaults(
  path: Path,
  format: unknown,
  known: readonly string[],
): Fault[] {
  const name = textOf(format);
  if (name === undefined || known.includes(name)) return [];
  return [{
    path: [...path, "format"],
    message: `unknown format${suggestion(name, known)}`,
  }];
}

function strategyFaults(
  path: Path,
  model: Record<string, unknown>,
  routes: EffortRoutes,
): Fault[] {
  const name = model.strategy ?? "direct";
  // An unknown strategy is the schema's to report; nothing is known of its options then.
  if (typeof name !== "string" || !Object.hasOwn(strategies, name)) return [];
  const strategy = strategies[name];
  if (strategy === undefined) return [];
  const unknown = (key: "prompts" | "roles") =>
    Object.keys(mapping(model[key])).flatMap((entry) => {
      const known = overrideNames(name, routes, entry.includes("."))[key];
      return known.includes(entry) ? [] : [unknownKey([...path, key], entry, known)];
    });
  return [
    ...optionFaults(
      [...path, "options"],
      strategy.options,
      mapping(model.options),
    ),
    ...waitFaults([...path, "modifiers", "wait"], strategy, mapping(model.modifiers).wait),
    ...unknown("prompts"),
    ...unknown("roles"),
  ];
}

function waitFaults(path: Path, strategy: Strategy | Router, wait: unknown): Fault[] {
  const isPossible = "route" in strategy || strategy.followUps !== undefined;
  if (isPossible || typeof wait !== "number" || wait === 0) return [];
  const known = Object.entries(strategies)
    .filter(([, entry]) => "followUps" in entry)
    .map(([name]) => name);
  const message = `this strategy has no follow-ups; those that have: ${known.join(", ")}`;
  return [{ path, message }];
}

function optionFaults(
  path: Path,
  schema: Parameters<typeof schemaFaults>[0],
  options: Record<string, unknown>,
): Fault[] {
  return [
    ...schemaFaults(schema, options, path),
    ...Object.entries(options).flatMap(([key, max]) => {
      const least = key.startsWith("max_") ? key.replace("max_", "min_") : "";
      const min = options[least];
      if (typeof max !== "number" || typeof min !== "number" || min <= max) {
        return [];
      }
      return [{
        path: [...path, least],
        message: `must be at most ${key}, which is ${max}`,
      }];
    }),
  ];
}
