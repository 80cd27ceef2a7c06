import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createStepReader, type Step } from "../../../../lib/reasoning/strategies/steps/reader.ts";
import type { StepPart } from "../../../../lib/reasoning/strategies/steps/writer.ts";

/** The result of reading a text. */
interface Reading {
  /** All parts of the title, joined. */
  shownTitle: string;
  /** All parts of the content, joined. */
  shownContent: string;
  step: Step;
}

/** Reads the pieces and checks the invariants of parts. */
function read(pieces: Iterable<string>): Reading {
  const reader = createStepReader();
  const shown = { title: "", content: "" };
  const take = (parts: StepPart[]) => {
    let before: string | undefined;
    for (const { part, text } of parts) {
      assert(text !== "", "a part is never empty");
      assert(part !== before, "adjacent text of one part comes as one");
      assert(text.isWellFormed(), "a part never holds half a surrogate pair");
      assert(
        part === "content" || shown.content === "",
        "no title comes after content",
      );
      shown[part] += text;
      before = part;
    }
  };
  for (const piece of pieces) take(reader.push(piece));
  const { parts, step } = reader.end();
  take(parts);
  assertEquals(shown.content, step.content);
  assert(
    shown.title === step.title || shown.title === "",
    "only a late title is not shown",
  );
  return { shownTitle: shown.title, shownContent: shown.content, step };
}

function units(text: string): string[] {
  return text.split("");
}

function cut(text: string, cuts: readonly number[]): string[] {
  const at = cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b);
  return [0, ...at].map((from, i) => text.slice(from, at[i]));
}

/** Reads the text whole, by single units, and in two pieces split anywhere. */
function readEveryWay(text: string): Reading {
  const whole = read([text]);
  assertEquals(read(units(text)), whole);
  for (let at = 1; at < text.length; at++) {
    assertEquals(
      read([text.slice(0, at), text.slice(at)]),
      whole,
      `split at ${at}`,
    );
  }
  return whole;
}

/** A JSON step that continues by default. */
function step(title: string, content: string, more: Partial<Step> = {}): Step {
  return { title, content, nextAction: "continue", isJson: true, ...more };
}

/** A step that was not JSON. */
function plain(content: string): Step {
  return step("", content, { isJson: false });
}

const FINAL = { nextAction: "final_answer" } as const;
const LONG = "A long thought about nothing much. ".repeat(10).trim();
const TC = '{"title":"T","content":"C"}';

