import { isDemo } from "./base_url.ts";

/** Name of the upstream at `default_api_url`. */
export const DEFAULT_UPSTREAM = "default";

/** The settings that decide the upstream of a model that names none. */
export interface Defaults {
  /** `default_api_url`. */
  url: string | undefined;
  /** `default_model`. */
  model: string | undefined;
  /** Base URLs of the configured upstreams, by name. */
  baseUrls: ReadonlyMap<string, string>;
}

/** Returns the base URL of every upstream, including the default one, by name. */
export function allBaseUrls({ url, baseUrls }: Defaults): Map<string, string> {
  const defaultUrl = url ?? (baseUrls.size === 0 ? "demo:" : undefined);
  return new Map([
    ...(defaultUrl === undefined ? [] : [[DEFAULT_UPSTREAM, defaultUrl] as const]),
    ...baseUrls,
  ]);
}

/**
 * Returns the upstream of a model that names none, or undefined if several upstreams are
 * configured and none of them is the default.
 */
export function defaultUpstream({ url, baseUrls }: Defaults): string | undefined {
  if (url !== undefined || baseUrls.size === 0) return DEFAULT_UPSTREAM;
  return baseUrls.size === 1 ? [...baseUrls.keys()][0] : undefined;
}

/** Returns the upstream of the models that are published if the file configures none. */
export function publishedUpstream(defaults: Defaults): string {
  return defaultUpstream(defaults) ?? [...defaults.baseUrls.keys()][0] ?? DEFAULT_UPSTREAM;
}

/** Returns the upstream model if a model names none, or undefined if it must name one. */
export function defaultModel(
  defaults: Defaults,
  upstreams: readonly string[],
): string | undefined {
  if (defaults.model !== undefined) return defaults.model;
  const urls = allBaseUrls(defaults);
  return upstreams.every((name) => isDemo(urls.get(name) ?? "")) ? "demo" : undefined;
}
