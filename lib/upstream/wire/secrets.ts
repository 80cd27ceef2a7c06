/**
 * Keeps what is sent to an upstream in confidence out of what it says back.
 *
 * @module
 */
import type { UpstreamOptions } from "../options.ts";

/** Shorter values are no keys, and may stand anywhere. */
const SHORTEST = 8;

/** Puts `[key]` for every key, header value and value of the URL's query. */
export function withoutSecrets(text: string, upstream: UpstreamOptions): string {
  const query = upstream.base_url.split("?").slice(1).join("?");
  return [
    ...[upstream.api_key ?? []].flat(),
    ...Object.values(upstream.headers),
    ...query.split("&").map((pair) => pair.slice(pair.indexOf("=") + 1)),
    ...new URLSearchParams(query).values(),
  ]
    .flatMap((value) => [value, value.replace(/^\S+ /, "")])
    .filter((value) => value.length >= SHORTEST)
    // One may be the beginning of another.
    .sort((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, "[key]"), text);
}
