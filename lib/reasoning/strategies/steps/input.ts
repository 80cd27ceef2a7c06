/**
 * Text that arrives in pieces. The readers of a step are generators that yield when they have read
 * all of a piece, so that where a text is cut makes no difference and no character is read twice.
 *
 * @module
 */

export interface Input {
  /** The current piece. */
  text: string;
  /** Index of the next character in `text`. */
  at: number;
  /** Whether no piece follows. */
  ended: boolean;
}

/** A reader. It yields for the next piece of the input. */
export type Reading<Result = void> = Generator<void, Result, void>;

/** Returns the next character and leaves it in the input; `""` at the end of the text. */
export function* peek(input: Input): Reading<string> {
  while (input.at >= input.text.length && !input.ended) yield;
  return input.text.charAt(input.at);
}

/** Takes the whitespace that comes next and returns it. */
export function* takeSpace(input: Input): Reading<string> {
  let space = "";
  for (;;) {
    const { text, at } = input;
    while (isSpace(text.charAt(input.at))) input.at++;
    space += text.slice(at, input.at);
    if (input.at < text.length || input.ended) return space;
    yield;
  }
}

/**
 * Passes on the text before the next character that matches, and leaves that one in the input.
 *
 * @param stop a pattern with the flag `g`.
 * @param emit takes the text in pieces, none of them empty; one may end in half a surrogate pair.
 * @returns the matching character; `""` at the end of the text.
 */
export function* readUntil(
  input: Input,
  stop: RegExp,
  emit: (text: string) => void,
): Reading<string> {
  for (;;) {
    const { text, at } = input;
    stop.lastIndex = at;
    input.at = stop.test(text) ? stop.lastIndex - 1 : text.length;
    if (input.at > at) emit(text.slice(at, input.at));
    if (input.at < text.length) return text.charAt(input.at);
    if (input.ended) return "";
    yield;
  }
}

/** Whether a character is whitespace to `String.prototype.trim`; false for `""`. */
export function isSpace(char: string): boolean {
  return /\s/.test(char);
}

export function isQuote(char: string): boolean {
  return char === '"' || char === "'";
}