const cases: [name: string, text: string, expected: Step][] = [
  // JSON as it should be
  [
    "a whole step",
    '{"title":"T","content":"C","next_action":"final_answer"}',
    step("T", "C", FINAL),
  ],
  [
    "a step that goes on",
    '{"title":"T","content":"C","next_action":"continue"}',
    step("T", "C"),
  ],
  [
    "a pretty-printed step",
    '\n{\r\n\t"title" : "T" ,\n  "content":\n"C"\n}\n',
    step("T", "C"),
  ],
  [
    "every simple escape",
    String.raw`{"title":"\"\\\/\b\f\n\r\t","content":"a\nb"}`,
    step('"\\/\b\f\n\r\t', "a\nb"),
  ],
  [
    "unicode escapes",
    String.raw`{"title":"\u0041\u4E2d\u00e9","content":"\u0000"}`,
    step("A中é", "\0"),
  ],
  [
    "escapes in a key",
    String.raw`{"t\u0069tle":"T","content":"C"}`,
    step("T", "C"),
  ],
  [
    "an escaped pair",
    String.raw`{"title":"\ud83d\uDE00","content":"C"}`,
    step("😀", "C"),
  ],
  ["a raw pair", '{"title":"😀","content":"👩‍👩‍👧"}', step("😀", "👩‍👩‍👧")],
  [
    "half of a pair escaped",
    '{"title":"\\ud83d\ude00","content":"C"}',
    step("😀", "C"),
  ],
  [
    "lone halves escaped",
    String
      .raw`{"title":"\ud83d","content":"a\ude00b\ud83dc\ud83d\ud83d\ude00"}`,
    step("\ufffd", "a\ufffdb\ufffdc\ufffd😀"),
  ],
  [
    "lone halves raw",
    '{"title":"x\ud83d","content":"\udc00"}',
    step("x\ufffd", "\ufffd"),
  ],
  [
    "halves in two texts",
    String.raw`{"title":"\ud83d","content":"\ude00"}`,
    step("\ufffd", "\ufffd"),
  ],
  [
    "Chinese",
    '{"title":"标题","content":"第一步：求和。"}',
    step("标题", "第一步：求和。"),
  ],
  [
    "empty texts",
    '{"title":"","content":"","next_action":"done"}',
    step("", "", FINAL),
  ],
  ["only a title", '{"title":"T"}', step("T", "")],
  ["only content", '{"content":"C"}', step("", "C")],

  // The order of the keys
  ["content first", '{"content":"C","title":"T"}', step("T", "C")],
  [
    "an action first",
    '{"next_action":"stop","title":"T","content":"C"}',
    step("T", "C", FINAL),
  ],
  [
    "a late title with a lone half",
    '{"content":"C","title":"\\ud83d"}',
    step("\ufffd", "C"),
  ],

  // Other names
  [
    "step_title and reasoning",
    '{"step_title":"T","reasoning":"C","nextAction":"end"}',
    step("T", "C", FINAL),
  ],
  [
    "Heading and THOUGHT",
    '{"Heading":"T","THOUGHT":"C","ACTION":"stop"}',
    step("T", "C", FINAL),
  ],
  [
    "name and thinking",
    '{"name":"T","thinking":"C","Next Action":"finish"}',
    step("T", "C", FINAL),
  ],
  [
    "explanation",
    '{"title":"T","explanation":"C","next":"done"}',
    step("T", "C", FINAL),
  ],
  [
    "text",
    '{"title":"T","text":"C","status":"Completed"}',
    step("T", "C", FINAL),
  ],
  [
    "description",
    '{"title":"T","description":"C","next-action":"continue"}',
    step("T", "C"),
  ],
  ["step-content", '{"title":"T","step-content":"C"}', step("T", "C")],
  ["analysis", '{"title":"T","analysis":"C"}', step("T", "C")],
  ["details", '{"title":"T","details":"C"}', step("T", "C")],
  ["answer", '{"title":"T","answer":"C"}', step("T", "C")],

  // The next action
  [
    "Final Answer",
    '{"title":"T","next_action":"Final Answer"}',
    step("T", "", FINAL),
  ],
  [
    "give_final_answer",
    '{"title":"T","next_action":"give_final_answer"}',
    step("T", "", FINAL),
  ],
  [
    "a word that only holds one",
    '{"title":"T","next_action":"recommend, unfinished"}',
    step("T", ""),
  ],
  ["final: true", '{"title":"T","final":true}', step("T", "", FINAL)],
  ["is_final: true", '{"title":"T","is_final": true }', step("T", "", FINAL)],
  ["finalAnswer: false", '{"title":"T","finalAnswer":false}', step("T", "")],
  [
    "final_answer with a text",
    '{"title":"T","final_answer":"42"}',
    step("T", ""),
  ],
  ["no action at all", '{"title":"T","next_action":null}', step("T", "")],
  [
    "the last action counts",
    '{"title":"T","action":"final","next":"continue"}',
    step("T", ""),
  ],
  [
    "the last action of all",
    '{"title":"T","next":"continue"}{"content":"C","next":"final"}',
    step("T", "C", FINAL),
  ],

  // Values that are no strings
  ["a number", '{"title":1,"content":-2.5e3}', step("1", "-2.5e3")],
  ["booleans", '{"title":"T","content":true}', step("T", "true")],
  ["null", '{"title":null,"content":null}', step("", "")],
  [
    "an array",
    '{"title":"T","content":["a", "b]", [1]],"next":"end"}',
    step("T", '["a", "b]", [1]]', FINAL),
  ],
  [
    "an object",
    String
      .raw`{"title":"T","content":{"x": "}\"}", "title": "U"} ,"next":"end"}`,
    step("T", String.raw`{"x": "}\"}", "title": "U"}`, FINAL),
  ],
  ["no value", '{"title":,"content":"C"}', step("", "C")],
  [
    "no quotes",
    '{"title": some words, "content": 2 + 2 }',
    step("some words", "2 + 2"),
  ],

  // Wrappers and unknown keys
  ["a wrapper", `{"step":${TC}}`, step("T", "C")],
  [
    "wrappers in wrappers",
    `{"response":{"steps":[[${TC}]],"n":1}}`,
    step("T", "C"),
  ],
  ["an array of one", `[${TC}]`, step("T", "C")],
  [
    "unknown scalars",
    '{"step":1,"title":"T","confidence":0.5,"ok":true,"tool":"x","content":"C"}',
    step("T", "C"),
  ],
  [
    "unknown arrays",
    '{"tags":["content","a",1,null],"title":"T","content":"C"}',
    step("T", "C"),
  ],

  // Several of them
  [
    "two objects",
    `${TC}{"title":"U","content":"D"}`,
    step("T", "C\n\n**U**\n\nD"),
  ],
  [
    "JSON lines",
    `${TC}\n{"title":"U","content":"D","next_action":"final_answer"}\n`,
    step("T", "C\n\n**U**\n\nD", FINAL),
  ],
  [
    "an array of three",
    `{"steps":[${TC},{"title":"U","content":"D"},{"title":"V","content":"E"}]}`,
    step("T", "C\n\n**U**\n\nD\n\n**V**\n\nE"),
  ],
  [
    "a list",
    `[${TC}, {"n":2,"title":"U","content":"D"}]`,
    step("T", "C\n\n**U**\n\nD"),
  ],
  [
    "a second content",
    '{"title":"T","thought":"C","answer":"D"}',
    step("T", "C\n\nD"),
  ],
  ["a second title alone", '{"title":"T","name":"U"}', step("T", "**U**")],
  ["an empty second content", `${TC}{"title":"","content":""}`, step("T", "C")],
  [
    "fences of their own",
    `\`\`\`json\n${TC}\n\`\`\`\n\`\`\`json\n{"id":2,"content":"D"}\n\`\`\``,
    step("T", "C\n\nD"),
  ],

  // Fences and prose
  ["a fence", `\`\`\`json\n${TC}\n\`\`\``, step("T", "C")],
  ["a fence without a name", `\`\`\`\n${TC}\n\`\`\`\n`, step("T", "C")],
  ["a fence on one line", `\`\`\`json ${TC}\`\`\``, step("T", "C")],
  ["prose before", `Here is the step: ${TC}`, step("T", "C")],
  [
    "prose and a fence before",
    `Sure!\n\n\`\`\`json\n${TC}\n\`\`\``,
    step("T", "C"),
  ],
  ["prose after", `${TC}\nThat is {my} "step": {"x": 1}.`, step("T", "C")],
  [
    "prose between",
    `${TC} and then {"title":"U","content":"D"}.`,
    step("T", "C\n\n**U**\n\nD"),
  ],
  ["a set before", `The set {1, 2} and {"a"} give ${TC}`, step("T", "C")],
  ["braces before", `{{${TC}`, step("T", "C")],
  ["256 units before", "x".repeat(256) + TC, step("T", "C")],
  [
    "257 units before",
    "x".repeat(257) + TC,
    step("T", "x".repeat(257) + "\n\nC"),
  ],
  [
    "a fence beyond 256 units",
    "x".repeat(250) + "```json" + TC,
    step("T", "x".repeat(250) + "```json\n\nC"),
  ],
  [
    "an unknown key after prose and an object",
    `So: ${TC}\n{"id":2,"content":"D"}`,
    step("T", "C\n\nD"),
  ],
  ["long prose before", `${LONG}\n\n${TC}`, step("T", `${LONG}\n\nC`)],
  [
    "long prose and a fence before",
    `${LONG}\n\`\`\`json\n${TC}\n\`\`\`\nIt ends.`,
    step("T", `${LONG}\n\nC`),
  ],
  [
    "long prose and other JSON",
    `${LONG} {"x": {"y": 1}}`,
    plain(`${LONG} {"x": {"y": 1}}`),
  ],
  [
    "a key alone in prose",
    `So {"title" is a key.`,
    plain(`So {"title" is a key.`),
  ],
  ["a key cut in prose", `So {"tit`, plain(`So {"tit`)],
  ["spaces before the colon", `So { "title" : "T"}`, step("T", "")],

  // No JSON
  ["nothing", "", plain("")],
  ["only space", " \n\t ", plain("")],
  ["a short text", "  Let me think. \n", plain("Let me think.")],
  ["a long text", `\n\n${LONG}\n  ${LONG}\n\n`, plain(`${LONG}\n  ${LONG}`)],
  ["a text with half a pair", "a\ud83d b\ude00", plain("a\ufffd b\ufffd")],
  [
    "code",
    "`x` and\n```js\nlet a = {};\n```",
    plain("`x` and\n```js\nlet a = {};\n```"),
  ],
  [
    "LaTeX",
    String.raw`So \frac{1}{2} \in \{"a"\}.`,
    plain(String.raw`So \frac{1}{2} \in \{"a"\}.`),
  ],
  ["a list of strings", '["a", "b"]', plain('["a", "b"]')],
  ["an empty object", "{}", plain("{}")],
  [
    "a string of JSON",
    String.raw`"{\"title\":\"T\"}"`,
    plain(String.raw`"{\"title\":\"T\"}"`),
  ],
  ["another object", ' {"x": {"y": [1]}} ok ', plain('{"x": {"y": [1]}} ok')],
  ["a cut other object", '{"x": "all of it', plain('{"x": "all of it')],
  [
    "only an action",
    '{"next_action": "stop"}',
    step("", '{"next_action": "stop"}', FINAL),
  ],

  // Mistakes in strings
  [
    "raw line breaks",
    '{"title":"T","content":"a\nb\r\n\tc\u0001"}',
    step("T", "a\nb\r\n\tc\u0001"),
  ],
  [
    "LaTeX in a string",
    String.raw`{"title":"\(x\)","content":"\[ \lambda \cdot \alpha_{1} \]"}`,
    step(String.raw`\(x\)`, String.raw`\[ \lambda \cdot \alpha_{1} \]`),
  ],
  [
    "no hex digits",
    String.raw`{"title":"\u","content":"\unit \u12 \u00zz \u12\n"}`,
    step("\\u", "\\unit \\u12 \\u00zz \\u12\n"),
  ],
  [
    "quotes within",
    '{"title":"The "best" one","content":"a "b"  c ""d"" e"}',
    step('The "best" one', 'a "b"  c ""d"" e'),
  ],
  [
    "quotes before commas and colons",
    '{"title":"T","content":"Say "no", or "why": then go"}',
    step("T", 'Say "no", or "why": then go'),
  ],
  ["a quote at the end", '{"title":"a "b"","content":"C"}', step('a "b"', "C")],
  [
    "single quotes",
    String.raw`{'title':'It's','content':'a \'b\' "c"'}`,
    step("It's", `a 'b' "c"`),
  ],
  ["trailing commas", '{"title":"T","content":"C",\n}', step("T", "C")],
  ["a trailing comma in a list", `{"steps":[${TC},],}`, step("T", "C")],
  ["a comment", '{"title":"T", // first\n"content":"C"}', step("T", "C")],
  ["a stray key", '{"title","content":"C"}', step("", "C")],

  // Cuts
  ["a cut title", '{"title":"Tit', step("Tit", "")],
  ["a cut content", '{"title":"T","content":"Con', step("T", "Con")],
  ["a cut escape", '{"title":"T","content":"Con\\', step("T", "Con")],
  [
    "a cut unicode escape",
    '{"title":"T","content":"Con\\u00',
    step("T", "Con"),
  ],
  ["a cut pair", '{"title":"T","content":"Con\\ud83d', step("T", "Con\ufffd")],
  ["a quote last", '{"title":"T","content":"Con" \n', step("T", "Con")],
  ["a comma last", '{"title":"T","content":"Con", ', step("T", "Con")],
  ["a cut null", '{"title":"T","content":nu', step("T", "")],
  ["a cut number", '{"title":"T","content":12', step("T", "12")],
  ["a cut array", '{"title":"T","content":["a", {', step("T", '["a", {')],
  [
    "a cut action",
    '{"title":"T","content":"C","next_action":"final_',
    step("T", "C", FINAL),
  ],
  ["a cut second title", `${TC}{"title":"U`, step("T", "C\n\n**U**")],
  ["a brace alone", "```json\n{ ", plain("")],
  ["a cut key", '{"titl', plain("")],
  ["a cut wrapper", '{"steps": [{"ti', plain("")],
];

