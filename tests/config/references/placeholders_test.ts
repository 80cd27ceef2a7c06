import { assertEquals } from "@std/assert";
import { faultsOf } from "../parse.ts";

const MODEL = `default_api_url: "http://localhost:8080/v1"
default_model: x
models:
  m:
    strategy: STRATEGY
    prompts:
      NAME: TEXT
`;

const modelWith = (strategy: string, name: string, text: unknown) =>
  MODEL.replace("STRATEGY", strategy).replace("NAME", name)
    .replace("TEXT", () => JSON.stringify(text));

const files = { "/etc/o1/judge.txt": "Which is better?\n{candidats}\n" };

for (
  const [strategy, name, text, given, meant] of [
    ["vote", "judge", "Which is better? {candidats}", "candidats", "candidates"],
    ["vote", "judge", { file: "judge.txt" }, "candidats", "candidates"],
    ["auto", "vote.judge", "Which is better? {Candidates}", "Candidates", "candidates"],
    ["direct", "reread", '{ "a": 1 } Again: {qestion}', "qestion", "question"],
    ["verify", "repair", "{solution} is wrong: {eror}", "eror", "error"],
  ] as const
) {
  Deno.test(`a prompt ${name} of ${strategy} with {${given}} in ${JSON.stringify(text)} is a fault`, async () => {
    const path = name.includes(".") ? `["${name}"]` : `.${name}`;
    assertEquals(await faultsOf(modelWith(strategy, name, text), { files }), [
      `7: models.m.prompts${path}: unknown placeholder '{${given}}'; did you mean '{${meant}}'?`,
    ]);
  });
}

for (
  const [strategy, name, text] of [
    ["vote", "judge", "Which is better? {candidates}"],
    ["vote", "judge", 'Which? {candidates} Reply with {"better": "candidate_1"} or {}.'],
    ["vote", "judge", "{candidates} but not {candidate}, \\frac{1}{n} or x^{10}"],
    ["think", "think", "Think in \\text{words}, without a depth."],
    ["verify", "repair", "{solution} \\sum_{i} {x} {something}"],
  ] as const
) {
  Deno.test(`braces in the prompt ${JSON.stringify(text)} are no fault`, async () => {
    assertEquals(await faultsOf(modelWith(strategy, name, text)), []);
  });
}

Deno.test("an unknown prompt is reported as such, whatever its name", async () => {
  assertEquals(
    await faultsOf(modelWith("direct", "constructor", "{nmae}")).then(([fault]) =>
      fault?.split(";")[0]
    ),
    "7: models.m.prompts.constructor: unknown key",
  );
});

const strategyFile = (prompt: string, call: string) =>
  `export const version = 1;
export default ({ z }) => ({
  summary: "Asks.",
  label: { calls: "1", latency: "1 call" },
  options: z.object({}),
  prompts: {
    ask: ${JSON.stringify(prompt)},
  },
  roles: ["answer"],
  async *run(context) {
    const { prompt, values } = context;
    const question: string = "?";
    ${call};
  },
});
`;

const faultsIn = (prompt: string, call: string) =>
  faultsOf('api_bearer_token: "t"\nstrategies:\n  mine: ./mine.ts\n', {
    files: { "/etc/o1/mine.ts": strategyFile(prompt, call) },
  });

for (
  const call of [
    'prompt("ask", { question })',
    'context.prompt("ask", { other: "x", question: question! })',
    "prompt('ask', {\n      'question': question,\n    })",
    'prompt("ask", { question }) + prompt("ask", { question: "again" })',
  ]
) {
  Deno.test(`a strategy file whose prompt lacks a value of ${JSON.stringify(call)} is refused with the line`, async () => {
    assertEquals(await faultsIn('Reply to {qestion} with {"a": 1}.', call), [
      "3: strategies.mine: ./mine.ts:7:20: prompts.ask: unknown placeholder '{qestion}'; " +
      "did you mean '{question}'?",
    ]);
  });
}

for (
  const [prompt, call] of [
    ["Reply to {question}, not to {qestion}.", 'prompt("ask", { question })'],
    ['Reply to {question} with {"qestion": 1} or \\frac{a}{b}.', 'prompt("ask", { question })'],
    ["Reply with {qestion}.", 'prompt("ask")'],
    ["Reply with {qestion}.", 'prompt("ask", values)'],
    ["Reply with {qestion}.", 'prompt("other", { question })'],
    ["Reply with x^{n}.", 'prompt("ask", { m: "1" })'],
    ["Reply to {answer1} alone.", 'prompt("ask", { answer1, answer2 })'],
  ] as const
) {
  Deno.test(`a strategy file with ${JSON.stringify(prompt)} and ${call} is accepted`, async () => {
    assertEquals(await faultsIn(prompt, call), []);
  });
}
