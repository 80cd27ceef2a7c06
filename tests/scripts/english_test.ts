import { assertEquals } from "@std/assert";
import { decodedPhrases } from "../../scripts/english.ts";

Deno.test("phrases that are hard to read are reported with their line", () => {
  const text = `/**
 * Plain text, even with whatever and none.
 *
 * The log is told of each line; whoever reads it is
 * told too, which is no JSON but is no error.
 */
const told = "which goes on"; // a model
// comes to this`;
  const found = decodedPhrases("a.ts", text).map((fault) => fault.replace(/: write.*/, ""));
  assertEquals(found.sort(), [
    'a.ts:4: "is told"',
    // Across the line break.
    'a.ts:4: "is told"',
    'a.ts:4: "told of"',
    'a.ts:4: "whoever"',
    'a.ts:5: "is no JSON"',
    'a.ts:7: "goes on"',
    'a.ts:8: "comes to"',
  ]);
});
