import { assert, assertEquals } from "@std/assert";
import { hasShortAnswer, readQuestion } from "../../../lib/reasoning/answers/question.ts";

function linesOf(fixture: string): string[] {
  const url = new URL(`../../fixtures/${fixture}`, import.meta.url);
  return Deno.readTextFileSync(url).trim().split("\n");
}

Deno.test("questions with a short answer are distinguished from open ones", () => {
  const missed: string[] = [];
  let short = 0;
  for (const line of linesOf("questions.tsv")) {
    const [kind, question = ""] = line.split("\t");
    const isShort = hasShortAnswer(question);
    if (kind === "open") assert(!isShort, question);
    else {
      short++;
      if (!isShort) missed.push(question);
    }
  }
  assert(missed.length <= 0.05 * short, missed.join("\n"));
});

Deno.test("recorded questions are classified by their kind", () => {
  const kinds = new Map(
    linesOf("answers.jsonl").map((line) => {
      const { question, kind } = JSON.parse(line) as { question: string; kind: string };
      return [question, kind !== "code" && kind !== "open"] as const;
    }),
  );
  const wrong = [...kinds].filter(([question, isShort]) => hasShortAnswer(question) !== isShort);
  assert(wrong.length <= 0.01 * kinds.size, wrong.map(([question]) => question).join("\n"));
});

for (const word of ["many", "high", "often"]) {
  Deno.test(`a question that asks how ${word} asks for a number`, () => {
    assertEquals(readQuestion(`How ${word} is it?`).kind, "number");
  });
}

Deno.test("only the last question decides", () => {
  const pasted = "How many are there? 3 + 4 = 7. ".repeat(100);
  assertEquals(hasShortAnswer(`${pasted}\nHow would you improve this?`), false);
  assertEquals(hasShortAnswer(`Explain the rest later. ${pasted}\nWhat is 6 times 7?`), false);
  assertEquals(hasShortAnswer(`${pasted}\nWhat is 6 times 7?`), true);
});
