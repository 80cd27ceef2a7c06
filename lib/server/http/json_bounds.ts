/**
 * The bounds of a JSON text, which are looked at before it is parsed.
 *
 * @module
 */
import { invalidRequest } from "../../api/errors.ts";

/** Levels of arrays and objects; what is deeper would end the stack of whoever walks through it. */
const MAX_DEPTH = 256;

/** Values; more would take seconds to check. The longest requests of real clients have a tenth. */
const MAX_VALUES = 100_000;

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

/**
 * Checks that a text, if it is JSON, is neither too deep nor too wide.
 *
 * @throws {ApiError} 400
 */
export function checkBounds(text: string): void {
  let depth = 0;
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > MAX_DEPTH) throw tooMuch(`is nested more than ${MAX_DEPTH} levels deep`);
        values++;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
      case COMMA:
        if (++values > MAX_VALUES) throw tooMuch(`has more than ${MAX_VALUES} values`);
    }
  }
}

/** Where the string ends that begins here; the text's end for one that does not. */
function endOfString(text: string, start: number): number {
  for (let end = start + 1;; end++) {
    end = text.indexOf('"', end);
    if (end < 0) return text.length;
    let escapes = end;
    while (text.charCodeAt(escapes - 1) === BACKSLASH) escapes--;
    if ((end - escapes) % 2 === 0) return end;
  }
}

function tooMuch(what: string): Error {
  return invalidRequest(null, `The JSON body of your request ${what}.`, null);
}
