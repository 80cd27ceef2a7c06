import { assert, assertEquals } from "@std/assert";
import type { Format } from "../../../lib/api/formats/format.ts";
import { createFormatter } from "../../../lib/api/formats/formatter.ts";
import { characters, type Cut, eventsOf, type Run, whole } from "../runs.ts";

const CUSTOM: Format = {
  step: "[{n}|{title}|{content}|{seconds}]\n",
  answer: "Answer: {content}!",
  total: " ({seconds} s)",
};

interface Options {
  stream?: boolean;
  statusLines?: boolean;
  cut?: Cut;
}

/** Formats a run. */
function format(format: Format, run: Run, options: Options = {}) {
  const { stream = true, statusLines = false, cut = whole } = options;
  const formatter = createFormatter(format, { stream, statusLines });
  const out = { reasoning: "", content: "" };
  for (const event of eventsOf(run, cut)) {
    for (const { to, text } of formatter(event)) {
      assert(text !== "", "a piece is never empty");
      assert(to === "content" || out.content === "", "reasoning never follows content");
      out[to] += text;
    }
  }
  return out;
}

const TITLED: Run = {
  steps: [
    { title: "Plan", content: "Add two\nand two.", seconds: 1.5 },
    { title: "Check", content: "2 + 2 = 4.", seconds: 2.71, status: ["1 of 2"] },
  ],
  status: ["2 of 2"],
  answer: "It is\n4.",
};
const PASSED: Run = {
  steps: [{ content: "Two and two…\n\nfour.\n", seconds: 3 }],
  status: ["done"],
  answer: "4",
};
const UNTITLED: Run = {
  steps: [{ content: "No title." }, { title: "Late", late: true, content: "Content first." }],
  answer: "4",
};
const BARE: Run = { steps: [{ title: "Only a title" }, { title: "T", content: "c" }], answer: "4" };
const TOOLS: Run = {
  steps: [{ title: "Plan", content: "Call." }],
  calls: [{ id: "call_1", name: "add", arguments: "{}" }],
};
const REFUSED: Run = { steps: [{ title: "Plan", content: "No." }], refusal: "I can't." };
const QUICK: Run = { steps: [], answer: "4" };
const CUT_SHORT: Run = { steps: [{ title: "Plan", content: "Long" }], finish: "length" };

const details = (text: string, answer: string) =>
  `<details type="reasoning">\n<summary>Thinking</summary>\n> ${text}\n</details>\n\n${answer}`;
const thoughtFor = (seconds: number, text: string, answer: string) =>
  `<details type="reasoning" done="true" duration="${seconds}">\n<summary>Thought for ${seconds} seconds</summary>\n> ${text}\n</details>\n\n${answer}`;

interface Case {
  name: string;
  run: Run;
  /** Text of the reasoning field, without and with status lines. */
  field: string;
  fieldStatus: string;
  think: string;
  thinkStatus: string;
  details: string;
  detailsJson: string;
  markdown: string;
  markdownStatus: string;
  steps: string;
  stepsStatus: string;
  custom: string;
  answer: string;
}

