import { invalidRequest } from "../../api/errors.ts";

/** Levels of arrays and objects. Deeper ones could overflow the stack of recursive functions. */
const MAX_DEPTH = 256;

/** More would take seconds to validate. The longest requests of real clients have a tenth of it. */
const MAX_VALUES = 100_000;

/**
 * Throws if a JSON text has too many levels or values. Does not check that it is JSON.
 *
 * @throws {ApiError} 400
 */
export function checkBounds(text: string): void {
  let depth = 0;
  let values = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text[i]) {
      case '"':
        i = endOfString(text, i);
        break;
      case "[":
      case "{":
        if (++depth > MAX_DEPTH) throw tooLarge(`is nested more than ${MAX_DEPTH} levels deep`);
        values++;
        break;
      case "]":
      case "}":
        depth--;
        break;
      case ",":
        if (++values > MAX_VALUES) throw tooLarge(`has more than ${MAX_VALUES} values`);
    }
  }
}

/** Returns the index of the closing quote, or the length of the text without one. */
function endOfString(text: string, start: number): number {
  for (let end = start + 1;; end++) {
    end = text.indexOf('"', end);
    if (end < 0) return text.length;
    let escapes = end;
    while (text[escapes - 1] === "\\") escapes--;
    if ((end - escapes) % 2 === 0) return end;
  }
}

function tooLarge(problem: string): Error {
  return invalidRequest(null, `The JSON body of your request ${problem}.`, null);
}
