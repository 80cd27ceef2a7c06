import { assertEquals } from "@std/assert";
import { tally } from "../../../lib/reasoning/answers/vote_decision.ts";

for (const [total, text] of [[1, "1 sample"], [2, "2 samples"]] as const) {
  Deno.test(`without an answer, the tally counts ${text}`, () => {
    assertEquals(tally([], total).text, `No answer could be read in ${text}.`);
  });
}
