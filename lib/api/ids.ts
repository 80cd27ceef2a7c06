/**
 * Ids in OpenAI's shape.
 *
 * @module
 */

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Random bytes that no id has used yet; to ask for many at once costs what a few do. */
const pool = new Uint8Array(4_096);
let used = pool.length;

/** Takes so many bytes from the pool; returns where they begin. */
function take(bytes: number): number {
  if (used + bytes > pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  used += bytes;
  return used - bytes;
}

/** A random id: the prefix and so many characters of base 62. */
export function newId(prefix: string, length: number): string {
  let id = prefix;
  for (let at = take(length), end = at + length; at < end; at++) id += BASE62[pool[at]! % 62];
  return id;
}

/** A random id: the prefix and so many hexadecimal digits, an even number. */
export function newHexId(prefix: string, digits: number): string {
  let id = prefix;
  for (let at = take(digits / 2), end = at + digits / 2; at < end; at++) id += HEX[pool[at]!];
  return id;
}