const CASES: Case[] = [
  {
    name: "titled steps",
    run: TITLED,
    field: "**Plan**\n\nAdd two\nand two.\n\n**Check**\n\n2 + 2 = 4.\n\n",
    fieldStatus:
      "**Plan**\n\nAdd two\nand two.\n\n1 of 2\n**Check**\n\n2 + 2 = 4.\n\n2 of 2\nTotal thinking time: 4.21 seconds\n",
    think:
      "<think>\n**Plan**\n\nAdd two\nand two.\n\n**Check**\n\n2 + 2 = 4.\n\n</think>\n\nIt is\n4.",
    thinkStatus:
      "<think>\n**Plan**\n\nAdd two\nand two.\n\n1 of 2\n**Check**\n\n2 + 2 = 4.\n\n2 of 2\nTotal thinking time: 4.21 seconds\n</think>\n\nIt is\n4.",
    details: details(
      "**Plan**\n> \n> Add two\n> and two.\n> \n> **Check**\n> \n> 2 + 2 = 4.\n> \n> ",
      "It is\n4.",
    ),
    detailsJson: thoughtFor(
      4,
      "**Plan**\n> \n> Add two\n> and two.\n> \n> **Check**\n> \n> 2 + 2 = 4.\n> \n> ",
      "It is\n4.",
    ),
    markdown:
      "\n\n## Step 1: Plan\nAdd two\nand two.\n\n## Step 2: Check\n2 + 2 = 4.\n\n### Final Answer\nIt is\n4.",
    markdownStatus:
      "\n\n## Step 1: Plan\nAdd two\nand two.\n\n*1 of 2*\n\n\n\n## Step 2: Check\n2 + 2 = 4.\n\n*2 of 2*\n\n\n\n### Final Answer\nIt is\n4.\n\n**Total thinking time: 4.21 seconds**",
    steps:
      "<details open>\n<summary>Step 1: Plan</summary>\nAdd two<br>and two.\n</details>\n\n<details open>\n<summary>Step 2: Check</summary>\n2 + 2 = 4.\n</details>\n\nIt is\n4.",
    stepsStatus:
      "<details open>\n<summary>Step 1: Plan</summary>\nAdd two<br>and two.\n</details>\n\n\n\n*1 of 2*\n\n<details open>\n<summary>Step 2: Check</summary>\n2 + 2 = 4.\n</details>\n\n\n\n*2 of 2*\n\nIt is\n4.\n\n**Total thinking time: 4.21 seconds**",
    custom: "[1|Plan|Add two\nand two.|1.50]\n[2|Check|2 + 2 = 4.|2.71]\nAnswer: It is\n4.!",
    answer: "It is\n4.",
  },
  {
    name: "an upstream's own reasoning, unchanged",
    run: PASSED,
    field: "Two and two…\n\nfour.\n",
    fieldStatus: "Two and two…\n\nfour.\n\n\ndone\n",
    think: "<think>\nTwo and two…\n\nfour.\n</think>\n\n4",
    thinkStatus: "<think>\nTwo and two…\n\nfour.\n\n\ndone\n</think>\n\n4",
    details: details("Two and two…\n> \n> four.\n> ", "4"),
    detailsJson: thoughtFor(3, "Two and two…\n> \n> four.\n> ", "4"),
    markdown: "\n\n## Step 1: Thinking\nTwo and two…\n\nfour.\n\n\n### Final Answer\n4",
    markdownStatus:
      "\n\n## Step 1: Thinking\nTwo and two…\n\nfour.\n\n\n*done*\n\n\n\n### Final Answer\n4\n\n**Total thinking time: 3.00 seconds**",
    steps:
      "<details open>\n<summary>Step 1: Thinking</summary>\nTwo and two…<br><br>four.<br>\n</details>\n\n4",
    stepsStatus:
      "<details open>\n<summary>Step 1: Thinking</summary>\nTwo and two…<br><br>four.<br>\n</details>\n\n\n\n*done*\n\n4\n\n**Total thinking time: 3.00 seconds**",
    custom: "[1|Thinking|Two and two…\n\nfour.\n|3.00]\nAnswer: 4!",
    answer: "4",
  },
  {
    name: "steps without a title, and with a title after the content",
    run: UNTITLED,
    field: "No title.\n\nContent first.\n\n",
    fieldStatus: "No title.\n\nContent first.\n\nTotal thinking time: 3.00 seconds\n",
    think: "<think>\nNo title.\n\nContent first.\n\n</think>\n\n4",
    thinkStatus:
      "<think>\nNo title.\n\nContent first.\n\nTotal thinking time: 3.00 seconds\n</think>\n\n4",
    details: details("No title.\n> \n> Content first.\n> \n> ", "4"),
    detailsJson: thoughtFor(3, "No title.\n> \n> Content first.\n> \n> ", "4"),
    markdown:
      "\n\n## Step 1: Thinking\nNo title.\n\n## Step 2: Thinking\nContent first.\n\n### Final Answer\n4",
    markdownStatus:
      "\n\n## Step 1: Thinking\nNo title.\n\n## Step 2: Thinking\nContent first.\n\n### Final Answer\n4\n\n**Total thinking time: 3.00 seconds**",
    steps:
      "<details open>\n<summary>Step 1: Thinking</summary>\nNo title.\n</details>\n\n<details open>\n<summary>Step 2: Thinking</summary>\nContent first.\n</details>\n\n4",
    stepsStatus:
      "<details open>\n<summary>Step 1: Thinking</summary>\nNo title.\n</details>\n\n<details open>\n<summary>Step 2: Thinking</summary>\nContent first.\n</details>\n\n4\n\n**Total thinking time: 3.00 seconds**",
    custom: "[1|Thinking|No title.|1.50]\n[2|Thinking|Content first.|1.50]\nAnswer: 4!",
    answer: "4",
  },
  {
    name: "a step with only a title",
    run: BARE,
    field: "**Only a title**\n\n**T**\n\nc\n\n",
    fieldStatus: "**Only a title**\n\n**T**\n\nc\n\nTotal thinking time: 3.00 seconds\n",
    think: "<think>\n**Only a title**\n\n**T**\n\nc\n\n</think>\n\n4",
    thinkStatus:
      "<think>\n**Only a title**\n\n**T**\n\nc\n\nTotal thinking time: 3.00 seconds\n</think>\n\n4",
    details: details("**Only a title**\n> \n> **T**\n> \n> c\n> \n> ", "4"),
    detailsJson: thoughtFor(3, "**Only a title**\n> \n> **T**\n> \n> c\n> \n> ", "4"),
    markdown: "\n\n## Step 1: Only a title\n\n\n## Step 2: T\nc\n\n### Final Answer\n4",
    markdownStatus:
      "\n\n## Step 1: Only a title\n\n\n## Step 2: T\nc\n\n### Final Answer\n4\n\n**Total thinking time: 3.00 seconds**",
    steps:
      "<details open>\n<summary>Step 1: Only a title</summary>\n\n</details>\n\n<details open>\n<summary>Step 2: T</summary>\nc\n</details>\n\n4",
    stepsStatus:
      "<details open>\n<summary>Step 1: Only a title</summary>\n\n</details>\n\n<details open>\n<summary>Step 2: T</summary>\nc\n</details>\n\n4\n\n**Total thinking time: 3.00 seconds**",
    custom: "[1|Only a title||1.50]\n[2|T|c|1.50]\nAnswer: 4!",
    answer: "4",
  },
  {
    name: "a tool call without an answer",
    run: TOOLS,
    field: "**Plan**\n\nCall.\n\n",
    fieldStatus: "**Plan**\n\nCall.\n\nTotal thinking time: 1.50 seconds\n",
    think: "<think>\n**Plan**\n\nCall.\n\n</think>\n\n",
    thinkStatus: "<think>\n**Plan**\n\nCall.\n\nTotal thinking time: 1.50 seconds\n</think>\n\n",
    details: details("**Plan**\n> \n> Call.\n> \n> ", ""),
    detailsJson: thoughtFor(2, "**Plan**\n> \n> Call.\n> \n> ", ""),
    markdown: "\n\n## Step 1: Plan\nCall.",
    markdownStatus: "\n\n## Step 1: Plan\nCall.",
    steps: "<details open>\n<summary>Step 1: Plan</summary>\nCall.\n</details>\n\n",
    stepsStatus: "<details open>\n<summary>Step 1: Plan</summary>\nCall.\n</details>\n\n",
    custom: "[1|Plan|Call.|1.50]\n",
    answer: "",
  },
  {
    name: "a refusal",
    run: REFUSED,
    field: "**Plan**\n\nNo.\n\n",
    fieldStatus: "**Plan**\n\nNo.\n\nTotal thinking time: 1.50 seconds\n",
    think: "<think>\n**Plan**\n\nNo.\n\n</think>\n\n",
    thinkStatus: "<think>\n**Plan**\n\nNo.\n\nTotal thinking time: 1.50 seconds\n</think>\n\n",
    details: details("**Plan**\n> \n> No.\n> \n> ", ""),
    detailsJson: thoughtFor(2, "**Plan**\n> \n> No.\n> \n> ", ""),
    markdown: "\n\n## Step 1: Plan\nNo.",
    markdownStatus: "\n\n## Step 1: Plan\nNo.",
    steps: "<details open>\n<summary>Step 1: Plan</summary>\nNo.\n</details>\n\n",
    stepsStatus: "<details open>\n<summary>Step 1: Plan</summary>\nNo.\n</details>\n\n",
    custom: "[1|Plan|No.|1.50]\n",
    answer: "",
  },
  {
    name: "a budget spent while thinking",
    run: CUT_SHORT,
    field: "**Plan**\n\nLong\n\n",
    fieldStatus: "**Plan**\n\nLong\n\nTotal thinking time: 1.50 seconds\n",
    think: "<think>\n**Plan**\n\nLong\n\n</think>\n\n",
    thinkStatus: "<think>\n**Plan**\n\nLong\n\nTotal thinking time: 1.50 seconds\n</think>\n\n",
    details: details("**Plan**\n> \n> Long\n> \n> ", ""),
    detailsJson: thoughtFor(2, "**Plan**\n> \n> Long\n> \n> ", ""),
    markdown: "\n\n## Step 1: Plan\nLong",
    markdownStatus: "\n\n## Step 1: Plan\nLong",
    steps: "<details open>\n<summary>Step 1: Plan</summary>\nLong\n</details>\n\n",
    stepsStatus: "<details open>\n<summary>Step 1: Plan</summary>\nLong\n</details>\n\n",
    custom: "[1|Plan|Long|1.50]\n",
    answer: "",
  },
  {
    name: "no reasoning at all",
    run: QUICK,
    field: "",
    fieldStatus: "",
    think: "4",
    thinkStatus: "4",
    details: "4",
    detailsJson: "4",
    markdown: "\n\n### Final Answer\n4",
    markdownStatus: "\n\n### Final Answer\n4",
    steps: "4",
    stepsStatus: "4",
    custom: "Answer: 4!",
    answer: "4",
  },
];

