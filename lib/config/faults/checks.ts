/**
 * What no single key can tell: whether names exist, and whether values can be used.
 *
 * Works on the value as it is in the file, whatever else is wrong with it, so that all faults of a
 * file are reported at once; a value of the wrong type is left to the schema.
 *
 * @module
 */
import { EFFORT_ROUTES } from "../../reasoning/effort.ts";
import type { EffortRoutes } from "../../reasoning/request.ts";
import { baseUrlFault } from "../base_url.ts";
import type { Fault, Path } from "./fault.ts";
import { keyFaults } from "./key_checks.ts";
import { modelFaults } from "./model_checks.ts";
import { FORMATS } from "../../api/formats/format.ts";
import { entries, mapping, textOf } from "../raw.ts";
import {
  DEFAULT_UPSTREAM,
  defaultModel,
  type Defaults,
  defaultUpstream,
  publishedUpstream,
} from "../defaults.ts";
import { usualIds } from "../published_models.ts";
import { headerFault, originFault, tokenFault } from "../schema/text_rules.ts";

/**
 * Faults that come from several keys together, or from what a text has to be.
 *
 * @param date milliseconds since 1970.
 */
export function crossCheck(value: unknown, date: number): Fault[] {
  const root = mapping(value);
  const defaults = readDefaults(root);
  return [
    ...original(root),
    ...server(mapping(root.server)),
    ...entries(root.upstreams).flatMap(([name, upstream]) =>
      upstreamFaults(["upstreams", name], mapping(upstream))
    ),
    ...reservedNames(root),
    ...models(root, defaults),
    ...keyFaults(root, { models: publishedIds(root, defaults), date }),
  ];
}

function readDefaults(root: Record<string, unknown>): Defaults {
  return {
    url: textOf(root.default_api_url),
    model: textOf(root.default_model),
    baseUrls: new Map(
      entries(root.upstreams).map(([name, upstream]) => [
        name,
        textOf(mapping(upstream).base_url) ?? "",
      ]),
    ),
  };
}

function original(root: Record<string, unknown>): Fault[] {
  return [
    ...check(["default_api_url"], root.default_api_url, baseUrlFault),
    ...check(["api_bearer_token"], root.api_bearer_token, tokenFault),
    ...check(
      ["model_provider_api_key"],
      root.model_provider_api_key,
      tokenFault,
    ),
  ];
}

function server({ cors_origins: origins }: Record<string, unknown>): Fault[] {
  const path = ["server", "cors_origins"];
  return entries(origins).flatMap(([index, origin]) =>
    check([...path, Number(index)], origin, originFault)
  );
}

function upstreamFaults(
  path: Path,
  upstream: Record<string, unknown>,
): Fault[] {
  const keyPath = [...path, "api_key"];
  const keys: [Path, unknown][] = Array.isArray(upstream.api_key)
    ? upstream.api_key.map((key, index) => [[...keyPath, index], key])
    : [[keyPath, upstream.api_key]];
  return [
    ...check([...path, "base_url"], upstream.base_url, baseUrlFault),
    ...keys.flatMap(([at, key]) => check(at, key, tokenFault)),
    ...entries(upstream.headers).flatMap(([name, value]) => {
      const message = headerFault(name, value);
      return message === undefined ? [] : [{ path: [...path, "headers", name], message }];
    }),
  ];
}

/** Applies a rule to a text; an empty one is left to the schema. */
function check(
  path: Path,
  value: unknown,
  rule: (text: string) => string | undefined,
): Fault[] {
  const message = typeof value === "string" && value !== "" ? rule(value) : undefined;
  return message === undefined ? [] : [{ path, message }];
}

function reservedNames(root: Record<string, unknown>): Fault[] {
  const formats = entries(root.formats)
    .filter(([name]) => (FORMATS as readonly string[]).includes(name))
    .map(([name]) => ({
      path: ["formats", name],
      message: "is the name of a built-in format; choose another",
    }));
  const taken = textOf(root.default_api_url) !== undefined &&
    Object.hasOwn(mapping(root.upstreams), DEFAULT_UPSTREAM);
  return taken
    ? [...formats, {
      path: ["upstreams", DEFAULT_UPSTREAM],
      message: "is the name of the upstream at default_api_url; choose another",
    }]
    : formats;
}

/** What `auto` runs; what is no name is left to the schema. */
function routesOf(root: Record<string, unknown>): EffortRoutes {
  const own = entries(mapping(root.routing).effort).filter(([, route]) => textOf(route));
  return { ...EFFORT_ROUTES, ...Object.fromEntries(own) };
}

function publishedIds(root: Record<string, unknown>, defaults: Defaults): string[] {
  const own = Object.keys(mapping(root.models));
  return own.length > 0 ? own : usualIds(defaultModel(defaults, [publishedUpstream(defaults)]));
}

function models(root: Record<string, unknown>, defaults: Defaults): Fault[] {
  const formats = [...FORMATS, ...Object.keys(mapping(root.formats))];
  const own = entries(root.models);
  if (own.length > 0) {
    return own.flatMap(([id, model]) =>
      modelFaults(["models", id], mapping(model), { defaults, formats, routes: routesOf(root) })
    );
  }
  const upstream = publishedUpstream(defaults);
  if (defaultModel(defaults, [upstream]) !== undefined) return [];
  const place = defaultUpstream(defaults) === DEFAULT_UPSTREAM
    ? ["default_api_url"]
    : ["upstreams", upstream];
  return [{
    path: ["default_model"],
    at: place,
    message: `is missing; name a model of ${
      place.length === 1 ? "the provider at default_api_url" : `the upstream '${upstream}'`
    }, or publish models of your own under 'models'`,
  }];
}
