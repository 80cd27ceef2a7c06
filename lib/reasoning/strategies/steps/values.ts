import { type Input, isQuote, peek, type Reading, readUntil, takeSpace } from "./input.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/**
 * Reads a string whose opening quote has been taken. Valid JSON is decoded exactly as by
 * `JSON.parse`. Raw control characters are kept, an invalid escape stands for itself (`\(` in
 * LaTeX), and a quote inside the text is kept too.
 *
 * A quote ends the string if `,` `}` `]` or `:` or the end of the text follows. In the value of a
 * member no colon can follow, so a colon does not count there, and a comma only if a quote, a
 * bracket or a comment comes next: `"He said "no", then "yes": fine"` is one string.
 *
 * @param emit takes the decoded text in pieces; one may end in half a surrogate pair.
 */
export function* readString(
  input: Input,
  quote: string,
  isMemberValue: boolean,
  emit: (text: string) => void,
): Reading {
  const stop = quote === '"' ? /["\\]/g : /['\\]/g;
  for (;;) {
    const char = yield* readUntil(input, stop, emit);
    if (char === "") return;
    input.at++;
    if (char === "\\") yield* readEscape(input, quote, emit);
    else {
      const kept = yield* quoteInText(input, quote, isMemberValue);
      if (kept === undefined) return;
      emit(kept);
    }
  }
}

/** Reads what follows a backslash. */
function* readEscape(input: Input, quote: string, emit: (text: string) => void): Reading {
  const char = yield* peek(input);
  if (char === "") return;
  input.at++;
  if (char !== "u") return emit(ESCAPES[char] ?? (char === quote ? char : `\\${char}`));
  let hex = "";
  while (hex.length < 4) {
    const digit = yield* peek(input);
    if (digit === "") return;
    if (!/[0-9a-f]/i.test(digit)) return emit(`\\u${hex}`);
    hex += digit;
    input.at++;
  }
  emit(String.fromCharCode(parseInt(hex, 16)));
}

/**
 * Decides what a quote is by the characters after it.
 *
 * @returns the text to keep; undefined if the quote ends the string.
 */
function* quoteInText(
  input: Input,
  quote: string,
  isMemberValue: boolean,
): Reading<string | undefined> {
  let text = quote + (yield* takeSpace(input));
  const next = yield* peek(input);
  if (isMemberValue && next === ",") {
    input.at++;
    text += next + (yield* takeSpace(input));
    return `"'}]/`.includes(yield* peek(input)) ? undefined : text;
  }
  return (isMemberValue ? "}]" : ",:}]").includes(next) ? undefined : text;
}

/** Passes on the source of an array or object, up to the bracket that closes it. */
export function* readSource(input: Input, emit: (source: string) => void): Reading {
  let depth = 0;
  let quote = "";
  let isEscaped = false;
  while ((yield* peek(input)) !== "") {
    const from = input.at;
    while (input.at < input.text.length) {
      const char = input.text.charAt(input.at++);
      if (isEscaped) isEscaped = false;
      else if (quote !== "") {
        isEscaped = char === "\\";
        if (char === quote) quote = "";
      } else if (isQuote(char)) quote = char;
      else if (char === "{" || char === "[") depth++;
      else if ((char === "}" || char === "]") && --depth === 0) {
        return emit(input.text.slice(from, input.at));
      }
    }
    emit(input.text.slice(from));
  }
}
