import { assertEquals } from "@std/assert";
import { createStopFilter } from "../../../lib/reasoning/output/stop_filter.ts";

/** What a filter shows of a text in pieces, and the sequence that it found. */
function filtered(stops: readonly string[], pieces: readonly string[]) {
  const filter = createStopFilter(stops);
  const shown = pieces.map((piece) => filter.push(piece)).join("") + filter.end();
  return [shown, filter.sequence()];
}

const CASES: [stops: string[], text: string, shown: string, sequence: string | undefined][] = [
  [["END"], "One. END two", "One. ", "END"],
  [["END"], "END", "", "END"],
  [["END"], "One. EN", "One. EN", undefined],
  [["END"], "One. EnD", "One. EnD", undefined],
  [["END"], "ENEND", "EN", "END"],
  [["aab"], "aaab", "a", "aab"],
  [["\n\n"], "a\nb\n\nc\n\nd", "a\nb", "\n\n"],
  [["four", "two"], "one two three four", "one ", "two"],
  [["two", "four"], "one two three four", "one ", "two"],
  [[], "One.", "One.", undefined],
  [["", "\ud83d"], "One. 😀", "One. 😀", undefined],
];

for (const [stops, text, shown, sequence] of CASES) {
  Deno.test(`${JSON.stringify(text)} until ${JSON.stringify(stops)}, wherever it is cut`, () => {
    const cuts = Array.from({ length: text.length + 1 }, (_, at) => [
      text.slice(0, at),
      text.slice(at),
    ]);
    for (const pieces of [...cuts, text.split("")]) {
      assertEquals(filtered(stops, pieces), [shown, sequence], JSON.stringify(pieces));
    }
  });
}

Deno.test("only the possible beginning of a stop sequence is held back", () => {
  const filter = createStopFilter(["END", "\n"]);
  assertEquals(["One. ", "E", "N", "T", "EEN", "D."].map((piece) => filter.push(piece)), [
    "One. ",
    "",
    "",
    "ENT",
    "E",
    "",
  ]);
  assertEquals([filter.push("More."), filter.end(), filter.sequence()], ["", "", "END"]);
});
