const [QUOTE, BACKSLASH, NEWLINE] = [0x22, 0x5c, 0x0a];

/** `{`, `[` and `,` */
const STRUCTURE: readonly number[] = [0x7b, 0x5b, 0x2c];

/**
 * Returns a function that counts the values of JSON, also in a stream of events, which arrives in
 * pieces. Validating many small values takes far longer than the number of their bytes suggests.
 */
export function createValueCounter(): (bytes: Uint8Array) => number {
  let values = 0;
  let isText = false;
  let isEscaped = false;
  return (bytes) => {
    for (const byte of bytes) {
      if (isEscaped) isEscaped = false;
      // No text of JSON contains a line break, so a comment of a stream can't pretend to begin one.
      else if (byte === NEWLINE) isText = false;
      else if (byte === QUOTE) isText = !isText;
      else if (isText) isEscaped = byte === BACKSLASH;
      else if (STRUCTURE.includes(byte)) values++;
    }
    return values;
  };
}