Deno.test("createStepReader() reads every case independently of its pieces", async (t) => {
  for (const [name, text, expected] of cases) {
    await t.step(name, () => assertEquals(readEveryWay(text).step, expected));
  }
});

Deno.test("createStepReader() shows a title only before content", () => {
  assertEquals(readEveryWay('{"title":"T","content":"C"}').shownTitle, "T");
  assertEquals(readEveryWay('{"content":"C","title":"T"}').shownTitle, "");
  assertEquals(
    readEveryWay(`${LONG} {"title":"T","content":"C"}`).shownTitle,
    "",
  );
});

Deno.test("createStepReader() returns characters as soon as they are certain", () => {
  const reader = createStepReader();
  const seen = [
    '{"title":"Lo',
    "ok",
    "ing\\",
    "n",
    "\\ud83d",
    "\\ude00",
    '"',
    ',"content":',
    '"a "',
    "b",
    '"',
    "}",
  ]
    .map((piece) => reader.push(piece).map(({ part, text }) => `${part}:${text}`).join());
  assertEquals(seen, [
    "title:Lo",
    "title:ok",
    "title:ing",
    "title:\n",
    "",
    "title:😀",
    "",
    "",
    "content:a ",
    'content:"b',
    "",
    "",
  ]);
});

Deno.test("createStepReader() streams plain text once it is longer than the prelude", () => {
  const reader = createStepReader();
  assertEquals(reader.push(" " + "x".repeat(256)), []);
  assertEquals(reader.push("y "), [{
    part: "content",
    text: "x".repeat(256) + "y",
  }]);
  assertEquals(reader.push("z\n"), [{ part: "content", text: " z" }]);
  // A possible fence or key is held back only up to its longest length.
  for (const maybe of ["```" + "a".repeat(17), '{"' + "a".repeat(41)]) {
    assertEquals(reader.push(maybe.slice(0, -1)), []);
    assert(reader.push(maybe.slice(-1)).at(0)?.text.endsWith(maybe));
  }
  assertEquals(reader.end().parts, []);
});

