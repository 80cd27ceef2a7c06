/**
 * Texts without NUL, which Postgres does not store. NUL and U+E000 become U+E000 and a digit. NUL never
 * occurs in JSON, so that the tables can be read by other programs.
 *
 * @module
 */

export function encodeText(text: string): Uint8Array {
  return encoder.encode(
    text.replace(/[\0\uE000]/g, (character) => character === "\0" ? "\uE0000" : "\uE0001"),
  );
}

export function decodeText(text: string): string {
  return text.replace(/\uE000[01]/g, (pair) => pair === "\uE0000" ? "\0" : "\uE000");
}

const encoder = new TextEncoder();
