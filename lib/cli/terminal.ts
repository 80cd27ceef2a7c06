/**
 * Writing to a terminal, or to what stands in its place.
 *
 * @module
 */

/** Where text goes. */
export interface AskOutput {
  /** The answer. */
  out(text: string): void;
  /** Thinking and figures. */
  err(text: string): void;
  /** Whether `err` is a terminal that can rewrite its last line. */
  canRewrite: boolean;
  /** Whether `err` may be coloured. */
  colours: boolean;
  /** Columns of the terminal, now; without one, Infinity. */
  columns(): number;
}

/** Nobody reads any more: 128 and the number of SIGPIPE, as shells have it. */
const UNREAD = 141;

/** Control characters that a model could move the cursor or set the title with. */
// deno-lint-ignore no-control-regex -- they are what is looked for
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/** A text that a terminal shows and does not obey: no controls but newline and tab. */
export function plain(text: string): string {
  return text.replace(CONTROLS, "");
}

/** Writes all of the text; ends the process where nobody reads it any more, as after `| head`. */
export function print(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(UNREAD);
    throw error;
  }
}

/** The outputs of this process. */
export function terminal(): AskOutput {
  const isTerminal = Deno.stderr.isTerminal();
  const obeys = isTerminal && Deno.env.get("TERM") !== "dumb";
  return {
    out: (text) => print(Deno.stdout, text),
    err: (text) => print(Deno.stderr, text),
    canRewrite: obeys,
    colours: obeys && !Deno.env.get("NO_COLOR"),
    // Asked each time: windows change.
    columns: () => isTerminal ? columns() : Infinity,
  };
}

/** Some terminals say 0. */
function columns(): number {
  return Deno.consoleSize().columns || 80;
}

/** The beginning of a text, in so many columns. */
export function fitStart(text: string, columns: number): string {
  const characters = [...text];
  const fitting = taken(characters, columns);
  return fitting.length === characters.length ? text : `${taken(fitting, columns - 2).join("")}…`;
}

/** The end of a text, in so many columns. */
export function fitEnd(text: string, columns: number): string {
  return taken([...text].reverse(), columns).reverse().join("");
}

function taken(characters: string[], columns: number): string[] {
  let width = 0;
  const end = characters.findIndex((each) => (width += mostColumns(each)) > columns);
  return end < 0 ? characters : characters.slice(0, end);
}

/** What a character takes at most: the first wide ones are Hangul's, and a bound is enough. */
function mostColumns(character: string): number {
  return character.codePointAt(0)! < 0x1100 ? 1 : 2;
}
