import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { extractAnswer, withoutFinalLine } from "../../../lib/reasoning/answers/extractor.ts";
import { readQuestion } from "../../../lib/reasoning/answers/question.ts";
import { normaliseAnswer, sameAnswer } from "../../../lib/reasoning/answers/value.ts";
import * as patterns from "../../../lib/reasoning/answers/patterns.ts";
import { EQUALITY, EXTRACTION } from "./cases.ts";

/** A question with options of these letters, if there are any. */
const questionWith = (letters: string) =>
  readQuestion([...letters].map((letter) => `${letter}) x${letter}`).join("\n"));

Deno.test("sameAnswer() compares by value", () => {
  for (const [a, b, same] of EQUALITY) {
    assertEquals(sameAnswer(a, b), same, `${a} and ${b}`);
    assertEquals(sameAnswer(b, a), same, `${b} and ${a}`);
    assert(sameAnswer(a, a));
  }
});

Deno.test("extractAnswer() finds the short answer", () => {
  for (const [text, letters, answer] of EXTRACTION) {
    assertEquals(
      extractAnswer(text, { question: questionWith(letters) }),
      answer,
      JSON.stringify(text),
    );
  }
});

Deno.test("the tables contain at least 200 cases", () => {
  assert(EQUALITY.length + EXTRACTION.length >= 200, `${EQUALITY.length + EXTRACTION.length}`);
});

Deno.test("extractAnswer() returns canonical JSON if asked for", () => {
  const read = (text: string) => extractAnswer(text, { json: true });
  assertEquals(read('{"b": 1, "a": [ 2 ]}'), '{"a":[2],"b":1}');
  assertEquals(read('```json\n{"a": 1}\n```'), '{"a":1}');
  assertEquals(read('FINAL: {"b":1,"a":2}'), '{"a":2,"b":1}');
  assertEquals(read('It is {"a": 1}.'), '{"a":1}');
  assertEquals(read("The list [1, 2]."), "[1,2]");
  assertEquals(read('```python\nx = {}\n```\n```json\n{"a": 1}\n```'), '{"a":1}');
});

Deno.test("the last line of a text that was cut off is not read, because it may be half an answer", () => {
  const cases: [text: string, question: string, cut: string | undefined, whole: string][] = [
    ["The answer is 42.\nThe answer is 4", "Which number?", "42", "4"],
    ["FINAL: 42\nFINAL: 4", "Which number?", "42", "4"],
    ["FINAL: 4", "Which number?", undefined, "4"],
    ["The answer is B.\nThe answer is A", "A) x\nB) y", "B", "A"],
  ];
  for (const [text, asked, cut, whole] of cases) {
    const question = readQuestion(asked);
    assertEquals(extractAnswer(text, { question, cut: true }), cut, text);
    assertEquals(extractAnswer(text, { question }), whole, text);
  }
});

Deno.test("the only count in a line of its own answers a question for a number", () => {
  const question = readQuestion("How many apples does Tom have?");
  const cases: [text: string, answer: string | undefined][] = [
    ["Count of apples: 3.", "3"],
    ["He counts them.\n\n**Count of Tom's apples:** 3", "3"],
    ["Total: 1,024 red apples", "1,024"],
    ["- The number of apples: **12**.", "12"],
    ["Count of apples: 3.\nTom has 5 now.", "5"],
    ["Count of red apples: 3.\nCount of green apples: 4.", undefined],
    ["Number of hours: 2:30", undefined],
    ["Count: 1, 2, 3", undefined],
    ["Total: see page 9.", undefined],
    ["The account: 3", undefined],
  ];
  for (const [text, answer] of cases) assertEquals(extractAnswer(text, { question }), answer, text);
  assertEquals(extractAnswer("Count: 3\nCount: 4", { question, cut: true }), undefined);
});

const lettersOf = (question: string) => [...readQuestion(question).options.keys()];

Deno.test("readQuestion() finds the options", () => {
  assertEquals(lettersOf("Which?\nA) x\nB) y\nC) z"), ["A", "B", "C"]);
  assertEquals(lettersOf("Which? (A) x (B) y"), ["A", "B"]);
  assertEquals(lettersOf("A. x\nB. y\nD. z"), ["A", "B"]);
  assertEquals(lettersOf("下列哪个？ A、甲 B、乙 C、丙"), ["A", "B", "C"]);
  assertEquals(lettersOf("Is A. a vitamin?"), []);
  assertEquals(lettersOf("What is 2 + 2?"), []);
});