Deno.test("createStepReader() returns one part of each kind for one push", () => {
  assertEquals(createStepReader().push('{"title":"a\\nb","content":"c\\nd"'), [
    { part: "title", text: "a\nb" },
    { part: "content", text: "c\nd" },
  ]);
});

Deno.test("createStepReader() reads a prefix of the whole result from a text that is cut anywhere", () => {
  const text = "```json\n" +
    String.raw`{ "title": "Prüfen 😀 \ud83d\ude00", "content":
    "Say \"no\" to \(x\) \u00e9 and 中文, \\frac{1}{2}.\n", "next_action": "final_answer" }`;
  const object = text.slice(text.indexOf("{"));
  for (const [whole, first] of [[text, 9], [object, 0]] as const) {
    const full = read([whole]).step;
    let before = step("", "");
    for (let at = first; at <= whole.length; at++) {
      const part = readEveryWay(whole.slice(0, at)).step;
      for (const key of ["title", "content"] as const) {
        // Half a pair at the cut shows as U+FFFD.
        const certain = part[key].replace(/\ufffd$/, "");
        assert(full[key].startsWith(certain), `cut at ${at}: ${part[key]}`);
        assert(certain.length >= before[key].replace(/\ufffd$/, "").length);
      }
      before = part;
    }
    assertEquals(before, full);
  }
});

