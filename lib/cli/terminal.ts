/** Exit code if the reader of the output is gone: 128 plus the number of SIGPIPE, as in shells. */
const BROKEN_PIPE = 141;

/** Control characters, with which a model could move the cursor or set the title. */
// deno-lint-ignore no-control-regex -- removing them is the purpose
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/** Removes all control characters except newline and tab. */
export function plain(text: string): string {
  return text.replace(CONTROLS, "");
}

/** Writes the whole text. Exits if the reader is gone, as after `| head`. */
export function print(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(BROKEN_PIPE);
    throw error;
  }
}

export function columns(): number {
  // Some terminals report 0.
  return Deno.consoleSize().columns || 80;
}

/** Cuts the end of a text so that it fits into a number of columns. */
export function fitStart(text: string, columns: number): string {
  const characters = [...text];
  const fitting = takeColumns(characters, columns);
  if (fitting.length === characters.length) return text;
  return `${takeColumns(fitting, columns - 2).join("")}…`;
}

/** Cuts the start of a text so that it fits into a number of columns. */
export function fitEnd(text: string, columns: number): string {
  return takeColumns([...text].reverse(), columns).reverse().join("");
}

function takeColumns(characters: string[], columns: number): string[] {
  let width = 0;
  const end = characters.findIndex((character) => {
    // An upper bound is enough: the first wide characters are those of Hangul.
    width += character.codePointAt(0)! < 0x1100 ? 1 : 2;
    return width > columns;
  });
  return end < 0 ? characters : characters.slice(0, end);
}
