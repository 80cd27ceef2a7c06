/**
 * Which upstream and which upstream model stand behind a published one.
 *
 * @module
 */
import { isDemo } from "./base_url.ts";

/** Name of the upstream that the original's keys make. */
export const DEFAULT_UPSTREAM = "default";

/** What the defaults depend on. */
export interface Defaults {
  /** The `default_api_url`, where it is set. */
  url: string | undefined;
  /** The `default_model`, where it is set. */
  model: string | undefined;
  /** The base URLs of the configured upstreams, by name. */
  baseUrls: ReadonlyMap<string, string>;
}

/** Every upstream's base URL by name, that of the original's keys among them. */
export function allBaseUrls(defaults: Defaults): Map<string, string> {
  const own = defaults.url ??
    (defaults.baseUrls.size === 0 ? "demo:" : undefined);
  return new Map([
    ...(own === undefined ? [] : [[DEFAULT_UPSTREAM, own] as const]),
    ...defaults.baseUrls,
  ]);
}

/**
 * The upstreams of a model that names none; undefined where several are configured and nothing
 * says which.
 */
export function defaultUpstream(defaults: Defaults): string | undefined {
  if (defaults.url !== undefined || defaults.baseUrls.size === 0) {
    return DEFAULT_UPSTREAM;
  }
  return defaults.baseUrls.size === 1 ? [...defaults.baseUrls.keys()][0] : undefined;
}

/** The upstream of the models that are published where the file names none. */
export function publishedUpstream(defaults: Defaults): string {
  return defaultUpstream(defaults) ?? [...defaults.baseUrls.keys()][0] ??
    DEFAULT_UPSTREAM;
}

/** The upstream model where none is named; undefined where one has to be. */
export function defaultModel(
  defaults: Defaults,
  upstreams: readonly string[],
): string | undefined {
  if (defaults.model !== undefined) return defaults.model;
  const urls = allBaseUrls(defaults);
  return upstreams.every((name) => isDemo(urls.get(name) ?? "")) ? "demo" : undefined;
}
