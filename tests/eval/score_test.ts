import { assertEquals } from "@std/assert";
import { OWN_PROBLEMS, parseDataset } from "../../lib/eval/dataset.ts";
import { scoreByExtraction } from "../../lib/eval/score.ts";

Deno.test("the answer of each built-in problem is right in every form", async () => {
  const problems = await parseDataset(await Deno.readTextFile(OWN_PROBLEMS), "own");
  const forms = [
    (answer: string) => `FINAL: ${answer}`,
    (answer: string) => `**${answer}**`,
    (answer: string) => `Thus \\boxed{${answer}}.`,
  ];
  for (const problem of problems) {
    for (const form of forms) {
      const content = form(problem.answers[0]!);
      assertEquals(scoreByExtraction(problem, content).correct, true, `${problem.id}: ${content}`);
    }
    assertEquals(scoreByExtraction(problem, "FINAL: -4711").correct, false, problem.id);
  }
});

Deno.test("answers are compared by value", async () => {
  const cases: [object, string, boolean][] = [
    [{ question: "?", answer: "#### 1,250" }, "She pays 1250 euros. FINAL: $1,250.00", true],
    [{ question: "?", answer: "#### 1,250" }, "So 5 of 7.\n\nThe answer is **1,250**.", true],
    [{ question: "?", answer: "B", options: ["dog", "cat"] }, "The answer is B) cat.", true],
    [{ question: "?", answer: "B", options: ["dog", "cat"] }, "B) cat", true],
    [{ question: "?", answer: "B", options: ["dog", "cat"] }, "A", false],
    [{ problem: "?", answer: "070" }, "The answer is \\boxed{70}.", true],
    [{ problem: "?", answer: "\\frac{3}{4}", unique_id: "t" }, "It is $\\boxed{\\dfrac34}$.", true],
    [{ problem: "?", answer: "\\frac{3}{4}", unique_id: "t" }, "\\boxed{0.75}", true],
  ];
  for (const [row, content, expected] of cases) {
    const [problem] = await parseDataset(JSON.stringify(row), "data");
    assertEquals(scoreByExtraction(problem!, content).correct, expected, content);
  }
});