for (const expected of CASES) {
  Deno.test(`every format of ${expected.name}`, () => {
    const content = (content: string) => ({ reasoning: "", content });
    for (const cut of [whole, characters]) {
      for (const stream of [true, false]) {
        const plain = { stream, cut };
        const status = { ...plain, statusLines: true };
        for (const fields of ["both", "reasoning_content", "reasoning"] as const) {
          assertEquals(format(fields, expected.run, plain), {
            reasoning: expected.field,
            content: expected.answer,
          });
          assertEquals(format(fields, expected.run, status), {
            reasoning: expected.fieldStatus,
            content: expected.answer,
          });
        }
        assertEquals(format("hidden", expected.run, status), content(expected.answer));
        assertEquals(format("think", expected.run, plain), content(expected.think));
        assertEquals(format("think", expected.run, status), content(expected.thinkStatus));
        assertEquals(
          format("details", expected.run, plain),
          content(stream ? expected.details : expected.detailsJson),
        );
        assertEquals(format("markdown", expected.run, plain), content(expected.markdown));
        assertEquals(format("markdown", expected.run, status), content(expected.markdownStatus));
        assertEquals(format("details_steps", expected.run, plain), content(expected.steps));
        assertEquals(format("details_steps", expected.run, status), content(expected.stepsStatus));
        assertEquals(format(CUSTOM, expected.run, plain), content(expected.custom));
      }
    }
  });
}

