import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  createThinkSplitter,
  type SplitText,
} from "../../../lib/reasoning/output/think_splitter.ts";

/** Joins what is returned for all pieces. */
function split(pieces: Iterable<string>): SplitText {
  const splitter = createThinkSplitter();
  const out = { reasoning: "", content: "" };
  const take = ({ reasoning, content, thought }: SplitText) => {
    if (thought !== undefined) {
      out.reasoning = out.content + thought;
      out.content = "";
    }
    assert(reasoning === "" || out.content === "", "thinking never follows the answer");
    out.reasoning += reasoning;
    out.content += content;
  };
  for (const piece of pieces) take(splitter.push(piece));
  take(splitter.end());
  assertEquals(splitter.end(), { reasoning: "", content: "" });
  return out;
}

const CASES: [text: string, reasoning: string, content: string][] = [
  ["", "", ""],
  ["4", "", "4"],
  ["<think>Two twos.</think>4", "Two twos.", "4"],
  ["<think>\nTwo twos.\n</think>\n\n4", "Two twos.\n", "4"],
  ["\n \n<think>a</think>4", "a", "4"],
  ["<thinking>a</thinking>4", "a", "4"],
  ["<thought>a</thought>4", "a", "4"],
  ["<reasoning>a</reasoning>4", "a", "4"],
  ["<THINK>a</Think>4", "a", "4"],
  ["<think></think>4", "", "4"],
  ["<think>\n\n</think>\n\n4", "", "4"],
  ["<think>never closed", "never closed", ""],
  ["<think>never closed</thin", "never closed</thin", ""],
  ["<think>", "", ""],
  ["<think>a</think>", "a", ""],
  ["<think>a</think>\n\n", "a", ""],
  ["<think>a</thinking>b</think>4", "a</thinking>b", "4"],
  ["<thinking>a</think>b</thinking>4", "a</think>b", "4"],
  ["<think>1 < 2 </ 3 <think> b</think>4", "1 < 2 </ 3 <think> b", "4"],
  ["<think>a<</think>4", "a<", "4"],
  ["<think>a</</think>4", "a</", "4"],
  ["<think>a</think></think>4", "a", "</think>4"],
  ["<think>a</think><think>b</think>4", "a", "<think>b</think>4"],
  ["The tag <think>a</think> is one.", "", "The tag <think>a</think> is one."],
  ["< think>a", "", "< think>a"],
  ["<thinker>a</thinker>", "", "<thinker>a</thinker>"],
  ["<think", "", "<think"],
  ["<", "", "<"],
  ["  ", "", "  "],
  ["  4 ", "", "  4 "],
  ["a</think>4", "a", "4"],
  ["\n a\n</think>\n\n4", "\n a\n", "4"],
  ["a</think>", "a", ""],
  ["</think>\n\n4", "", "4"],
  ["a</think>b</think>4", "a", "b</think>4"],
  ["a<think>b</think>4", "", "a<think>b</think>4"],
  ["`</think>` ends it.", "", "`</think>` ends it."],
  ['The tag "</think>" ends it.', "", 'The tag "</think>" ends it.'],
  ["```\n</think>\n```", "", "```\n</think>\n```"],
  ["`a </think> b`", "", "`a </think> b`"],
  ["A ` mark.\n</think>4", "A ` mark.\n", "4"],
  ["```js\nf()\n```\n</think>4", "```js\nf()\n```\n", "4"],
  ["<think>İİİ 😀</think>İ4", "İİİ 😀", "İ4"],
  ["<think>a </think >b</think>4", "a </think >b", "4"],
];

for (const [text, reasoning, content] of CASES) {
  Deno.test(`${JSON.stringify(text)} is split in one piece, in two and by characters`, () => {
    assertEquals(split([text]), { reasoning, content });
    for (let at = 0; at <= text.length; at++) {
      assertEquals(split([text.slice(0, at), text.slice(at)]), { reasoning, content });
    }
    assertEquals(split(text.split("")), { reasoning, content });
  });
}

