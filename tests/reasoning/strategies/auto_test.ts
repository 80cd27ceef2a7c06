import { assertEquals } from "@std/assert";
import { planRun } from "../../../lib/reasoning/plan.ts";
import { EFFORT_ROUTES } from "../../../lib/reasoning/effort.ts";
import type { Effort, ReasoningModel, ReasoningRequest } from "../../../lib/reasoning/request.ts";
import { startUpstream } from "../../support/upstream.ts";
import { type Counts, type Kind, kindOf, kindsOf } from "../../support/kinds.ts";
import { FORMAT, scripted, TOOLS } from "./setup/script.ts";
import { createStrategyApp, QUESTION } from "./setup/app.ts";

const OPEN = "Write a short poem about autumn.";

for (
  const [effort, question, counts] of [
    ["none", QUESTION, { plain: 1 }],
    ["minimal", OPEN, { plain: 1 }],
    ["low", QUESTION, { "think.think": 1 }],
    ["low", OPEN, { "think.think": 1 }],
    ["medium", QUESTION, { sample: 4 }],
    ["medium", OPEN, { "moa.proposer": 4, "moa.aggregator": 1 }],
    ["high", QUESTION, { sample: 1, "verify.planner": 1 }],
    ["high", OPEN, { sample: 1, "verify.planner": 1 }],
    ["xhigh", QUESTION, { sample: 12, "rsa.aggregate": 12 }],
    ["max", QUESTION, { sample: 12, "rsa.aggregate": 12 }],
  ] as const
) {
  Deno.test(`auto at ${effort} answers '${question}' with ${JSON.stringify(counts)}`, async () => {
    await using upstream = startUpstream(scripted());
    const { ask } = await createStrategyApp(upstream);
    const messages = [{ role: "user", content: question }];
    const { content } = await ask("auto", { messages, reasoning_effort: effort });
    assertEquals(content, "It is 42.");
    assertEquals(kindsOf(upstream), counts as Counts);
  });
}

const TOOL_TURN = [
  { role: "user", content: QUESTION },
  {
    role: "assistant",
    content: null,
    tool_calls: [{ id: "c1", type: "function", function: { name: "multiply", arguments: "{}" } }],
  },
  { role: "tool", tool_call_id: "c1", content: "42" },
];

for (const effort of ["none", "minimal", "low", "medium", "high", "xhigh", "max"]) {
  Deno.test(`auto makes one call for each turn of a tool loop (${effort})`, async () => {
    await using upstream = startUpstream(scripted());
    const { ask } = await createStrategyApp(upstream);
    const expected: readonly Kind[] = effort === "none" || effort === "minimal"
      ? ["plain"]
      : ["think.think"];
    const reminded = [...TOOL_TURN, { role: "user", content: "You have 9 turns left." }];
    for (const messages of [TOOL_TURN, reminded]) {
      upstream.calls.length = 0;
      await ask("auto", { messages, tools: TOOLS, reasoning_effort: effort });
      assertEquals(upstream.calls.map(kindOf), expected);
    }
  });
}

Deno.test("the config can replace what auto runs at an effort", async () => {
  await using upstream = startUpstream(scripted());
  const effort = { low: "draft", medium: "relay", high: "vote_or_moa", none: "think" };
  const { ask } = await createStrategyApp(upstream, { config: { routing: { effort } } });
  const ran = async (reasoning_effort: string, content = QUESTION) => {
    upstream.calls.length = 0;
    await ask("auto", { reasoning_effort, messages: [{ role: "user", content }] });
    return Object.keys(kindsOf(upstream));
  };
  assertEquals(await ran("low"), ["draft.think"]);
  assertEquals(await ran("medium"), ["relay.reasoner", "relay.writer"]);
  assertEquals(await ran("high"), ["sample"]);
  assertEquals(await ran("high", OPEN), ["moa.proposer", "moa.aggregator"]);
  assertEquals(await ran("max"), ["sample", "rsa.aggregate"]);
});

const MODEL: ReasoningModel = {
  id: "o1-auto",
  strategy: "auto",
  options: {},
  targets: [],
  roles: {},
  modifiers: { re2: false },
  effort: "medium",
  prompts: {},
  routes: EFFORT_ROUTES,
  proStrategy: "verify",
  directWhen: [],
  toolsCharacters: 2_000,
  serverTools: [],
  maxToolCalls: 8,
  caps: { calls: 64, tokens: 200_000 },
  statusLines: false,
};

const routed = (content: unknown, more: Partial<ReasoningRequest> = {}, effort?: Effort) =>
  planRun(MODEL, {
    messages: [{ role: "user", content }],
    stream: false,
    final: {},
    ...(effort === undefined ? {} : { effort }),
    ...more,
  }).name;

for (
  const [question, expected] of [
    ["How many primes are below 100?", "vote"],
    ["Solve x^2 - 5x + 6 = 0.", "vote"],
    ["What is 17 * 23?", "vote"],
    ["Find the value of \\frac{3}{4} of 20.", "vote"],
    ["Which is it?\nA) a dog\nB) a cat\nC) a fox", "vote"],
    ["Which is it? (A) dog (B) cat", "vote"],
    ["小明有多少个苹果?", "vote"],
    ["求解方程", "vote"],
    ["What is the probability of two heads?", "vote"],
    [OPEN, "moa"],
    ["Explain how a refrigerator works.", "moa"],
    ["Translate this into French: good morning", "moa"],
    ["写一首关于秋天的诗", "moa"],
    ["", "moa"],
  ] as const
) {
  Deno.test(`auto at medium runs ${expected} for '${question}'`, () => {
    assertEquals(routed(question), expected);
    assertEquals(routed([{ type: "text", text: question }]), expected);
  });
}

Deno.test("auto votes on answers whose schema makes them comparable", () => {
  const schema = (property: Record<string, unknown>) => ({
    json: { name: "x", inPrompt: true, schema: { type: "object", properties: { a: property } } },
  });
  assertEquals(routed(OPEN, schema({ enum: ["yes", "no"] })), "vote");
  assertEquals(routed(OPEN, schema({ type: "number" })), "vote");
  assertEquals(routed(OPEN, schema({ type: "string" })), "moa");
});

Deno.test("the vote and the mixture of auto answer in the client's format", async () => {
  await using upstream = startUpstream(scripted());
  const { ask } = await createStrategyApp(upstream);
  for (const content of [QUESTION, OPEN]) {
    const messages = [{ role: "user", content }];
    const answer = await ask("auto", { messages, response_format: FORMAT });
    assertEquals(answer.content, '{"n":"42"}');
  }
});
