import { assert, assertEquals } from "@std/assert";
import { createRandom } from "../../../lib/random.ts";
import { letterList, shuffled } from "../../../lib/reasoning/answers/candidates.ts";

Deno.test("each order of candidates is equally likely", () => {
  const random = createRandom(4711);
  const counts = new Map<string, number>();
  for (let i = 0; i < 6_000; i++) {
    const order = shuffled(3, random).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assertEquals([...counts.keys()].sort(), ["012", "021", "102", "120", "201", "210"]);
  // Five standard deviations.
  for (const [order, count] of counts) assert(Math.abs(count - 1_000) < 145, `${order}: ${count}`);
});

Deno.test("candidates get the letters A to Z, then A1 and so on", () => {
  const texts = Array.from({ length: 53 }, (_, i) => `text ${i}`);
  const lines = letterList(texts).split("\n\n");
  assertEquals(lines[0], "[A]\ntext 0");
  assertEquals(lines[25], "[Z]\ntext 25");
  assertEquals(lines[26], "[A1]\ntext 26");
  assertEquals(lines[52], "[A2]\ntext 52");
});
