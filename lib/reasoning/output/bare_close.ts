/**
 * Finds the end of thinking whose opening tag is missing, because the upstream's template has
 * written it into the prompt.
 *
 * @module
 */

export interface BareClose {
  /** The text before the tag. */
  before: string;
  /** The text after the tag, if it was found. */
  after?: string;
}

const TOKEN_REGEXP = /`+|\n|<(\/?)think>/gi;

/** Text whose meaning depends on what follows. */
const OPEN_END_REGEXP = /(?:`{1,20}|<\/?(?:t(?:h(?:i(?:nk?)?)?)?)?)$/i;

/** Creates a finder for one text. Tags in quotation marks and in code are text. */
export function createBareCloseFinder() {
  let held = "";
  /** The character before the held text. */
  let previous = "";
  /** The backticks that opened a code span or a code block. */
  let code = "";
  let isOver = false;

  function read(isEnd: boolean): BareClose {
    let end = held.length;
    for (const match of held.matchAll(TOKEN_REGEXP)) {
      const [token, slash] = match;
      const { index } = match;
      const next = index + token.length;
      if (next === held.length && !isEnd && token !== "\n") {
        end = index;
        break;
      }
      if (token.startsWith("`")) {
        if (code === "") code = token;
        else if (code === token) code = "";
      } else if (token === "\n") {
        // A code span ends with its line.
        if (code.length < 3) code = "";
      } else if (code === "" && !/["']/.test(charBefore(index) + held.charAt(next))) {
        isOver = true;
        if (slash === "") break;
        const before = held.slice(0, index);
        const after = held.slice(next).trimStart();
        held = "";
        return { before, after };
      }
    }
    if (!isEnd && end === held.length && !isOver) {
      end -= OPEN_END_REGEXP.exec(held)?.[0].length ?? 0;
    }
    const before = held.slice(0, end);
    previous = before.at(-1) ?? previous;
    held = held.slice(end);
    return { before };
  }

  const charBefore = (index: number) => index === 0 ? previous : held.charAt(index - 1);

  return {
    /** Returns the text so far, except for the possible beginning of a tag. */
    push(text: string): BareClose {
      // Most texts have none of these; the search costs 1 µs a piece.
      if (held === "" && code === "" && !/[<`]/.test(text)) {
        previous = text.at(-1) ?? previous;
        return { before: text };
      }
      held += text;
      return read(false);
    },
    /** Returns the rest of the text. */
    end: (): BareClose => held === "" ? { before: "" } : read(true),
    /** Whether the search is over: a closing or an opening tag was found. */
    isOver: () => isOver,
  };
}

/** Returns where the answer begins after thinking whose opening tag is missing, or 0. */
export function indexAfterBareClose(text: string): number {
  if (!text.includes("</")) return 0;
  const finder = createBareCloseFinder();
  const after = finder.push(text).after ?? finder.end().after ?? "";
  return after === "" ? 0 : text.length - after.length;
}
