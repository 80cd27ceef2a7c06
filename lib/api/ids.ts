/**
 * Ids in OpenAI's shape.
 *
 * @module
 */

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Random bytes that no id has used yet; to ask for many at once costs what a few do. */
const pool = new Uint8Array(4_096);
let used = pool.length;

/** A random id: the prefix and so many characters of base 62. */
export function newId(prefix: string, length: number): string {
  if (used + length > pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  let id = prefix;
  for (const end = used + length; used < end; used++) id += BASE62[pool[used]! % 62];
  return id;
}

/** A random id: the prefix and so many hexadecimal digits. */
export function newHexId(prefix: string, digits: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(Math.ceil(digits / 2)));
  let id = "";
  for (const byte of bytes) id += byte.toString(16).padStart(2, "0");
  return prefix + id.slice(0, digits);
}
