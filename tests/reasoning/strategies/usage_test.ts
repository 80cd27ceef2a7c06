import { assert, assertEquals } from "@std/assert";
import { type Call, startUpstream } from "../../support/upstream.ts";
import { type Kind, kindOf } from "./kinds.ts";
import { allDiffer, endless, scripted, TOOLS } from "./script.ts";
import { createStrategyApp } from "./setup.ts";

/** Prompt, cached and generated tokens of each kind of call. */
const TOKENS: Partial<Record<Kind, readonly [prompt: number, cached: number, generated: number]>> =
  {
    plain: [10, 0, 7],
    think: [30, 4, 40],
    draft: [35, 0, 14],
    step: [100, 50, 31],
    step_answer: [180, 128, 9],
    reasoner: [32, 0, 64],
    writer: [70, 0, 8],
    answer: [60, 0, 11],
    refine: [45, 2, 48],
    central: [210, 5, 19],
    sample: [41, 0, 53],
    planner: [47, 3, 61],
    verifier: [90, 0, 21],
    repair: [95, 0, 44],
    judge: [200, 0, 1],
    synthesize: [66, 1, 12],
    aggregate: [150, 0, 57],
    proposer: [39, 0, 51],
    aggregator: [300, 17, 23],
  };

/** Six of ten tokens of the calls that answer in the same breath are thinking. */
const reply = (more: Parameters<typeof scripted>[0] = {}) =>
  scripted({
    ...more,
    more(call: Call) {
      const [prompt, cached, generated] = TOKENS[kindOf(call)]!;
      return {
        usage: {
          prompt_tokens: prompt,
          completion_tokens: generated,
          total_tokens: prompt + generated,
          prompt_tokens_details: { cached_tokens: cached },
          ...(/think|draft/.test(kindOf(call))
            ? { completion_tokens_details: { reasoning_tokens: generated * 0.5 } }
            : {}),
        },
      };
    },
  });

/** What each strategy's usage comes to, by hand. */
const GOLDEN: readonly (readonly [
  strategy: string,
  calls: string,
  expected: Record<string, number>,
  body?: Record<string, unknown>,
  script?: Parameters<typeof scripted>[0],
])[] = [
  ["direct", "one call", usage(10, 0, 7, 0, 1, 10, 0)],
  ["think", "one call, half of it thinking", usage(30, 4, 40, 20, 1, 30, 4)],
  ["draft", "one call, half of it thinking", usage(35, 0, 14, 7, 1, 35, 0)],
  [
    "think",
    "an unclosed block and the answer to it",
    usage(30, 4, 51, 40, 2, 90, 4),
    {},
    { replies: { think: { content: "<think>Hm" } } },
  ],
  [
    "draft",
    "an unclosed draft and the answer to it",
    usage(35, 0, 25, 14, 2, 95, 0),
    {},
    { replies: { draft: { content: "<think>Hm" } } },
  ],
  ["steps", "three steps and the answer", usage(100, 50, 102, 93, 4, 480, 278)],
  ["relay", "the reasoner and the writer", usage(32, 0, 72, 64, 2, 102, 0)],
  // Of a sample's text "It is 42." is shown, some 3 tokens.
  ["vote", "four samples", usage(41, 0, 212, 209, 4, 164, 0)],
  ["vote", "four samples and the call that may use tools", usage(41, 0, 224, 212, 5, 230, 1), {
    tools: TOOLS,
  }],
  ["vote", "four samples and the rewriting", usage(41, 0, 224, 212, 5, 230, 1), {
    reasoning: { finalize: "synthesize" },
  }],
  ["moa", "two layers and the aggregator", usage(39, 0, 419, 396, 9, 636, 25), {
    reasoning: { layers: 2 },
  }],
  ["moa", "four proposers and the aggregator", usage(39, 0, 227, 204, 5, 456, 17)],
  ["verify", "a solver and one with a plan", usage(41, 0, 114, 111, 2, 88, 3)],
  ["rsa", "eight samples and eight aggregations", usage(41, 0, 880, 877, 16, 1528, 0)],
  [
    "rsa",
    "a population that differs and the answer made of it",
    usage(41, 0, 899, 880, 17, 1738, 5),
    {},
    { answer: allDiffer },
  ],
  ["auto", "the four samples of its vote", usage(41, 0, 212, 209, 4, 164, 0)],
  ["auto", "the one call of its thinking", usage(30, 4, 40, 20, 1, 30, 4), {
    reasoning_effort: "low",
  }],
];

