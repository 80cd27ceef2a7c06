import { assertEquals, assertLess } from "@std/assert";
import { withoutSteps } from "../../../../lib/reasoning/strategies/steps/answer.ts";
import { cpuMs } from "../../../support/measure/stall.ts";
import { kindsOf } from "../../../support/kinds.ts";
import { startUpstream, step } from "../../../support/upstream.ts";
import { FORMAT, scripted, toSteps } from "../setup/script.ts";
import { createStrategyApp } from "../setup/app.ts";

const STEP = step("Adding", "17 + 5 is 22.", "continue");
const POST = '{"title": "A day at sea", "content": "Calm."}';

const CASES: [name: string, content: string, question: string, shown: string][] = [
  ["a step", STEP, "17 + 5?", "17 + 5 is 22."],
  ["a step in a code block", "```json\n" + STEP + "\n```\n", "17 + 5?", "17 + 5 is 22."],
  ["a step with only a title", step("It is 22", "", "continue"), "17 + 5?", "It is 22"],
  [
    "a step whose content is not closed",
    '{"title": "It is 22", "content":","next_action":"continue"}',
    "17 + 5?",
    "It is 22",
  ],
  [
    "a list of steps",
    `[${STEP},\n${STEP}]`,
    "17 + 5?",
    "17 + 5 is 22.\n\n**Adding**\n\n17 + 5 is 22.",
  ],
  [
    "a wrapped step",
    '```json\n{\n  "steps": [\n    ' + STEP + "\n  ]\n}\n```",
    "17 + 5?",
    "17 + 5 is 22.",
  ],
  ["a numbered step", STEP.replace("{", '{"step": 4, '), "17 + 5?", "17 + 5 is 22."],
  ["words after a list of steps", `[${STEP}]\nIt is 22.`, "17 + 5?", "It is 22."],
  ["a list", '[{"title": "A", "content": "B"}]', "A list in JavaScript?", ""],
  ["brackets", "[1, 2, 3]", "A list?", ""],
  ["a link", "[The sea](https://example.com) is calm.", "A link?", ""],
  ["a step that is cut", '{"title": "Adding", "content": "17 + 5 is', "17 + 5?", "17 + 5 is"],
  ["words after a step", `${STEP}\n\nThe answer is 22.`, "17 + 5?", "The answer is 22."],
  ["a step, where JSON is asked for", STEP, "17 + 5? Reply as JSON.", "17 + 5 is 22."],
  ["the client's own JSON", POST, "Write a post as JSON.", POST],
  ["other JSON", '{"a": 1, "title": "x", "next_action": 2}', "Some data?", ""],
  ["words before JSON", `This is one: ${POST}`, "An example?", ""],
  ["a short answer", "{", "A bracket?", ""],
  ["code", "```js\nconst title = 1;\n```", "Code?", ""],
];

for (const [name, content, question, shown] of CASES) {
  Deno.test(`steps show an answer that is ${name}`, async () => {
    const pieces = [content.slice(0, 9), content.slice(9, 20), content.slice(20)].filter(Boolean);
    await using upstream = startUpstream(
      scripted({ replies: { "steps.answer": { content: pieces } } }),
    );
    const { ask } = await createStrategyApp(upstream);
    for (const stream of [true, false]) {
      const messages = [{ role: "user", content: question }];
      const answer = await ask("steps", { stream, messages });
      assertEquals([answer.content, answer.finish], [shown || content, "stop"]);
    }
  });
}

Deno.test("steps show an answer in the client's JSON format as it is", async () => {
  const content = '{"title": "x", "content": "y", "next_action": "z", "n": "42"}';
  await using upstream = startUpstream(scripted({ replies: { "steps.answer": { content } } }));
  const { ask } = await createStrategyApp(upstream);
  assertEquals(JSON.parse((await ask("steps", { response_format: FORMAT })).content).n, "42");
});

Deno.test("an answer that is cut off within a step is shown before the error", async () => {
  const content = [STEP.slice(0, 30), STEP.slice(30, -20)];
  await using upstream = startUpstream(
    scripted({ replies: { "steps.answer": { content, end: "cut", finish: null } } }),
  );
  const { ask } = await createStrategyApp(upstream);
  const answer = await ask("steps", { stream: true });
  assertEquals(answer.finish, "error");
  assertEquals("17 + 5 is 22.".startsWith(answer.content) && answer.content !== "", true);
});

Deno.test("a step that is written as the answer takes linear time", async () => {
  async function* events() {
    yield { type: "answer" as const, text: '{"title": "' };
    for (let i = 0; i < 40_000; i++) yield { type: "answer" as const, text: "ten words " };
    yield { type: "finish" as const, reason: "stop" as const };
  }
  const start = cpuMs();
  const shown = await Array.fromAsync(withoutSteps(events(), false), ({ type }) => type);
  assertEquals(shown, ["answer", "finish"]);
  // With a search of the whole text for each piece it takes 20 s.
  assertLess(cpuMs() - start, 2_000);
});

Deno.test("thinking ends after a step that is cut off and repeats an earlier one", async () => {
  const content = "The sum of seventeen and five is twenty-two, and the sum";
  await using upstream = startUpstream(
    scripted({ replies: toSteps({ content, finish: "length" }) }),
  );
  const { ask } = await createStrategyApp(upstream);
  const { content: answer } = await ask("steps", { reasoning: { max_steps: 20 } });
  assertEquals(answer, "It is 42.");
  assertEquals(kindsOf(upstream), { "steps.step": 1, "steps.resume": 2, "steps.answer": 1 });
});