Deno.test("a template whose time precedes the content shows the time in JSON answers only", () => {
  const template = {
    step: "{seconds} s, {n}. {title} ({seconds} s)\n{content}\n",
    answer: "After {seconds} s: {content}",
  };
  for (const cut of [whole, characters]) {
    const written = (stream: boolean, statusLines = false, run = TITLED) =>
      format(template, run, { stream, statusLines, cut }).content;
    assertEquals(
      written(false),
      "1.50 s, 1. Plan (1.50 s)\nAdd two\nand two.\n" +
        "2.71 s, 2. Check (2.71 s)\n2 + 2 = 4.\nAfter 4.21 s: It is\n4.",
    );
    assertEquals(
      written(true),
      " s, 1. Plan ( s)\nAdd two\nand two.\n" +
        " s, 2. Check ( s)\n2 + 2 = 4.\nAfter 4.21 s: It is\n4.",
    );
    assertEquals(
      written(false, true),
      "1.50 s, 1. Plan (1.50 s)\nAdd two\nand two.\n\n\n*1 of 2*\n\n" +
        "2.71 s, 2. Check (2.71 s)\n2 + 2 = 4.\n\n\n*2 of 2*\n\nAfter 4.21 s: It is\n4.",
    );
    assertEquals(written(false, false, UNTITLED).split("\n")[0], "1.50 s, 1. Thinking (1.50 s)");
    assertEquals(written(false, false, QUICK), "After 0.00 s: 4");
  }
});