function usage(
  prompt: number,
  cached: number,
  generated: number,
  reasoning: number,
  calls: number,
  prompts: number,
  allCached: number,
): Record<string, number> {
  return { prompt, cached, generated, reasoning, calls, prompts, allCached };
}

// deno-lint-ignore no-explicit-any -- the usage as it came
function read(sent: any): Record<string, number> {
  assertEquals(sent.total_tokens, sent.prompt_tokens + sent.completion_tokens);
  assertEquals(sent.upstream.completion_tokens, sent.completion_tokens);
  assertEquals(sent.upstream.estimated, false);
  return usage(
    sent.prompt_tokens,
    sent.prompt_tokens_details.cached_tokens,
    sent.completion_tokens,
    sent.completion_tokens_details.reasoning_tokens,
    sent.upstream.calls,
    sent.upstream.prompt_tokens,
    sent.upstream.cached_tokens,
  );
}

for (const [strategy, calls, expected, body, script] of GOLDEN) {
  Deno.test(`${strategy} sums up ${calls}, streamed and whole alike`, async () => {
    await using upstream = startUpstream(reply(script));
    // One at a time: the first call is the first.
    const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
    const { json } = await ask(strategy, body);
    assertEquals(read(json.usage), expected);
    const streamed = await ask(strategy, {
      ...body,
      stream: true,
      stream_options: { include_usage: true },
    });
    assertEquals(streamed.json.usage, json.usage);
  });
}

Deno.test("a judged vote and a repaired answer are summed up to the last call", async () => {
  const differing = ({ index }: Call) => 100 + index;
  await using upstream = startUpstream(reply({ answer: differing, refutes: () => true }));
  const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
  const vote = (await ask("vote", { reasoning_effort: "low" })).json.usage;
  assertEquals([vote.upstream.calls, vote.completion_tokens], [6, 4 * 53 + 2 * 1]);
  assertEquals(vote.upstream.prompt_tokens, 4 * 41 + 2 * 200);
  const verify = (await ask("verify")).json.usage;
  assertEquals(verify.upstream.calls, 7);
  assertEquals(verify.completion_tokens, 2 * 53 + 61 + 3 * 21 + 44);
  assertEquals(verify.upstream.prompt_tokens, 2 * 41 + 47 + 3 * 90 + 95);
});

Deno.test("a call that failed before it said anything adds no tokens", async () => {
  const answer = reply();
  await using upstream = startUpstream((call) =>
    call.index === 0 ? { status: 500, body: "{}" } : answer(call)
  );
  const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
  const { usage } = (await ask("moa")).json;
  assertEquals([usage.upstream.calls, usage.upstream.estimated], [5, false]);
  assertEquals(usage.completion_tokens, 3 * 51 + 23);
  assertEquals([usage.prompt_tokens, usage.upstream.prompt_tokens], [39, 3 * 39 + 300]);
});

Deno.test("losers that never left the queue are no calls, and one that did is estimated", async () => {
  const answer = reply();
  await using upstream = startUpstream((call) => call.index < 4 ? answer(call) : endless(call));
  const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
  const body = { reasoning: { wave: 16, max_samples: 16 } };
  const { usage } = (await ask("vote", body)).json;
  assertEquals(usage.completion_tokens, 4 * 53);
  // The fifth may have been on its way when the fourth decided.
  const sent = usage.upstream.calls;
  assert(sent === 4 || sent === 5, String(sent));
  assertEquals(usage.upstream.estimated, sent === 5);
  assertEquals(usage.upstream.prompt_tokens > 4 * 41, sent === 5);
});

Deno.test("the cost is that of all calls", async () => {
  await using upstream = startUpstream(reply());
  const { ask } = await createStrategyApp(upstream, {
    upstream: { price: { input: 2, cached_input: 1, output: 10 } },
  });
  const { usage } = (await ask("moa")).json;
  // 439 fresh prompt tokens, 17 from the cache, 227 generated.
  assertEquals(usage.upstream.cost, (439 * 2 + 17 * 1 + 227 * 10) / 1e6);
});
