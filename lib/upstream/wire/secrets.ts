import type { UpstreamOptions } from "../options.ts";

/** Shorter values are not keys, and may occur in any text. */
const MIN_LENGTH = 8;

/**
 * Replaces every key, header value and query value of the upstream's settings by `[key]`, and its
 * host by `[host]`.
 */
export function withoutSecrets(text: string, upstream: UpstreamOptions): string {
  const query = upstream.base_url.split("?").slice(1).join("?");
  const host = URL.parse(upstream.base_url)?.hostname;
  // A name without a dot, such as "ollama", is an ordinary word.
  const rest = host?.includes(".") ? text.replaceAll(host, "[host]") : text;
  return [
    ...[upstream.api_key ?? []].flat(),
    ...Object.values(upstream.headers),
    ...query.split("&").map((pair) => pair.slice(pair.indexOf("=") + 1)),
    ...new URLSearchParams(query).values(),
  ]
    .flatMap((value) => [value, value.replace(/^\S+ /, "")])
    .filter((value) => value.length >= MIN_LENGTH)
    // One may be a prefix of another.
    .sort((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, "[key]"), rest);
}
