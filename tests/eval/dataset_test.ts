import { assert, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/eval/input_error.ts";
import { choose, OWN_PROBLEMS, parseDataset } from "../../lib/eval/dataset.ts";
import { solve } from "../../lib/upstream/demo/solver.ts";
import { createRandom } from "../../lib/random.ts";

const lines = (...rows: object[]) => rows.map((row) => JSON.stringify(row)).join("\n");

const GSM8K = lines(
  { question: "How many clips?", answer: "48/2 = <<48/2=24>>24\n#### 72" },
  { question: "How many euros?", answer: "…\n#### 1,250" },
);
const MATH_500 = lines({
  problem: "Convert $(0,3)$ to polar coordinates.",
  solution: "We have \\boxed{…}",
  answer: "\\left( 3, \\frac{\\pi}{2} \\right)",
  subject: "Precalculus",
  level: 2,
  unique_id: "test/precalculus/807.json",
});
const AIME_2024 = lines({ ID: "2024-II-4", Problem: "Let x…", Solution: "…", Answer: 33 });
const AIME_2025 = lines({ problem_idx: 1, problem: "Find the sum…", answer: "070" });
const GPQA = lines({
  "Record ID": "rec06pnAkLOr2t2mp",
  "Question": "Which energy?",
  "Correct Answer": "10^-4 eV",
  "Incorrect Answer 1": "10^-11 eV",
  "Incorrect Answer 2": "10^-8 eV\n",
  "Incorrect Answer 3": "10^-9 eV",
});
const OWN = lines(
  { id: "a", question: "Which?", answer: "B", options: ["one", "two"] },
  { id: "b", question: "Which?", answer: "one", options: ["one", "two"] },
  { id: "c", question: "How many?", answer: 3 },
);

Deno.test("datasets are read in the formats in which they are published", async () => {
  const cases: [string, string, [string, string, string[]][]][] = [
    ["GSM8K", GSM8K, [["line-1", "How many clips?", ["72"]], [
      "line-2",
      "How many euros?",
      ["1250"],
    ]]],
    ["MATH-500", MATH_500, [[
      "test/precalculus/807.json",
      "Convert $(0,3)$ to polar coordinates.",
      ["\\left( 3, \\frac{\\pi}{2} \\right)"],
    ]]],
    ["AIME 2024", AIME_2024, [["2024-II-4", "Let x…", ["33"]]]],
    ["AIME 2025", AIME_2025, [["1", "Find the sum…", ["070"]]]],
    ["GPQA", GPQA, [[
      "rec06pnAkLOr2t2mp",
      "Which energy?\n\nA) 10^-11 eV\nB) 10^-4 eV\nC) 10^-8 eV\nD) 10^-9 eV",
      ["B", "10^-4 eV"],
    ]]],
    ["own format", OWN, [
      ["a", "Which?\n\nA) one\nB) two", ["B", "two"]],
      ["b", "Which?\n\nA) one\nB) two", ["A", "one"]],
      ["c", "How many?", ["3"]],
    ]],
    ["with a byte order mark, empty lines and CRLF", `\ufeff${OWN.split("\n")[2]}\r\n\r\n`, [
      ["c", "How many?", ["3"]],
    ]],
  ];
  for (const [name, content, expected] of cases) {
    const problems = await parseDataset(content, "data.jsonl");
    assertEquals(
      problems.map(({ id, question, answers }) => [id, question, [...answers]]),
      expected,
      name,
    );
  }
});

Deno.test("an invalid line is reported with its number and the reason", async () => {
  const cases: [string, string][] = [
    ["", "data.jsonl: no problems found"],
    ["{}", "line 1: expected 'question' (GSM8K, own format), 'Question' (GPQA) or 'problem'"],
    [lines({ text: "x" }), "found 'text'"],
    [lines({ question: "x" }), "line 1: 'answer' is missing"],
    [lines({ problem: "x", solution: "y" }), "line 1: 'answer' is missing"],
    [`${GSM8K}\n\n${lines({ question: "x" })}`, "line 4: 'answer' is missing (read as GSM8K)"],
    [lines({ question: "x", answer: "4 = 4\n#### " }), "line 1: 'answer' needs a line like"],
    [
      `${GSM8K}\n${lines({ question: "x", answer: "3" })}`,
      "line 3: this row is own format, but line 1 is GSM8K",
    ],
    [`\n${OWN}\n${GSM8K}`, "line 5: this row is GSM8K, but line 2 is own format"],
    [`${MATH_500}\n${AIME_2025}`, "line 2: this row is AIME, but line 1 is MATH-500"],
    [lines({ Question: "x", "Correct Answer": "3" }), "'Incorrect Answer 1' is missing"],
    [`${AIME_2024}\n${lines({ ID: "z", Problem: "x" })}`, "line 2: 'answer' is missing"],
    [`${OWN}\n{"id": "d", "que`, "line 4: invalid JSON"],
    [`${OWN}\n{"id": "d",]`, "in JSON at position 11 (read as own format)"],
    [`${OWN}\n[1]`, "line 4: expected a JSON object"],
    [`${OWN}\n${lines({ id: "a", question: "x", answer: "y" })}`, "line 1 has the id 'a' too"],
    [lines({ question: " ", answer: "3" }), "'question' must be a non-empty text"],
    [lines({ question: "x", answer: null }), "'answer' must be a non-empty text"],
    [lines({ question: "x", answer: "A", options: ["one"] }), "'options' must be a list of 2"],
    [
      lines({ question: "x", answer: "C", options: ["one", "two"] }),
      "must be the text or the letter of an option",
    ],
  ];
  for (const [content, message] of cases) {
    await assertRejects(() => parseDataset(content, "data.jsonl"), InputError, message);
  }
});

Deno.test("all faults of a dataset are reported at once, each with its line", async () => {
  const content = `{"id": "x"\n${OWN}\n[1]\n${lines({ id: "b", question: "x", answer: "y" })}`;
  const { message } = await assertRejects(() => parseDataset(content, "d.jsonl"), InputError);
  assertEquals(message.split("\n").map((line) => /^d\.jsonl, line \d+: \w+/.exec(line)?.[0]), [
    "d.jsonl, line 1: invalid",
    "d.jsonl, line 5: expected",
    "d.jsonl, line 6: line",
  ]);
  const prose = Array(25).fill("not JSON").join("\n");
  const many = await assertRejects(() => parseDataset(prose, "d.jsonl"), InputError);
  const faults = many.message.split("\n");
  assertEquals([faults.length, faults.at(-1)], [21, "… and 5 more"]);
});

Deno.test("all 40 built-in problems are read", async () => {
  const problems = await parseDataset(await Deno.readTextFile(OWN_PROBLEMS), "own");
  assertEquals(problems.length, 40);
  assertEquals(new Set(problems.map(({ digest }) => digest)).size, 40);
});

Deno.test("the demo model solves all built-in problems when it thinks, and about half otherwise", async () => {
  const problems = await parseDataset(await Deno.readTextFile(OWN_PROBLEMS), "own");
  const solved = (care: "careful" | "hasty") =>
    problems.filter(({ question, answers }) => answers[0] === solve(question, care)?.short).length;
  assertEquals(solved("careful"), 40);
  assert(solved("hasty") >= 15 && solved("hasty") <= 25, String(solved("hasty")));
});

Deno.test("a limit takes the first problems, or the same random sample for the same seed", async () => {
  const problems = await parseDataset(await Deno.readTextFile(OWN_PROBLEMS), "own");
  const ids = (limit?: number, seed?: number) =>
    choose(problems, limit, seed === undefined ? undefined : createRandom(seed))
      .map(({ id }) => id);
  assertEquals(ids(2), ["own-01", "own-02"]);
  assertEquals(ids().length, 40);
  assertEquals(ids(100, 7).length, 40);
  assertEquals(ids(5, 7), ids(5, 7));
  assert(ids(5, 7).join() !== ids(5, 8).join());
  assertEquals(ids(5, 7), ids(5, 7).toSorted());
});
