import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { differencesOf } from "../../../lib/playground/page/view/differences.ts";
import { longestStall } from "../../support/measure/stall.ts";
import { assertWithin } from "../../support/measure/noise.ts";

type Differences = Awaited<ReturnType<typeof differencesOf>>;

const textOf = (differences: Differences, without: string) =>
  differences.filter(({ kind }) => kind !== without).map(({ text }) => text).join("");

const short = (differences: Differences) =>
  differences.map(({ kind, text }) => `${{ same: "", removed: "-", added: "+" }[kind]}${text}`);

for (
  const [before, after, expected] of [
    ["", "", []],
    ["a b", "a b", ["a b"]],
    ["", "a", ["+a"]],
    ["a", "", ["-a"]],
    ["The answer is 4.", "The answer is 5.", ["The answer is ", "-4", "+5", "."]],
    ["one two three", "one three", ["one ", "-two ", "three"]],
    ["答案是四。", "答案是五。", ["答案是", "-四", "+五", "。"]],
    ["<b>x</b>", "<i>x</i>", ["<", "-b", "+i", ">x</", "-b", "+i", ">"]],
  ] as const
) {
  Deno.test(`the differences of "${before}" and "${after}" are found`, async () => {
    assertEquals(short(await differencesOf(before, after)), [...expected]);
  });
}

Deno.test("differences contain both texts whole", async () => {
  const word = fc.constantFrom("a", "b", "c", " ", "\n", ".", "字", "𝒳", "\ud800");
  const text = fc.array(word, { maxLength: 60 }).map((words) => words.join(""));
  await fc.assert(fc.asyncProperty(text, text, async (before, after) => {
    const differences = await differencesOf(before, after);
    assertEquals([textOf(differences, "added"), textOf(differences, "removed")], [before, after]);
  }));
});

const WORDS = Array.from({ length: 40_000 }, (_, index) => `w${index * 7919 % 40_009}`);

for (
  const [name, before, after] of [
    ["with a change every 100 words", WORDS, WORDS.map((word, i) => i % 100 === 0 ? "x" : word)],
    ["with nothing in common", WORDS, WORDS.map((word) => `${word}x`)],
    ["in opposite order", WORDS, WORDS.toReversed()],
    [
      "of two words each",
      WORDS.map((_, i) => i % 3 === 0 ? "a" : "b"),
      WORDS.map((_, i) => i % 2 === 0 ? "a" : "b"),
    ],
  ] as const
) {
  Deno.test(`long texts ${name} are compared in bounded time without a pause`, async () => {
    let differences: Differences = [];
    let stallMs = NaN;
    await assertWithin(2_000, async () => {
      stallMs = await longestStall(async () => {
        differences = await differencesOf(before.join(" "), after.join(" "));
      });
    });
    assert(stallMs < 200, `${stallMs} ms`);
    assertEquals(textOf(differences, "added"), before.join(" "));
    assertEquals(textOf(differences, "removed"), after.join(" "));
    if (name.includes("every")) assert(differences.length > 800, String(differences.length));
  });
}

Deno.test("a comparison ends when it is no longer wanted", async () => {
  const reason = new Error("closed");
  await assertRejects(
    () => differencesOf(WORDS.join(" "), "x", AbortSignal.abort(reason)),
    Error,
    "closed",
  );
});
