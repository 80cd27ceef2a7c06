/**
 * The pieces of which a tolerant reader of a model's JSON is made, none of which knows what the
 * JSON is about: where an object begins amid prose, the decoding of strings, the end of nested
 * values. Each is given text piece by piece and keeps its place in between, so that where the
 * pieces are cut makes no difference, and none reads a character twice.
 *
 * @module
 */

/** Reads one value. */
export interface ValueReader {
  /**
   * Reads `text` from the index `from` on and pushes the pieces that are certain onto `out`. A
   * piece may end in half a surrogate pair.
   *
   * @returns the index of the first character that is not part of the value
   */
  read(text: string, from: number, out: string[]): number;
  /** Whether the value has ended. */
  closed(): boolean;
}

/**
 * How an object begins: with the quote that opens its first key, or, of an object amid prose,
 * with a known first key and its colon.
 */
export type ObjectStart = { quote: string } | { key: string };

/** Finds the objects of a text. */
export interface ProseReader {
  /** Reads `text` from the index `from` on, at most up to where an object has begun. */
  read(text: string, from: number): number;
  /** The object that the last `read` came to, if any; the next index is inside it. */
  begun(): ObjectStart | undefined;
  /** Ends the text. */
  close(): void;
}

const BACKSLASH = 0x5c;

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

/** Prose before an object is held back up to this many UTF-16 units. */
const MAX_PRELUDE = 256;
/** The longest first key, in UTF-16 units, by which an object in prose is known. */
const MAX_KEY = 40;
/** The longest language name of a code fence. */
const MAX_LANGUAGE = 16;
/** What may stand between the objects of one answer without being prose. */
const BETWEEN_REGEXP = /^[\s[\],]*$/;

/** Whether the one-character string is whitespace, as `String.prototype.trim` sees it. */
function isSpace(char: string): boolean {
  return /\s/.test(char);
}

/** Returns the index of the first character of `text`, from `from` on, that is no space. */
export function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text.charAt(at))) at++;
  return at;
}

/**
 * Makes a reader of strings that decodes valid JSON exactly as `JSON.parse` does and forgives
 * what models get wrong: raw control characters are taken as they are, an invalid escape stands
 * for itself (`\(` in LaTeX), and a quote that nothing of JSON follows is a quote of the text.
 *
 * What ends a string is a quote with `,` `}` `]` or `:` after it, or the end of the input. In a
 * member's value, where no colon can follow, a colon does not count, and a comma only with a
 * quote, a bracket or a comment behind it: `"He said "no", then "yes": fine"` is one string.
 *
 * @param quote the quote that opened the string, `"` or `'`; it is read already
 * @param member whether the string is a member's value, and no key or element
 */
export function createStringReader(quote: string, member: boolean): ValueReader {
  let mode: "text" | "escape" | "hex" | "quote" | "comma" | "closed" = "text";
  let hex = "";
  /** What came since a quote of which it is not known yet whether it ends the string */
  let held: string[] = [];

  function readChar(char: string, out: string[]): boolean {
    switch (mode) {
      case "escape":
        if (char === "u") {
          hex = "";
          mode = "hex";
          return true;
        }
        out.push(ESCAPES[char] ?? (char === quote ? char : "\\" + char));
        mode = "text";
        return true;
      case "hex":
        if (!/[0-9a-f]/i.test(char)) {
          out.push("\\u" + hex);
          mode = "text";
          return false;
        }
        hex += char;
        if (hex.length === 4) {
          out.push(String.fromCharCode(parseInt(hex, 16)));
          mode = "text";
        }
        return true;
      case "quote":
        if (member && char === ",") {
          held.push(char);
          mode = "comma";
          return true;
        }
        if (member ? "}]".includes(char) : ",:}]".includes(char)) {
          mode = "closed";
          return false;
        }
        break;
      default:
        if (`"'}]/`.includes(char)) {
          mode = "closed";
          return false;
        }
    }
    out.push(held.join(""));
    mode = "text";
    return false;
  }

  return {
    read(text, from, out) {
      const stop = quote.charCodeAt(0);
      let at = from;
      while (at < text.length && mode !== "closed") {
        let to = at;
        if (mode === "text") {
          for (; to < text.length; to++) {
            const code = text.charCodeAt(to);
            if (code === stop || code === BACKSLASH) break;
          }
          if (to > at) out.push(text.slice(at, to));
          if (to < text.length) {
            mode = text.charCodeAt(to) === stop ? "quote" : "escape";
            held = [quote];
            to++;
          }
        } else {
          if (mode === "quote" || mode === "comma") to = skipSpace(text, at);
          if (to > at) held.push(text.slice(at, to));
          else if (readChar(text.charAt(at), out)) to++;
        }
        at = to;
      }
      return at;
    },
    closed: () => mode === "closed",
  };
}

