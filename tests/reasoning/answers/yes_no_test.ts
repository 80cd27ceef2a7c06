import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { extractAnswer } from "../../../lib/reasoning/answers/extractor.ts";
import { readQuestion } from "../../../lib/reasoning/answers/question.ts";
import { readYesNo, yesNoQuestion } from "../../../lib/reasoning/answers/yes_no.ts";
import { assertWithin } from "../../support/measure/noise.ts";

const READ_MS = 100;

for (
  const [question, answer, expected] of [
    ["Is 221 a prime number?", "221 is not prime: 221 = 13 × 17.", "no"],
    [
      "Is 221 prime? Reply with yes or no alone.",
      "221 is not prime: 221 = 13 × 17.\n\n(A note.)",
      "no",
    ],
    ["Is 397 a prime number?", "397 is prime.", "yes"],
    ["Is 221 prime?", "No. It is 13 × 17.", "no"],
    ["Is 221 prime?", "no", "no"],
    ["Is 221 prime?", "**No**, because 13 × 17 = 221.", "no"],
    [
      "Is 397 prime?",
      "Suppose 397 is not prime. No divisor up to 19 exists. So 397 is prime.",
      "yes",
    ],
    ["Is 397 prime?", "It has no divisor up to 19.\n\nThe answer is yes.", "yes"],
    ["Is 397 prime?", "It has no divisor up to 19.\nAnswer: Yes", "yes"],
    ["Is 221 prime?", "221 isn't prime.", "no"],
    ["Is 7.5 greater than 7.25?", "7.5 is greater than 7.25.", "yes"],
    ["Does 12 divide 100?", "12 does not divide 100; the remainder is 4.", "no"],
    ["Can a square have three sides?", "A square can't have three sides.", "no"],
    ["Is 221 prime?", "FINAL: no", "no"],
    ["Is 221 prime?", "FINAL: No, since 13 × 17 = 221.", "no"],
    ["Is 221 prime?", "FINAL: 13 × 17", "13 × 17"],
    ["Is 221 prime? Answer yes or no.", "FINAL: 13 × 17", undefined],
    ["Is 221 prime?", "\\boxed{\\text{No}}", "\\text{No}"],
    ["Is 397 prime?", "397 is prime. And 399? Certainly not, no.", "yes"],
    ["Is Paris large today?", "Paris is old.", undefined],
    ["Is Paris large and old?", "Paris is large and wide.", undefined],
    ["Is Paris large and old today?", "Paris is large and old.", "yes"],
    ["Is 221 prime?", "It is not.", "no"],
    ["Does 12 divide 96?", "So it does.", "yes"],
    ["Does 12 divide 96?", "It is 8.", undefined],
    // Nothing is said about the question: no number is taken for the answer.
    ["Is 221 prime? Answer yes or no.", "Its factors are 13 and 17.", undefined],
    // Questions for something else.
    ["What is 3 + 4?", "3 + 4 = 7. That is no surprise.", "7"],
    ["Is 9.9 or 9.11 larger?", "The larger one is 9.9", "9.9"],
    ["Can you calculate 3 + 4?", "Yes, it is 7", "7"],
    ["Is it late? What is 3 + 4?", "It is 7", "7"],
  ] as const
) {
  Deno.test(`the answer to "${question}" in ${JSON.stringify(answer)} is ${expected}`, () => {
    assertEquals(extractAnswer(answer, { question: readQuestion(question) }), expected);
  });
}

Deno.test("long texts are read in linear time", async () => {
  const question = yesNoQuestion(`Is ${"1 ".repeat(100)}prime?`)!;
  for (const piece of ["is ", "1 ", ". ", "\n", "not ", "'", "1.", "yes "]) {
    const text = piece.repeat(50_000);
    await assertWithin(READ_MS, () => {
      readYesNo(text, question);
      yesNoQuestion(`${text}?`);
    });
  }
});

Deno.test("any text is read without errors", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.string(), (text, question) => {
    const found = yesNoQuestion(question) ?? yesNoQuestion("Is 1 prime?")!;
    const answer = readYesNo(text, found);
    assert(answer === undefined || answer === "yes" || answer === "no");
  }));
});
