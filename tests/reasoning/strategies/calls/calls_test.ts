import { assertEquals } from "@std/assert";
import { startUpstream } from "../../../support/upstream.ts";
import { allCases, casesOf, STRATEGIES, THINKING } from "../setup/cases.ts";
import { kindOf, kindsOf, textOf } from "../../../support/kinds.ts";
import { allDiffer, meeting, scripted, toSteps } from "../setup/script.ts";
import { createStrategyApp } from "../setup/app.ts";

for (const strategy of STRATEGIES) {
  const { agreeing } = casesOf(strategy);
  Deno.test(`${strategy} makes these calls if all samples agree: ${JSON.stringify(agreeing)}`, async () => {
    // All samples have arrived before the first ones decide.
    const { arrive } = meeting(agreeing.sample ?? 0);
    const gate = (frame: number) => frame === 0 ? arrive() : undefined;
    await using upstream = startUpstream(
      scripted({ more: (call) => kindOf(call) === "sample" ? { gate } : {} }),
    );
    const { ask } = await createStrategyApp(upstream);
    const { status, content, json } = await ask(strategy);
    assertEquals([status, content], [200, "It is 42."]);
    assertEquals(kindsOf(upstream), agreeing);
    assertEquals(json.usage.upstream.calls, upstream.calls.length);
  });
}

for (const strategy of THINKING) {
  Deno.test(`${strategy} spends as much as each effort allows, and no more`, async () => {
    const { differing } = casesOf(strategy);
    for (const [at, effort] of ["low", "medium", "high", "xhigh", "max"].entries()) {
      await using upstream = startUpstream(scripted({
        answer: allDiffer,
        replies: toSteps((call) => ({ content: `{"title":"T","content":"${words(call.index)}"}` })),
      }));
      const { ask } = await createStrategyApp(upstream);
      assertEquals((await ask(strategy, { reasoning_effort: effort })).status, 200);
      assertEquals(kindsOf(upstream), differing[at], effort);
    }
  });

  Deno.test(`${strategy} does not think at the efforts none and minimal`, async () => {
    await using upstream = startUpstream(scripted());
    const { ask } = await createStrategyApp(upstream);
    for (const effort of ["none", "minimal"]) {
      upstream.calls.length = 0;
      const { content, reasoning } = await ask(strategy, { reasoning_effort: effort });
      assertEquals([content, reasoning], ["It is 42.", ""]);
      assertEquals(kindsOf(upstream), { plain: 1 });
    }
  });

  Deno.test(`${strategy} uses its model's effort if the request has none`, async () => {
    await using upstream = startUpstream(scripted({ answer: allDiffer }));
    const { ask } = await createStrategyApp(upstream, { model: { effort: "none" } });
    await ask(strategy);
    assertEquals(kindsOf(upstream), { plain: 1 });
  });
}

for (const { strategy, row: { options, calls } } of allCases((cases) => cases.options)) {
  Deno.test(`the options ${JSON.stringify(options)} of ${strategy} take precedence over its effort, in a request and in the config`, async () => {
    await using upstream = startUpstream(scripted());
    const asked = await createStrategyApp(upstream);
    await asked.ask(strategy, { reasoning_effort: "high", reasoning: options });
    assertEquals(kindsOf(upstream), calls);
    upstream.calls.length = 0;
    const models = { m: { strategy, options, upstream: "scripted", model: "s", effort: "high" } };
    const configured = await createStrategyApp(upstream, { config: { models } });
    await configured.ask("m");
    assertEquals(kindsOf(upstream), calls);
  });
}

for (const strategy of ["think", "draft"]) {
  Deno.test(`the effort decides how deeply ${strategy} asks to think`, async () => {
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

/** Text that repeats no other. */
const words = (seed: number) =>
  Array.from({ length: 12 }, (_, i) => `word${seed * 100 + i}`).join(" ");

Deno.test("verify asks no more solvers than a majority needs", async () => {
  await using upstream = startUpstream(scripted({
    answer: (call) => call.index === 1 ? 41 : 42,
  }));
  const { ask } = await createStrategyApp(upstream);
  const { content } = await ask("verify", { reasoning_effort: "max" });
  assertEquals(content, "It is 42.");
  assertEquals(kindsOf(upstream), { sample: 2, "verify.planner": 1 });
});

Deno.test("vote asks for as many more samples as could decide", async () => {
  // One of the first wave differs; 4 to 1 does not decide, 5 to 1 does.
  await using upstream = startUpstream(scripted({ answer: (call) => call.index === 0 ? 41 : 42 }));
  const { ask } = await createStrategyApp(upstream);
  const { content, json } = await ask("vote", { reasoning_effort: "high" });
  assertEquals(content, "It is 42.");
  assertEquals([json.usage.upstream.calls, upstream.calls.length], [6, 6]);
});