Deno.test("withoutFinalLine() returns the answer as it is shown", () => {
  assertEquals(withoutFinalLine("It is four.\n\nFINAL: 4"), "It is four.");
  assertEquals(withoutFinalLine("FINAL: 4"), "4");
  assertEquals(withoutFinalLine("No line."), "No line.");
  for (const marker of ["FINAL: 4", "`FINAL: 4`", "**FINAL:** 4", "[FINAL: 4]", "**FINAL: `4`**"]) {
    assertEquals(withoutFinalLine(`It is four.\n${marker}\n`), "It is four.", marker);
    assertEquals(withoutFinalLine(`It is four.\n\n\`\`\`\n${marker}\n\`\`\``), "It is four.");
    assertEquals(withoutFinalLine(marker), "4", marker);
  }
});

Deno.test("withoutFinalLine() changes nothing but the line at the end", () => {
  for (
    const text of [
      "  indented\n\n\n\n  more\n",
      "interface A {\n  final: boolean;\n}",
      "parent: a\nfinal: true",
      "import os\n\n\ndef a():\n    return 1",
      "FINAL: 1 was my first guess.\nIt is 2.",
      "```ts\nconst FINAL: number = 1;\n```",
    ]
  ) {
    assertEquals(withoutFinalLine(text), text);
    assertEquals(withoutFinalLine(`${text}\nFINAL: done`), text.trimEnd());
  }
  const code = "```python\nimport os\n\n\ndef a(): ...";
  assertEquals(withoutFinalLine(`${code}\nFINAL: a\n\`\`\``), `${code}\n\`\`\``);
});

Deno.test("any text is read without errors, and equality is reflexive and symmetric", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 60 }), fc.string(), (a, b) => {
    extractAnswer(a, { question: questionWith("AB"), json: true });
    withoutFinalLine(a);
    readQuestion(a);
    assert(sameAnswer(a, a));
    assertEquals(sameAnswer(a, b), sameAnswer(b, a));
    assertEquals(normaliseAnswer(normaliseAnswer("42")), "42");
  }));
  fc.assert(fc.property(fc.string(), fc.integer(), (text, n) => {
    assertEquals(extractAnswer(`${text}\nFINAL: ${n}`), String(n));
  }));
});

/** The patterns that search whole texts. */
const PATTERNS: Record<string, RegExp> = {
  ...Object.fromEntries(Object.entries(patterns).filter(([, value]) => value instanceof RegExp)),
  ...patterns.optionPatterns("ABCD"),
};

Deno.test("no pattern has an unbounded repetition except at its end, where nothing can fail", () => {
  assertEquals(Object.keys(PATTERNS).length, 22);
  for (const [name, { source }] of Object.entries(PATTERNS)) {
    const bare = source.replace(/\\u\w{4}|\\./g, "x").replace(/\[[^\]]*\]/g, "x");
    const repeats = [...bare.matchAll(/[*+]|\{\d+,\}/g)].map(({ index }) => bare.slice(index + 1));
    assert(repeats.every((rest) => rest === ")"), `${name}: ${bare}`);
    // A bounded repetition of a bounded one multiplies them.
    for (const [, inner, most] of bare.matchAll(/\(\?:([^()]*)\)\{\d+,(\d+)\}/g)) {
      assert(
        !/\{|\?/.test(inner!.replace(/\{\d+\}/g, "")) && Number(most) <= 30,
        `${name}: ${inner}`,
      );
    }
  }
});

/** Texts that patterns search for or skip. */
const PIECES = [
  "1,",
  "111,",
  "9",
  "1/",
  "boxed{",
  "\\boxed{1}",
  "}",
  "FINAL",
  "FINAL:",
  "FINAL ANSWER",
  "####",
  "*",
  "#",
  ">",
  " ",
  "\t",
  "\n",
  "\r\n",
  "\n ",
  "$",
  "`",
  "\\(",
  "(",
  "[",
  "{",
  '{"a":',
  "answer is ",
  "answer to ",
  "answer",
  "答案是",
  "so ",
  "option A",
  "A",
  "A) ",
  "a",
  "ab ",
  ".",
  "。",
  ",",
  "^",
  "\\frac",
  "\\text{",
  "%",
  "-",
  "=",
];

Deno.test("long hostile texts are read to their end", () => {
  const hostile = (head: string, piece: string, tail: string) =>
    head + piece.repeat(Math.ceil(100_000 / piece.length)) + tail;
  const read = (text: string) => {
    const found = extractAnswer(text, { question: questionWith("AB"), json: true });
    assert(found === undefined || found.length <= text.length);
    extractAnswer(text);
    withoutFinalLine(text);
    readQuestion(text);
    sameAnswer(text, `${text}x`);
  };
  for (const piece of PIECES) {
    for (const head of ["", "FINAL: "]) {
      for (const tail of ["", "x"]) read(hostile(head, piece, tail));
    }
  }
  const any = fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(any, any, any, (head, piece, tail) => {
      read(hostile(head.join(""), piece.join(""), tail.join("")));
    }),
    { numRuns: 50 },
  );
});
