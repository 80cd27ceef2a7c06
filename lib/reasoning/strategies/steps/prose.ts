/** Finds the JSON objects in a model's text and shows the prose in which no object was found. */
import { type Input, isQuote, isSpace, peek, type Reading } from "./input.ts";

/** The object's first key, or the quote that opens it. Either has been taken from the input. */
export type ObjectStart = { key: string } | { quote: string };

export interface Prose {
  /**
   * Whether text is held back before the first object ("prelude"), shown since none was found in
   * time ("shown"), or dropped since an object came before it ("after").
   */
  stage: "prelude" | "shown" | "after";
  /** Text that may yet be dropped: the prelude, trailing space, the start of a possible object. */
  held: string;
  /** Whether only code fences, brackets, commas and space came since the start or last object. */
  isBare: boolean;
  /** Whether an object with this first key is read although prose surrounds it. */
  isKnownKey: (key: string) => boolean;
  /** Takes the next piece of the prose to show; never empty. */
  show: (text: string) => void;
}

/** Longest text before an object that is dropped, in UTF-16 code units. */
const MAX_PRELUDE = 256;
/** Longest first key of an object in prose. */
const MAX_KEY = 40;
/** Longest language name of a code fence. */
const MAX_LANGUAGE = 16;

/**
 * Reads on to the start of the next object: a brace and a quoted key. Surrounded by prose, the key
 * must be a known one of plain letters with a colon after it.
 *
 * @returns undefined at the end of the text.
 */
export function* findObject(input: Input, prose: Prose): Reading<ObjectStart | undefined> {
  for (let char = yield* peek(input); char !== ""; char = yield* peek(input)) {
    if (char === "`") yield* readFence(input, prose);
    else if (char === "{") {
      const start = yield* readObjectStart(input, prose);
      if (start !== undefined) {
        Object.assign(prose, { stage: "after", held: "", isBare: true });
        return start;
      }
    } else readText(input, prose);
  }
  if (prose.stage !== "after") release(prose);
  return undefined;
}

function readText(input: Input, prose: Prose): void {
  const { text, at } = input;
  while (input.at < text.length && !"{`".includes(text.charAt(input.at))) input.at++;
  const run = text.slice(at, input.at);
  prose.isBare &&= /^[\s[\],]*$/.test(run);
  hold(prose, prose.stage === "prelude" && prose.held === "" ? run.trimStart() : run);
  if (prose.stage === "shown" ? run.trim() !== "" : isOverdue(prose)) release(prose);
}

function* readFence(input: Input, prose: Prose): Reading {
  let ticks = 0;
  let language = 0;
  for (;;) {
    const char = yield* peek(input);
    if (char === "`" && language === 0) ticks++;
    else if (ticks >= 3 && language < MAX_LANGUAGE && /[a-z0-9]/i.test(char)) language++;
    else return;
    takeHeld(input, prose);
  }
}

function* readObjectStart(input: Input, prose: Prose): Reading<ObjectStart | undefined> {
  if (isOverdue(prose)) release(prose);
  takeHeld(input, prose);
  const quote = yield* nextAfterSpace(input, prose);
  // A brace at the very end is an object of which nothing was read.
  if (quote === "" && prose.stage === "prelude" && prose.isBare) prose.held = "";
  if (isQuote(quote)) {
    takeHeld(input, prose);
    if (prose.isBare) return { quote };
    let key = "";
    let char = yield* peek(input);
    while (key.length < MAX_KEY && /[a-z_\- ]/i.test(char)) {
      key += char;
      takeHeld(input, prose);
      char = yield* peek(input);
    }
    if (char === quote && prose.isKnownKey(key)) {
      takeHeld(input, prose);
      if ((yield* nextAfterSpace(input, prose)) === ":") {
        input.at++;
        return { key };
      }
    }
  }
  prose.isBare = false;
  return undefined;
}

function* nextAfterSpace(input: Input, prose: Prose): Reading<string> {
  let char = yield* peek(input);
  for (; isSpace(char); char = yield* peek(input)) takeHeld(input, prose);
  return char;
}

function takeHeld(input: Input, prose: Prose): void {
  hold(prose, input.text.charAt(input.at++));
}

function hold(prose: Prose, text: string): void {
  if (prose.stage !== "after") prose.held += text;
}

function isOverdue({ stage, held }: Prose): boolean {
  return stage === "prelude" && held.length > MAX_PRELUDE;
}

/** Shows what is held, apart from the space at its end. */
function release(prose: Prose): void {
  prose.stage = "shown";
  prose.isBare = false;
  const text = prose.held.trimEnd();
  prose.held = prose.held.slice(text.length);
  if (text !== "") prose.show(text);
}
