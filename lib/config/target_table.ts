/**
 * The configured upstreams as calls need them.
 *
 * @module
 */
import type { Target } from "../upstream/target.ts";
import type { UpstreamOptions } from "../upstream/options.ts";
import { normaliseBaseUrl } from "./base_url.ts";
import {
  allBaseUrls,
  DEFAULT_UPSTREAM,
  defaultModel,
  type Defaults,
  defaultUpstream,
} from "./defaults.ts";
import type { Config } from "./schema/config.ts";
import { upstreamOptions } from "./schema/upstream.ts";

/** Where models are found. */
export interface TargetTable {
  /** What stands in for names that are left out. */
  defaults: Defaults;
  /** The upstreams of these names, in order, and the model there; what is left out, by default. */
  targets(
    upstream: string | string[] | undefined,
    model: string | undefined,
  ): Target[];
}

/** Makes the table of a validated configuration's upstreams. */
export function createTargetTable(config: Config): TargetTable {
  const configured = Object.entries(config.upstreams);
  const defaults: Defaults = {
    url: config.default_api_url,
    model: config.default_model,
    baseUrls: new Map(
      configured.map(([name, { base_url }]) => [name, base_url]),
    ),
  };
  const upstreams = new Map(
    configured.map(([name, upstream]) => [name, callable(upstream)]),
  );
  const own = allBaseUrls(defaults).get(DEFAULT_UPSTREAM);
  if (own !== undefined && !upstreams.has(DEFAULT_UPSTREAM)) {
    const original = { base_url: own, api_key: config.model_provider_api_key };
    upstreams.set(DEFAULT_UPSTREAM, callable(upstreamOptions.parse(original)));
  }
  return {
    defaults,
    targets(upstream, model) {
      const names = [upstream ?? defaultUpstream(defaults) ?? []].flat();
      const called = model ?? defaultModel(defaults, names) ?? "";
      return names.flatMap((name) => {
        const options = upstreams.get(name);
        return options === undefined ? [] : [{ name, upstream: options, model: called }];
      });
    },
  };
}

/** With a base URL that paths can be put behind, and without empty keys. */
function callable(
  { api_key: apiKey, ...upstream }: UpstreamOptions,
): UpstreamOptions {
  const keys = [apiKey ?? []].flat().filter((key) => key !== "");
  const [only, ...others] = keys;
  return {
    ...upstream,
    base_url: normaliseBaseUrl(upstream.base_url),
    ...(only === undefined ? {} : { api_key: others.length === 0 ? only : keys }),
  };
}
