import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  extractAnswer,
  normaliseAnswer,
  questionOptions,
  sameAnswer,
  withoutFinalLine,
} from "../../lib/reasoning/answer_extractor.ts";
import { EQUALITY, EXTRACTION } from "./answer_cases.ts";

Deno.test("sameAnswer() compares by value", () => {
  for (const [a, b, same] of EQUALITY) {
    assertEquals(sameAnswer(a, b), same, `${a} and ${b}`);
    assertEquals(sameAnswer(b, a), same, `${b} and ${a}`);
    assert(sameAnswer(a, a));
  }
});

Deno.test("extractAnswer() finds the short answer", () => {
  for (const [text, letters, answer] of EXTRACTION) {
    assertEquals(extractAnswer(text, { options: [...letters] }), answer, JSON.stringify(text));
  }
});

Deno.test("the tables hold 200 cases and more", () => {
  assert(EQUALITY.length + EXTRACTION.length >= 200, `${EQUALITY.length + EXTRACTION.length}`);
});

Deno.test("extractAnswer() reads JSON in a canonical form where it is asked for", () => {
  const read = (text: string) => extractAnswer(text, { json: true });
  assertEquals(read('{"b": 1, "a": [ 2 ]}'), '{"a":[2],"b":1}');
  assertEquals(read('```json\n{"a": 1}\n```'), '{"a":1}');
  assertEquals(read('FINAL: {"b":1,"a":2}'), '{"a":2,"b":1}');
});

Deno.test("questionOptions() finds the letters of options", () => {
  assertEquals(questionOptions("Which?\nA) x\nB) y\nC) z"), ["A", "B", "C"]);
  assertEquals(questionOptions("Which? (A) x (B) y"), ["A", "B"]);
  assertEquals(questionOptions("A. x\nB. y\nD. z"), ["A", "B"]);
  assertEquals(questionOptions("下列哪个？ A、甲 B、乙 C、丙"), ["A", "B", "C"]);
  assertEquals(questionOptions("Is A. a vitamin?"), []);
  assertEquals(questionOptions("What is 2 + 2?"), []);
});

Deno.test("withoutFinalLine() leaves the answer as the user is to read it", () => {
  assertEquals(withoutFinalLine("It is four.\n\nFINAL: 4"), "It is four.");
  assertEquals(withoutFinalLine("FINAL: 4"), "4");
  assertEquals(withoutFinalLine("No line."), "No line.");
});

Deno.test("any text is read without a fault, and equality is reflexive and symmetric", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 60 }), fc.string(), (a, b) => {
    extractAnswer(a, { options: ["A", "B"], json: true });
    withoutFinalLine(a);
    questionOptions(a);
    assert(sameAnswer(a, a));
    assertEquals(sameAnswer(a, b), sameAnswer(b, a));
    assertEquals(normaliseAnswer(normaliseAnswer("42")), "42");
  }));
  fc.assert(fc.property(fc.string(), fc.integer(), (text, n) => {
    assertEquals(extractAnswer(`${text}\nFINAL: ${n}`), String(n));
  }));
});

Deno.test("long and hostile texts are read in linear time", () => {
  const hostile = [
    "1,".repeat(50_000),
    "boxed{".repeat(20_000),
    "FINAL:".repeat(20_000),
    "*#> ".repeat(25_000),
    "answer is ".repeat(10_000),
    "(".repeat(100_000),
  ];
  for (const text of hostile) {
    extractAnswer(text, { options: ["A", "B"], json: true });
    sameAnswer(text, `${text}x`);
  }
});
