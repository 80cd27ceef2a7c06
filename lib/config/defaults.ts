import { isDemo } from "./base_url.ts";

/** Name of the upstream at `default_api_url`. */
export const DEFAULT_UPSTREAM = "default";

interface Settings {
  default_api_url?: string | undefined;
  default_model?: string | undefined;
  upstreams: Record<string, { base_url?: string | undefined }>;
}

export type Defaults = ReturnType<typeof resolveDefaults>;

export function resolveDefaults(
  { default_api_url: url, default_model: model, upstreams }: Settings,
) {
  const names = Object.keys(upstreams);
  const baseUrls = new Map<string, string>();
  if (url !== undefined || names.length === 0) baseUrls.set(DEFAULT_UPSTREAM, url ?? "demo:");
  const upstream = baseUrls.size > 0 ? DEFAULT_UPSTREAM : names.length === 1 ? names[0] : undefined;
  for (const name of names) baseUrls.set(name, upstreams[name]?.base_url ?? "");
  const isDemoUpstream = (name: string) => isDemo(baseUrls.get(name) ?? "");
  return {
    /** Base URL of every upstream by name, including the default one. */
    baseUrls,
    /**
     * Upstream of a model that names none; undefined if several upstreams are configured and none
     * of them is the default.
     */
    upstream,
    /** Upstream of the models that are published if the file configures none. */
    publishedUpstream: upstream ?? names[0] ?? DEFAULT_UPSTREAM,
    /** Returns the upstream model if a model names none, or undefined if it must name one. */
    model: (upstreams: readonly string[]): string | undefined =>
      model ?? (upstreams.every(isDemoUpstream) ? "demo" : undefined),
  };
}
