import { assert } from "@std/assert";
import { extractAnswer } from "../../../lib/reasoning/answers/extractor.ts";
import { readQuestion } from "../../../lib/reasoning/answers/question.ts";
import { sameAnswer } from "../../../lib/reasoning/answers/value.ts";

/** An answer of a real model (SmolLM2-135M-Instruct), read by a person. */
interface RecordedAnswer {
  question: string;
  text: string;
  cut: boolean;
  /** What the text may be read as; null: it holds no short answer, or none that is clear. */
  readings: (string | null)[];
}

const CORPUS = new URL("../../fixtures/answers.jsonl", import.meta.url);

Deno.test("at least 97 % of real answers are read correctly, and at most 1 % incorrectly", () => {
  const answers = Deno.readTextFileSync(CORPUS).trim().split("\n")
    .map((line) => JSON.parse(line) as RecordedAnswer);
  assert(answers.length >= 400, `${answers.length} answers`);
  const unread: string[] = [];
  const wrong: string[] = [];
  for (const { question, text, cut, readings } of answers) {
    const reading = extractAnswer(text, { question: readQuestion(question), cut });
    const isRight = readings.some((expected) =>
      expected === null || reading === undefined
        ? (reading ?? null) === expected
        : sameAnswer(reading, expected)
    );
    if (isRight) continue;
    (reading === undefined ? unread : wrong).push(`${question} ${reading}: ${text.slice(-100)}`);
  }
  const right = answers.length - unread.length - wrong.length;
  const percent = (count: number) => `${(100 * count / answers.length).toFixed(1)} %`;
  const figures = `${answers.length} answers: ${percent(right)} right, ` +
    `${percent(unread.length)} unread, ${percent(wrong.length)} wrong`;
  console.log(figures);
  const report = [figures, ...unread, ...wrong].join("\n");
  assert(right / answers.length >= 0.97, report);
  assert(wrong.length / answers.length <= 0.01, report);
});
