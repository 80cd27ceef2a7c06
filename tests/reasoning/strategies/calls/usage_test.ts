import { assert, assertEquals } from "@std/assert";
import { type Call, startUpstream } from "../../../support/upstream.ts";
import { allCases } from "../setup/cases.ts";
import { type ExpectedUsage, usage } from "../setup/expected_usage.ts";
import { type Kind, kindOf } from "../../../support/kinds.ts";
import { endless, scripted } from "../setup/script.ts";
import { createStrategyApp } from "../setup/app.ts";

/** Prompt, cached and generated tokens of each kind of call. */
const TOKENS: Readonly<Record<Kind, readonly [prompt: number, cached: number, generated: number]>> =
  {
    plain: [10, 0, 7],
    "think.think": [30, 4, 40],
    "draft.think": [35, 0, 14],
    "steps.step": [100, 50, 31],
    "steps.next": [100, 50, 31],
    "steps.answer": [180, 128, 9],
    "relay.reasoner": [32, 0, 64],
    "relay.writer": [70, 0, 8],
    answer: [60, 0, 11],
    "moa.refine": [45, 2, 48],
    "rsa.answer": [210, 5, 19],
    sample: [41, 0, 53],
    "verify.planner": [47, 3, 61],
    "verify.verifier": [90, 0, 21],
    "verify.repair": [95, 0, 44],
    judge: [200, 0, 1],
    synthesize: [66, 1, 12],
    "rsa.aggregate": [150, 0, 57],
    "moa.proposer": [39, 0, 51],
    "moa.aggregator": [300, 17, 23],
  };

/** A model with these counts; half the tokens of a call that thinks and answers are thinking. */
const reply = (more: Parameters<typeof scripted>[0] = {}) =>
  scripted({
    ...more,
    more(call: Call) {
      const kind = kindOf(call);
      const [prompt, cached, generated] = TOKENS[kind] ?? [20, 0, 20];
      return {
        usage: {
          prompt_tokens: prompt,
          completion_tokens: generated,
          total_tokens: prompt + generated,
          prompt_tokens_details: { cached_tokens: cached },
          ...(/^(think|draft)\.think$/.test(kind)
            ? { completion_tokens_details: { reasoning_tokens: generated * 0.5 } }
            : {}),
        },
      };
    },
  });

// deno-lint-ignore no-explicit-any -- the usage as it came
function read(sent: any): ExpectedUsage {
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

for (
  const { strategy, row: { calls, expected, body, script } } of allCases((cases) => cases.usage)
) {
  Deno.test(`the usage of ${strategy} sums up ${calls}, streamed or not`, async () => {
    await using upstream = startUpstream(reply(script));
    // One at a time, so that the first call is sent first.
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

Deno.test("the usage of a judged vote and of a repaired answer sums up every call", async () => {
  const differing = ({ index }: Call) => 100 + index;
  await using upstream = startUpstream(reply({ answer: differing, refutes: () => true }));
  const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
  const vote = (await ask("vote", { reasoning_effort: "low" })).json.usage;
  assertEquals([vote.upstream.calls, vote.completion_tokens], [8, 4 * 53 + 4 * 1]);
  assertEquals(vote.upstream.prompt_tokens, 4 * 41 + 4 * 200);
  const verify = (await ask("verify")).json.usage;
  assertEquals(verify.upstream.calls, 7 + 4);
  assertEquals(verify.completion_tokens, 2 * 53 + 61 + 3 * 21 + 44 + 4 * 1);
  assertEquals(verify.upstream.prompt_tokens, 2 * 41 + 47 + 3 * 90 + 95 + 4 * 200);
});

Deno.test("a call that fails before its first token adds no tokens", async () => {
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

Deno.test("samples that never left the queue are not counted, and a sample that did is estimated", async () => {
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

Deno.test("the cost is the sum over all calls", async () => {
  await using upstream = startUpstream(reply());
  const { ask } = await createStrategyApp(upstream, {
    upstream: { price: { input: 2, cached_input: 1, output: 10 } },
  });
  const { usage } = (await ask("moa")).json;
  // 439 fresh prompt tokens, 17 from the cache, 227 generated.
  assertEquals(usage.upstream.cost, (439 * 2 + 17 * 1 + 227 * 10) / 1e6);
});
