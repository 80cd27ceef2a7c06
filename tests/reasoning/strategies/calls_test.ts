import { assert, assertEquals } from "@std/assert";
import { startUpstream } from "../../support/upstream.ts";
import { type Kind, kindsOf, textOf } from "./kinds.ts";
import { allDiffer, scripted } from "./script.ts";
import { createStrategyApp, THINKING } from "./setup.ts";

type Counts = Partial<Record<Kind, number>>;

for (
  const [strategy, counts] of [
    ["direct", { plain: 1 }],
    ["think", { think: 1 }],
    ["draft", { draft: 1 }],
    ["steps", { step: 3, step_answer: 1 }],
    ["relay", { reasoner: 1, writer: 1 }],
    ["vote", { sample: 4 }],
    ["moa", { proposer: 4, aggregator: 1 }],
    ["verify", { sample: 1, planner: 1 }],
    ["rsa", { sample: 8, aggregate: 8 }],
    ["auto", { sample: 4 }],
  ] as const
) {
  Deno.test(`${strategy} makes these calls where all agree: ${JSON.stringify(counts)}`, async () => {
    await using upstream = startUpstream(scripted());
    const { ask } = await createStrategyApp(upstream);
    const { status, content, json } = await ask(strategy);
    assertEquals([status, content], [200, "It is 42."]);
    assertEquals(kindsOf(upstream), counts as Counts);
    assertEquals(json.usage.upstream.calls, upstream.calls.length);
  });
}

/** The calls at low, medium, high, xhigh and max where no two answers agree and no step is last. */
const DIFFERING: Record<string, readonly Counts[]> = {
  think: [0, 0, 0, 1, 1].map((wait) => wait ? { think: 1, wait, answer: 1 } : { think: 1 }),
  draft: [0, 0, 0, 1, 1].map((wait) => wait ? { draft: 1, wait, answer: 1 } : { draft: 1 }),
  steps: [4, 8, 12, 25, 25].map((step) => ({ step, step_answer: 1 })),
  relay: Array(5).fill({ reasoner: 1, writer: 1 }),
  vote: [4, 8, 16, 24, 24].map((sample) => ({ sample, judge: 2 })),
  moa: [
    { proposer: 2, aggregator: 1 },
    { proposer: 4, aggregator: 1 },
    { proposer: 6, aggregator: 1 },
    { proposer: 6, refine: 6, aggregator: 1 },
    { proposer: 6, refine: 6, aggregator: 1 },
  ],
  verify: [2, 3, 5, 7, 7].map((all) => ({ sample: all - 1, planner: 1, verifier: all })),
  rsa: [[4, 1], [8, 1], [8, 2], [12, 3], [12, 3]].map(([size, rounds]) => ({
    sample: size!,
    aggregate: size! * rounds!,
    central: 1,
  })),
};

for (const strategy of THINKING) {
  Deno.test(`${strategy} spends as much as each effort says, and no more`, async () => {
    for (const [at, effort] of ["low", "medium", "high", "xhigh", "max"].entries()) {
      await using upstream = startUpstream(scripted({
        answer: allDiffer,
        replies: {
          step: (call) => ({ content: `{"title":"T","content":"${words(call.index)}"}` }),
        },
      }));
      const { ask } = await createStrategyApp(upstream);
      assertEquals((await ask(strategy, { reasoning_effort: effort })).status, 200);
      assertEquals(kindsOf(upstream), DIFFERING[strategy]![at]!, effort);
    }
  });

  Deno.test(`${strategy} reasons not at all where the effort is none or minimal`, async () => {
    await using upstream = startUpstream(scripted());
    const { ask } = await createStrategyApp(upstream);
    for (const effort of ["none", "minimal"]) {
      upstream.calls.length = 0;
      const { content, reasoning } = await ask(strategy, { reasoning_effort: effort });
      assertEquals([content, reasoning], ["It is 42.", ""]);
      assertEquals(kindsOf(upstream), { plain: 1 });
    }
  });

  Deno.test(`${strategy} thinks as much as its model's effort says where the request does not`, async () => {
    await using upstream = startUpstream(scripted({ answer: allDiffer }));
    const { ask } = await createStrategyApp(upstream, { model: { effort: "none" } });
    await ask(strategy);
    assertEquals(kindsOf(upstream), { plain: 1 });
  });
}

for (
  const [strategy, options, counts] of [
    ["steps", { min_steps: 1 }, { step: 1, step_answer: 1 }],
    ["vote", { wave: 3 }, { sample: 3 }],
    ["vote", { max_samples: 1 }, { sample: 1 }],
    ["vote", { finalize: "synthesize" }, { sample: 4, synthesize: 1 }],
    ["moa", { proposers: 3, layers: 2 }, { proposer: 3, refine: 3, aggregator: 1 }],
    ["rsa", { population: 5, rounds: 1 }, { sample: 5, aggregate: 5 }],
    ["verify", { max_solvers: 2 }, { sample: 1, planner: 1 }],
  ] as const
) {
  Deno.test(`${strategy} takes the options ${JSON.stringify(options)} over its effort's, from the request and the config`, async () => {
    await using upstream = startUpstream(scripted());
    const asked = await createStrategyApp(upstream);
    await asked.ask(strategy, { reasoning_effort: "high", reasoning: options });
    assertEquals(kindsOf(upstream), counts as Counts);
    upstream.calls.length = 0;
    const models = { m: { strategy, options, upstream: "scripted", model: "s", effort: "high" } };
    const configured = await createStrategyApp(upstream, { config: { models } });
    await configured.ask("m");
    assertEquals(kindsOf(upstream), counts as Counts);
  });
}

for (const strategy of ["think", "draft"]) {
  Deno.test(`${strategy} is told how deep to think`, async () => {
    await using upstream = startUpstream(scripted());
    const prompts = { brief: "[brief]", ordinary: "[ordinary]", thorough: "[thorough]" };
    const models = { [strategy]: { strategy, prompts, upstream: "scripted", model: "s" } };
    const { ask } = await createStrategyApp(upstream, { config: { models } });
    const depths = [];
    for (const effort of ["low", "medium", "high", "xhigh", "max"]) {
      upstream.calls.length = 0;
      await ask(strategy, { reasoning_effort: effort });
      depths.push(/\[(\w+)\]/.exec(textOf(upstream.calls[0]!))?.[1]);
    }
    assertEquals(depths, ["brief", "ordinary", "thorough", "thorough", "thorough"]);
  });
}

/** Steps that do not repeat each other. */
const words = (seed: number) =>
  Array.from({ length: 12 }, (_, i) => `word${seed * 100 + i}`).join(" ");

Deno.test("only as many solvers as are needed are asked", async () => {
  await using upstream = startUpstream(scripted({
    answer: (call) => call.index === 1 ? 41 : 42,
  }));
  const { ask } = await createStrategyApp(upstream);
  const { content } = await ask("verify", { reasoning_effort: "max" });
  assertEquals(content, "It is 42.");
  assertEquals(kindsOf(upstream), { sample: 2, planner: 1 });
});

Deno.test("a vote goes on in whole waves, and stops as soon as it is decided", async () => {
  // Of the first wave one differs; 6 to 1 decides before the eighth.
  await using upstream = startUpstream(scripted({ answer: (call) => call.index === 0 ? 41 : 42 }));
  const { ask } = await createStrategyApp(upstream);
  const { content, json } = await ask("vote", { reasoning_effort: "high" });
  assertEquals(content, "It is 42.");
  assertEquals(json.usage.upstream.calls, 8);
  assert(upstream.calls.length <= 8);
});
