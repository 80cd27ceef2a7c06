import { assertMatch } from "@std/assert";
import { shorten } from "../../../lib/reasoning/tools/turns.ts";

Deno.test("the middle of a long text is left out without a half of a character", () => {
  for (const start of ["", "x"]) {
    const text = shorten(start + "😀".repeat(30), 21);
    assertMatch(text, /^x?\p{Emoji}+\n\[\d+ characters left out\]\n\p{Emoji}+$/u);
  }
});
