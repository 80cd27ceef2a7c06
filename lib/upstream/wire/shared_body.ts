import { isObjectOrArray } from "../../json.ts";
import type { UpstreamBody } from "../capabilities/capabilities.ts";
import type { UpstreamMessage } from "../target.ts";

export interface EncodedBody {
  data: string | Blob;
  /** Bytes that count while they are sent; 0 for a small body. */
  size: number;
}

/** Length from which equal bodies share one copy: `fetch` copies a string for each call. */
const LARGE_CHARACTERS = 262_144;

/**
 * Creates an encoder. While a large body is in use, an equal one shares its data, provided that the
 * last of `messages` (before they were adapted to the upstream) is the same object.
 */
export function createBodyEncoder(): (
  body: UpstreamBody,
  messages: readonly UpstreamMessage[],
) => EncodedBody {
  const latest = new WeakMap<UpstreamMessage, { body: UpstreamBody; encoded: EncodedBody }>();
  return (body, messages) => {
    const last = messages.at(-1);
    const found = last && latest.get(last);
    if (found !== undefined && isEqual(found.body, body)) return found.encoded;
    const json = JSON.stringify(body);
    if (json.length < LARGE_CHARACTERS) return { data: json, size: 0 };
    const data = new Blob([json]);
    const encoded = { data, size: data.size };
    if (last !== undefined) latest.set(last, { body, encoded });
    return encoded;
  };
}

/** Compares JSON values; parts that are the same object cost nothing. */
function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isObjectOrArray(a) || !isObjectOrArray(b) || Array.isArray(a) !== Array.isArray(b)) {
    return false;
  }
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => isEqual(a[key], b[key]));
}