/** Makes a reader of an array's or object's source, from its opening bracket on. */
export function createSourceReader(): ValueReader {
  let depth = 0;
  let quote = "";
  let escaped = false;
  let ended = false;

  return {
    read(text, from, out) {
      let at = from;
      while (at < text.length && !ended) {
        const char = text.charAt(at++);
        if (escaped) escaped = false;
        else if (quote !== "") {
          if (char === "\\") escaped = true;
          else if (char === quote) quote = "";
        } else if (char === '"' || char === "'") quote = char;
        else if (char === "{" || char === "[") depth++;
        else if (char === "}" || char === "]") ended = --depth === 0;
      }
      out.push(text.slice(from, at));
      return at;
    },
    closed: () => ended,
  };
}

/**
 * Makes a function that passes text on in whole characters: half a surrogate pair at a piece's
 * end waits for the next piece, and one that stays alone becomes U+FFFD.
 *
 * @returns a function from the next piece, or nothing at the end, to what can be passed on
 */
export function createPairJoiner(): (piece?: string) => string {
  let half = "";
  return (piece) => {
    const text = half + (piece ?? "");
    const last = text.charCodeAt(text.length - 1);
    half = piece !== undefined && last >= 0xd800 && last <= 0xdbff ? text.slice(-1) : "";
    return text.slice(0, text.length - half.length).toWellFormed();
  };
}

/**
 * Makes a finder of the objects in a text. The first 256 units wait for an object and are dropped
 * if one begins within them; text that waited in vain is shown, trimmed, and so is what follows
 * until an object begins. Text after an object is dropped.
 *
 * An object begins with a brace and a quoted key. Amid prose the key must be a known one, written
 * in plain letters, with its colon; where there are only code fences, brackets and commas, any.
 *
 * @param isKnown whether an object in prose with this first key is one to be read
 * @param show takes the next piece of the text that is shown; never empty
 */
export function createProseReader(
  isKnown: (key: string) => boolean,
  show: (text: string) => void,
): ProseReader {
  let stage: "prelude" | "plain" | "after" = "prelude";
  let mode: "text" | "fence" | "brace" | "key" | "colon" = "text";
  /** Whether there was no prose since the beginning or the last object */
  let clean = true;
  let begun: ObjectStart | undefined;
  /** Undecided text: the prelude, space that may be the last, a fence, a possible object */
  let held: string[] = [];
  let heldLength = 0;
  let ticks = 0;
  let language = 0;
  let quote = "";
  let key = "";

  function hold(text: string): void {
    if (stage === "after") return;
    held.push(text);
    heldLength += text.length;
  }

  function release(): void {
    stage = "plain";
    clean = false;
    const text = held.join("");
    const shown = text.trimEnd();
    if (shown !== "") show(shown);
    held = [text.slice(shown.length)];
  }

  function isOverdue(): boolean {
    return stage === "prelude" && heldLength > MAX_PRELUDE;
  }

  function begin(object: ObjectStart): true {
    begun = object;
    stage = "after";
    mode = "text";
    clean = true;
    held = [];
    return true;
  }

  function reject(): false {
    clean = false;
    mode = "text";
    return false;
  }

  function readText(text: string, from: number): number {
    if (text.charAt(from) === "`") {
      ticks = 0;
      language = 0;
      mode = "fence";
      return from;
    }
    if (text.charAt(from) === "{") {
      if (isOverdue()) release();
      hold("{");
      mode = "brace";
      return from + 1;
    }
    let to = from;
    while (to < text.length && !"{`".includes(text.charAt(to))) to++;
    let run = text.slice(from, to);
    if (stage === "prelude" && heldLength === 0) run = run.trimStart();
    clean &&= BETWEEN_REGEXP.test(run);
    hold(run);
    if (stage === "plain" ? run.trim() !== "" : isOverdue()) release();
    return to;
  }

  /** Reads on in a fence; false if the character is not part of it. */
  function readFence(char: string): boolean {
    if (char === "`" && language === 0) ticks++;
    else if (ticks < 3 || language >= MAX_LANGUAGE || !/[a-z0-9]/i.test(char)) {
      mode = "text";
      return false;
    } else language++;
    hold(char);
    return true;
  }

  /** Reads on in what may be an object; false if with this character it is none. */
  function readObject(char: string): boolean {
    if (mode === "key") {
      if (char === quote && isKnown(key)) mode = "colon";
      else if (key.length < MAX_KEY && /[a-z_\- ]/i.test(char)) key += char;
      else return reject();
    } else if (mode === "brace" && (char === '"' || char === "'")) {
      if (clean) return begin({ quote: char });
      quote = char;
      key = "";
      mode = "key";
    } else if (mode === "colon" && char === ":") return begin({ key });
    else if (!isSpace(char)) return reject();
    hold(char);
    return true;
  }

  return {
    read(text, from) {
      begun = undefined;
      let at = from;
      while (at < text.length && begun === undefined) {
        const char = text.charAt(at);
        if (mode === "text") at = readText(text, at);
        else if (mode === "fence") at += readFence(char) ? 1 : 0;
        else at += readObject(char) ? 1 : 0;
      }
      return at;
    },
    begun: () => begun,
    close() {
      // A brace at the very end is an object of which nothing was read.
      const cut = stage === "prelude" && clean && mode === "brace";
      if (stage !== "after" && !cut) release();
    },
  };
}
