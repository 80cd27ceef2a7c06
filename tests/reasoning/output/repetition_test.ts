import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { createRepetitionDetector } from "../../../lib/reasoning/output/repetition.ts";

/** Whether the last of the texts repeats an earlier one. */
function repeats(...texts: string[]): boolean {
  const detector = createRepetitionDetector();
  return texts.map((text) => detector.repeats(text)).at(-1)!;
}

const words = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `w${from + i}`).join(" ");

const CASES: [name: string, earlier: string, text: string, repeated: boolean][] = [
  ["the same text", "Add two and two to get four.", "Add two and two to get four.", true],
  ["other case and marks", "Add two, and two: to get four!", "ADD TWO AND TWO TO GET FOUR", true],
  ["other words", "Add two and two to get four.", "Count on from two by two more.", false],
  ["the same words in another order", "a b c d e f g", "g f e d c b a", false],
  ["a longer text with all of it inside", words(0, 40), words(0, 60), false],
  // One of 100 shingles differs: 99 / 101.
  ["one word of many changed at the end", words(0, 104), `${words(0, 103)} x`, true],
  // 5 of 36 shingles differ: 31 / 41.
  ["one word of few changed in the middle", words(0, 40), words(0, 40).replace("w20", "x"), false],
  ["fewer than five words, the same", "Check it.", "check it", true],
  ["fewer than five words, others", "Check it.", "Check that.", false],
  ["Chinese, the same", "二加二等于四，我们再检查一遍。", "二加二等于四我们再检查一遍", true],
  ["Chinese, other", "二加二等于四，我们再检查一遍。", "三乘三等于九，现在给出答案。", false],
  ["Japanese, the same", "もう一度たしかめます。", "もう一度たしかめます", true],
  ["Thai, other", "ตรวจสอบอีกครั้ง", "คำตอบคือสี่แน่นอน", false],
  ["accents", "Überprüfe die Größe noch einmal", "überprüfe die größe noch einmal", true],
];

for (const [name, earlier, text, repeated] of CASES) {
  Deno.test(`${name}: ${repeated ? "a" : "no"} repetition`, () => {
    assertEquals(repeats(earlier, text), repeated);
    assertEquals(repeats(text, earlier), repeated);
  });
}

Deno.test("the similarity must be greater than 0.9", () => {
  // n words have n - 4 shingles; a text with 10 % more words holds 10 shingles of 11.
  assertEquals(repeats(words(0, 94), words(0, 104)), false);
  assertEquals(repeats(words(0, 95), words(0, 104)), true);
});

Deno.test("every earlier text is compared, not only the last", () => {
  assertEquals(repeats("a b c d e f", "g h i j k l", "m n o p q r", "a b c d e f"), true);
});

Deno.test("the first text is no repetition, and any text repeats itself", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), fc.string(), (text, other) => {
    assertEquals(repeats(text), false);
    assertEquals(repeats(text, text), true);
    assertEquals(repeats(text, other, text), true);
    assertEquals(repeats(text, other), repeats(other, text));
  }));
});

Deno.test("long texts are read in linear time", () => {
  const long = words(0, 100_000);
  assertEquals(repeats(long, long), true);
});
