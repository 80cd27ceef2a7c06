/** Adds the strategy of a fixture to a table, as a contributor would. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { z } from "zod";
import { systemClock } from "../../lib/clock.ts";
import { parseConfig } from "../../lib/config/load.ts";
import { defaultModelStrategies } from "../../lib/config/published_models.ts";
import { resolveConfig } from "../../lib/config/resolve.ts";
import { strategiesPage } from "../../scripts/docs.ts";
import { EFFORT_ROUTES } from "../../lib/reasoning/effort.ts";
import type { ReasoningEvent } from "../../lib/reasoning/events.ts";
import { overrideNames } from "../../lib/reasoning/overrides.ts";
import { planRun } from "../../lib/reasoning/plan.ts";
import { type ReasoningRequest, RequestError } from "../../lib/reasoning/request.ts";
import { sharedPrompts } from "../../lib/reasoning/prompts.ts";
import { run } from "../../lib/reasoning/run.ts";
import { describeStrategies, strategies } from "../../lib/reasoning/strategies/mod.ts";
import { createUpstreamClient } from "../../lib/upstream/client.ts";
import { conclude } from "../../lib/reasoning/answers/conclude.ts";
import { judge } from "../../lib/reasoning/answers/judge.ts";
import { defineStrategy } from "../../lib/reasoning/strategy.ts";
import { improve } from "../fixtures/improve.ts";
import { type Call, startUpstream, type Upstream } from "../support/upstream.ts";

const TABLE = { ...strategies, improve };

function request(more: Partial<ReasoningRequest> = {}): ReasoningRequest {
  return { messages: [{ role: "user", content: "6 * 7?" }], stream: true, final: {}, ...more };
}

async function modelOver({ url }: Upstream) {
  const config = await parseConfig(
    JSON.stringify({ default_api_url: url, default_model: "m", models: { m: {} } }),
    { file: "config.yaml", env: () => undefined, readFile: () => Promise.reject(new Error()) },
  );
  return resolveConfig(config, { env: () => undefined }).models[0]!.reasoning;
}

/** Runs a request and returns the answer and the number of thinking steps. */
async function answer(upstream: Upstream, more: Partial<ReasoningRequest>) {
  const { fetch } = globalThis;
  const clock = systemClock;
  const { random } = Math;
  const plan = planRun(await modelOver(upstream), request(more), { table: TABLE });
  const events: ReasoningEvent[] = [];
  const client = createUpstreamClient({ clock, random, fetch });
  const { signal } = new AbortController();
  const options = { owner: "", client, clock, random, signal, deadline: Infinity, maxRetries: 0 };
  for await (const event of run(plan, options)) events.push(event);
  const text = events.map((event) => event.type === "answer" ? event.text : "").join("");
  return { text, steps: events.filter(({ type }) => type === "step_start").length };
}

const reply = ({ index }: Call) => ({ content: `<think>Hm.</think>Answer ${index}` });

Deno.test("a strategy that is added to the table runs", async () => {
  await using upstream = startUpstream(reply);
  assertEquals(await answer(upstream, { strategy: "improve" }), { text: "Answer 1", steps: 2 });
  const [first, second] = upstream.calls.map(({ body }) => body.messages[0].content);
  assertEquals(first, improve.prompts.draft);
  assertStringIncludes(second, "Here is an earlier answer to the last message:\n\nAnswer 0\n");
});

Deno.test("its options are validated", async () => {
  await using upstream = startUpstream(reply);
  const options = { rounds: 3 };
  assertEquals((await answer(upstream, { strategy: "improve", options })).text, "Answer 3");
  const model = await modelOver(upstream);
  const error = assertThrows(
    () =>
      planRun(model, request({ strategy: "improve", options: { rounds: 9 } }), { table: TABLE }),
    RequestError,
  );
  assertEquals(error.param, "reasoning.rounds");
});

Deno.test("it answers with one plain call if the effort is none", async () => {
  await using upstream = startUpstream(reply);
  const { text } = await answer(upstream, { strategy: "improve", effort: "none" });
  assertEquals([text, upstream.calls.length], ["Answer 0", 1]);
});

Deno.test("it is in every list that is made from the table", async () => {
  await using upstream = startUpstream(reply);
  const model = await modelOver(upstream);
  assertEquals(defaultModelStrategies("m", TABLE).get("o1-improve"), "improve");
  assertEquals(describeStrategies(TABLE).at(-1)?.name, "improve");
  assertEquals(overrideNames("improve", EFFORT_ROUTES, false, TABLE), {
    prompts: ["reread", "mend", "tools", "tool_words", "tool_output", "draft", "improve"],
    roles: ["draft", "answer"],
  });
  assertStringIncludes(strategiesPage(TABLE), "| `improve` | `o1-improve` | Writes an answer");
  const error = assertThrows(
    () => planRun(model, request({ strategy: "x" }), { table: TABLE }),
    RequestError,
  );
  assertStringIncludes(error.message, "improve");
});

const { summary, label } = improve;
const SHARED = { summary, label, options: z.strictObject({}) };

Deno.test("a strategy that calls judge() without its prompt or role does not compile", () => {
  const { judge: prompt } = sharedPrompts;
  defineStrategy({
    ...SHARED,
    prompts: { judge: prompt },
    roles: ["judge"],
    async *run(context) {
      yield { type: "answer", text: String(await judge(context, [], "judge")) };
    },
  });
  defineStrategy({
    ...SHARED,
    prompts: {},
    roles: ["judge"],
    async *run(context) {
      // @ts-expect-error: the prompt `judge` is missing.
      yield { type: "answer", text: String(await judge(context, [], "judge")) };
    },
  });
  defineStrategy({
    ...SHARED,
    prompts: { judge: prompt },
    roles: ["answer"],
    async *run(context) {
      // @ts-expect-error: the role `judge` is missing.
      yield { type: "answer", text: String(await judge(context, [], "judge")) };
    },
  });
});

Deno.test("a strategy that calls conclude() without its prompt or role does not compile", () => {
  const sample = { index: 0, thinking: "", text: "42", cut: false, toolCalls: [], state: [] };
  const { synthesize } = sharedPrompts;
  defineStrategy({
    ...SHARED,
    prompts: { synthesize },
    roles: ["answer"],
    run: (context) => conclude(context, sample, 1),
  });
  defineStrategy({
    ...SHARED,
    prompts: {},
    roles: ["answer"],
    // @ts-expect-error: the prompt `synthesize` is missing.
    run: (context) => conclude(context, sample, 1),
  });
  defineStrategy({
    ...SHARED,
    prompts: { synthesize },
    roles: ["sample"],
    // @ts-expect-error: the role `answer` is missing.
    run: (context) => conclude(context, sample, 1),
  });
});
