import { assert, assertEquals } from "@std/assert";
import { acceptedShares } from "../../../lib/reasoning/answers/contributions.ts";

const CASES: [name: string, answer: string, candidates: string[], shares: number[]][] = [
  ["a copy", "one two three four", ["One, two; three four!"], [1]],
  ["an answer that shares nothing", "one two three", ["three two one"], [0]],
  ["a part of each", "a b c d e f", ["a b c d", "d e f g"], [0.5, 0.25]],
  ["a part that two candidates have", "a b c", ["a b c", "x a b c y"], [0.5, 0.5]],
  ["a repeated candidate", "a b c d", ["a b c a b c a b c"], [0.5]],
  ["a short answer", "42", ["The answer is 42.", "It is 41."], [1, 0]],
  ["Chinese, by characters", "今天天气好", ["今天天气很好"], [0.667]],
  ["an empty candidate", "a b c", [""], [0]],
  ["an empty answer", "", ["a b c", ""], [0, 0]],
];

for (const [name, answer, candidates, shares] of CASES) {
  Deno.test(`shares of ${name}`, () => {
    assertEquals(acceptedShares(answer, candidates), shares);
  });
}

Deno.test("only the first 8,192 characters of long texts are compared", () => {
  const start = "a b c ".repeat(1_365) + "a ";
  assertEquals(start.length, 8_192);
  assertEquals(acceptedShares(start, [start, `${start}${"x y z ".repeat(1_000_000)}`]), [0.5, 0.5]);
  const tail = "x y z ".repeat(400);
  assertEquals(acceptedShares(start + tail, [start + tail, tail]), [1, 0]);
  assert(acceptedShares(start, Array(16).fill(start)).every((share) => share > 0));
});