Deno.test("createStepReader() reads bytes independently of cuts", () => {
  for (const [name, text] of cases) {
    const bytes = new TextEncoder().encode(text);
    const whole = read([new TextDecoder().decode(bytes)]);
    for (let at = 0; at <= bytes.length; at++) {
      const decoder = new TextDecoder();
      const pieces = [bytes.subarray(0, at), bytes.subarray(at)]
        .map((piece) => decoder.decode(piece, { stream: true }));
      assertEquals(
        read([...pieces, decoder.decode()]),
        whole,
        `${name}, byte ${at}`,
      );
    }
  }
});

/** Strings of any UTF-16 units, with lone surrogates. */
const unitString = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 0xffff }),
    fc.integer({ min: 0xd800, max: 0xdfff }),
    fc.constantFrom(
      ...units('"\\u{}[],: \n').map((unit) => unit.charCodeAt(0)),
    ),
  ),
).map((codes) => String.fromCharCode(...codes));
const anyString = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.string(),
  unitString,
);
const space = fc.array(fc.constantFrom(" ", "\n", "\t", "\r")).map((all) => all.join(""));
const cuts = fc.array(fc.nat(), { maxLength: 20 });

Deno.test("createStepReader() reads what JSON.stringify writes", () => {
  const spaces = fc.array(space, { minLength: 13, maxLength: 13 });
  fc.assert(
    fc.property(
      anyString,
      anyString,
      fc.boolean(),
      spaces,
      cuts,
      (title, content, final, s, at) => {
        const nextAction = final ? "final_answer" : "continue";
        const tokens = [
          "{",
          ...["title", title, "content", content, "next_action", nextAction]
            .flatMap((
              token,
              i,
            ) => [
              JSON.stringify(token),
              i % 2 === 0 ? ":" : i < 5 ? "," : "}",
            ]),
        ];
        const text = tokens.map((token, i) => s[i] + token).join("");
        const expected = step(title.toWellFormed(), content.toWellFormed(), {
          nextAction,
        });
        for (const pieces of [[text], units(text), cut(text, at)]) {
          const { step, shownTitle } = read(pieces);
          assertEquals(step, expected);
          assertEquals(shownTitle, expected.title);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

Deno.test("createStepReader() reads characters escaped by number", () => {
  fc.assert(
    fc.property(
      unitString,
      fc.infiniteStream(fc.boolean()),
      cuts,
      (content, escaped, at) => {
        const source = units(content).map((unit) =>
          escaped.next().value
            ? "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0")
            : JSON.stringify(unit).slice(1, -1)
        ).join("");
        const text = `{"title":"T","content":"${source}"}`;
        assertEquals(
          read(cut(text, at)).step,
          step("T", content.toWellFormed()),
        );
      },
    ),
    { numRuns: 1000 },
  );
});

Deno.test("createStepReader() returns text without a brace as it is", () => {
  fc.assert(
    fc.property(fc.array(anyString), cuts, (texts, at) => {
      const text = texts.join(" ").replaceAll("{", "(");
      assertEquals(read(cut(text, at)).step, plain(text.trim().toWellFormed()));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("createStepReader() reads any text independently of its pieces", () => {
  const token = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...units("{}[]\"'\\:,` \n/ux0")) },
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        '{"title":',
        '"title"',
        '"content":',
        '"content" : "',
        '"next":"',
        '"x":',
        "final",
        "null",
        "true",
        "```json\n",
        "\\ud83d",
        "\\ude00",
        "\ud83d",
        "\ude00",
        "\\u12",
        '"}',
        '",',
        "中",
        TC,
        "word ".repeat(60),
      ),
    },
    anyString,
  );
  fc.assert(
    fc.property(fc.array(token, { maxLength: 40 }), cuts, (tokens, at) => {
      const text = tokens.join("");
      const whole = read([text]);
      assertEquals(read(units(text)), whole);
      assertEquals(read(cut(text, at)), whole);
    }),
    { numRuns: 5000 },
  );
});

Deno.test("createStepReader() reads a megabyte in pushes of four characters", () => {
  const title = "A title";
  const content = 'Words, \\ and "quotes"\n😀 '.repeat(40_000);
  const text = JSON.stringify({ title, content });
  assert(text.length > 1_000_000);
  assertEquals(read(text.match(/[^]{1,4}/g) ?? []).step, step(title, content));
});

Deno.test("createStepReader() reads any depth", () => {
  const depth = 100_000;
  const text = '{"x":['.repeat(depth) + TC + "]}".repeat(depth);
  assertEquals(read([text]).step, step("T", "C"));
  const array = "[".repeat(depth) + "]".repeat(depth);
  assertEquals(read([`{"content":${array}}`]).step, step("", array));
});
