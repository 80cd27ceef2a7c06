const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Returns random characters of base 62, all equally likely; 43 of them hold 256 bits. */
export function randomBase62(length: number): string {
  // Bytes beyond the last whole multiple of 62 would make some characters likelier than others.
  const limit = 256 - 256 % BASE62.length;
  let text = "";
  while (text.length < length) {
    // One byte in 32 is rejected; with a few to spare, one call is nearly always enough.
    const bytes = crypto.getRandomValues(new Uint8Array(length + 8));
    for (const byte of bytes) if (byte < limit) text += BASE62[byte % BASE62.length];
  }
  return text.slice(0, length);
}

/** @param length characters after the prefix. */
export function newId(prefix: string, length: number): string {
  return prefix + randomBase62(length);
}

/** @param digits hexadecimal digits after the prefix; an even number. */
export function newHexId(prefix: string, digits: number): string {
  return prefix + crypto.getRandomValues(new Uint8Array(digits / 2)).toHex();
}
