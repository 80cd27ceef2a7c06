import type { UpstreamOptions } from "../upstream/options.ts";
import type { Target } from "../upstream/target.ts";
import { normaliseBaseUrl } from "./base_url.ts";
import { DEFAULT_UPSTREAM, resolveDefaults } from "./defaults.ts";
import type { Config } from "./schema/config.ts";
import { upstreamOptions } from "./schema/upstream.ts";

export type TargetTable = ReturnType<typeof createTargetTable>;

export function createTargetTable(config: Config) {
  const defaults = resolveDefaults(config);
  const upstreams = new Map(
    Object.entries(config.upstreams).map(([name, upstream]) => [name, normalise(upstream)]),
  );
  const defaultUrl = defaults.baseUrls.get(DEFAULT_UPSTREAM);
  if (defaultUrl !== undefined && !upstreams.has(DEFAULT_UPSTREAM)) {
    const upstream = { base_url: defaultUrl, api_key: config.model_provider_api_key };
    upstreams.set(DEFAULT_UPSTREAM, normalise(upstreamOptions.parse(upstream)));
  }
  return {
    defaults,
    /** Returns the targets of a model in order. Undefined names have their defaults. */
    targets(upstream: string | string[] | undefined, model: string | undefined): Target[] {
      const names = [upstream ?? defaults.upstream ?? []].flat();
      const upstreamModel = model ?? defaults.model(names) ?? "";
      return names.flatMap((name) => {
        const options = upstreams.get(name);
        return options === undefined ? [] : [{ name, upstream: options, model: upstreamModel }];
      });
    },
  };
}

/** Normalises the base URL and removes empty keys. */
function normalise({ api_key: apiKey, ...upstream }: UpstreamOptions): UpstreamOptions {
  const keys = [apiKey ?? []].flat().filter((key) => key !== "");
  const [first, ...others] = keys;
  return {
    ...upstream,
    base_url: normaliseBaseUrl(upstream.base_url),
    ...(first === undefined ? {} : { api_key: others.length === 0 ? first : keys }),
  };
}
