/**
 * Ids in OpenAI's shape.
 *
 * @module
 */

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** A random id: the prefix and so many characters of base 62. */
export function newId(prefix: string, length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  let id = prefix;
  for (const byte of bytes) id += BASE62[byte % 62];
  return id;
}

/** A random id: the prefix and so many hexadecimal digits. */
export function newHexId(prefix: string, digits: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(Math.ceil(digits / 2)));
  let id = "";
  for (const byte of bytes) id += byte.toString(16).padStart(2, "0");
  return prefix + id.slice(0, digits);
}