/** Texts full of tags and of similar characters. */
const tagged = () =>
  fc.array(
    fc.oneof(
      fc.constantFrom("<think>", "</think>", "<", "</", "think", ">", " ", "\n", "İ", "😀", "a"),
      fc.constantFrom("<thinking>", "</thinking>", "<THOUGHT>", "</thought>", "<reasoning"),
      fc.string({ maxLength: 4 }),
    ),
  ).map((parts) => parts.join(""));

Deno.test("the result does not depend on how a text is cut into pieces", () => {
  fc.assert(
    fc.property(tagged(), fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (
      text,
      sizes,
    ) => {
      const pieces: string[] = [];
      for (let at = 0, i = 0; at < text.length; i++) {
        pieces.push(text.slice(at, at += sizes[i % sizes.length]!));
      }
      assertEquals(split(pieces), split([text]));
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("only tags and the whitespace after them are removed", () => {
  const plain = fc.string().filter((text) => !text.includes("<"));
  fc.assert(fc.property(plain, plain, (thought, answer) => {
    assertEquals(split([answer]), { reasoning: "", content: answer });
    assertEquals(split([`<think>${thought}</think>${answer}`]), {
      reasoning: thought.trimStart(),
      content: answer.trimStart(),
    });
  }));
});

Deno.test("only what could be a tag is held back", () => {
  const splitter = createThinkSplitter();
  assertEquals(splitter.push("<thi"), { reasoning: "", content: "" });
  assertEquals(splitter.push("nk>a"), { reasoning: "a", content: "" });
  assertEquals(splitter.push(" b <"), { reasoning: " b ", content: "" });
  assertEquals(splitter.push("c"), { reasoning: "<c", content: "" });
  assertEquals(splitter.push("</think"), { reasoning: "", content: "" });
  assertEquals(splitter.done(), false);
  assertEquals(splitter.push(">\n"), { reasoning: "", content: "" });
  assertEquals(splitter.push("\n4"), { reasoning: "", content: "4" });
  assertEquals(splitter.done(), true);
  assertEquals(splitter.push(" </think> "), { reasoning: "", content: " </think> " });
  const answer = createThinkSplitter();
  assertEquals(answer.push("4"), { reasoning: "", content: "4" });
  // It may have been thinking.
  assertEquals(answer.done(), false);
  assertEquals(answer.push("</think>5"), { reasoning: "", content: "5", thought: "" });
  assertEquals([answer.done(), answer.wasOpen()], [true, true]);
});

/** Texts that are expected to begin with thinking. */
const OPEN_CASES: [text: string, isCut: boolean, pieces: SplitText[], wasOpen?: boolean][] = [
  ["Two.|</think>\n\n|4", false, [
    { reasoning: "Two.", content: "" },
    { reasoning: "", content: "" },
    { reasoning: "", content: "4" },
  ], true],
  ["<think>Two.</think>4", false, [{ reasoning: "Two.", content: "4" }]],
  ["It is|4", false, [
    { reasoning: "It is", content: "" },
    { reasoning: "4", content: "" },
    { reasoning: "", content: "It is4" },
  ], false],
  ["It is|4", true, [{ reasoning: "It is", content: "" }, { reasoning: "4", content: "" }], true],
];

for (const [text, isCut, expected, wasOpen] of OPEN_CASES) {
  Deno.test(`${JSON.stringify(text)}${isCut ? ", cut off," : ""} is expected to begin with thinking`, () => {
    const splitter = createThinkSplitter(true);
    const split = [...text.split("|").map(splitter.push), splitter.end(isCut)];
    const empty = { reasoning: "", content: "" };
    assertEquals(split, [...expected, empty].slice(0, split.length));
    assertEquals(splitter.wasOpen(), wasOpen);
  });
}
