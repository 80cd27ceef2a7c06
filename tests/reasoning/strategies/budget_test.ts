import { assert, assertEquals } from "@std/assert";
import { type Call, type Reply, startUpstream } from "../../support/upstream.ts";
import { casesOf, STRATEGIES } from "./cases.ts";
import { kindOf, kindsOf } from "../../support/kinds.ts";
import { allDiffer, FORMAT, scripted, TOOLS } from "./script.ts";
import { createStrategyApp } from "./setup.ts";

/** A model that generates as many tokens as a call allows. */
const greedy = ({ body }: Call): Reply => ({
  usage: { prompt_tokens: 10, completion_tokens: body.max_tokens },
});

/** A model that ignores the format of the answer. */
const formless = ({ body }: Call): Reply => {
  const format = body.response_format;
  const isAnswer = format !== undefined && format.json_schema?.name !== "reasoning_step";
  return isAnswer ? { content: "It is 42." } : {};
};

/** Requests by the form of the answer. */
const SHAPES: Record<string, Record<string, unknown>> = {
  "a text": {},
  "tools": { tools: TOOLS },
  "a format": { response_format: FORMAT },
};

for (const strategy of STRATEGIES) {
  for (const [shape, more] of Object.entries(SHAPES)) {
    Deno.test(`${strategy} never generates more than max_completion_tokens, for ${shape}`, async () => {
      for (const max of [40, 400, 1_000, 8_000]) {
        for (const answer of [() => 42, allDiffer]) {
          await using upstream = startUpstream(
            scripted({ answer, refutes: () => true, more: greedy }),
          );
          const { ask } = await createStrategyApp(upstream);
          const body = { max_completion_tokens: max, reasoning_effort: "high", ...more };
          const { status, json } = await ask(strategy, body);
          assertEquals(status, 200);
          const { completion_tokens: generated } = json.usage;
          assert(generated <= max, `${generated} of ${max}`);
          const last = upstream.calls.at(-1)!;
          const hasVisibleCall = upstream.calls.length === 1 || shape !== "a text" ||
            !casesOf(strategy).showsSample;
          // A call that thinks and answers has to leave room for another answer.
          if (hasVisibleCall && !/\.think$/.test(kindOf(last))) {
            assert(last.body.max_tokens >= Math.ceil(max / 4), `${last.body.max_tokens} of ${max}`);
          }
        }
      }
    });

    Deno.test(`${strategy} makes no more calls than its cap allows, for ${shape}`, async () => {
      for (let calls = 1; calls <= 20; calls++) {
        await using upstream = startUpstream(
          scripted({ answer: allDiffer, refutes: () => true }),
        );
        const { ask } = await createStrategyApp(upstream, { model: { caps: { calls } } });
        const { status } = await ask(strategy, { reasoning_effort: "high", ...more });
        assertEquals(status, 200);
        assert(upstream.calls.length <= calls, `${upstream.calls.length} of ${calls}`);
      }
    });
  }

  Deno.test(`${strategy} mends an answer in a wrong form only if its cap leaves a call for it`, async () => {
    let mended = false;
    for (let calls = 1; calls <= 20; calls++) {
      await using upstream = startUpstream(scripted({ answer: allDiffer, more: formless }));
      const { ask } = await createStrategyApp(upstream, { model: { caps: { calls } } });
      const { status, json } = await ask(strategy, {
        reasoning_effort: "high",
        response_format: FORMAT,
      });
      assertEquals(status, 200);
      assert(json.choices[0].message.refusal.includes("response_format"));
      assert(upstream.calls.length <= calls, `${upstream.calls.length} of ${calls}`);
      mended ||= kindsOf(upstream).mend === 1;
    }
    assert(mended);
  });

  Deno.test(`${strategy} stops thinking when its cap on tokens or cost is reached`, async () => {
    for (const caps of [{ tokens: 5 }, { usd: 0.000_001 }]) {
      await using upstream = startUpstream(scripted({ answer: allDiffer }));
      const { ask } = await createStrategyApp(upstream, {
        model: { caps },
        upstream: { price: { input: 1, output: 1 } },
      });
      const { status } = await ask(strategy, { reasoning_effort: "high" });
      assertEquals(status, 200);
      const maxCalls = casesOf(strategy).callsOverCap ?? 2;
      assert(upstream.calls.length <= maxCalls, `${upstream.calls.length} calls`);
    }
  });
}

Deno.test("an answer in a wrong form is not mended if the cap on tokens or cost or the client's limit is reached", async () => {
  const price = { input: 1, output: 1 };
  for (
    const [caps, body] of [
      [{ tokens: 5 }, {}],
      [{ usd: 0.000_001 }, {}],
      [{}, { max_completion_tokens: 5 }],
    ] as const
  ) {
    await using upstream = startUpstream(scripted({ more: formless }));
    const { ask } = await createStrategyApp(upstream, { model: { caps }, upstream: { price } });
    const { json } = await ask("direct", { response_format: FORMAT, ...body });
    assert(json.choices[0].message.refusal.includes("response_format"));
    assertEquals(upstream.calls.length, 1);
  }
});

Deno.test("samples of one wave share the budget", async () => {
  await using upstream = startUpstream(scripted());
  const { ask } = await createStrategyApp(upstream);
  await ask("vote", { max_completion_tokens: 8_000 });
  assertEquals(upstream.calls.map(({ body }) => body.max_tokens), Array(4).fill(1_500));
});

Deno.test("a winner that was cut off is shown as it is, with the finish reason length", async () => {
  for (const strategy of ["vote", "rsa", "verify"]) {
    for (const stream of [true, false]) {
      await using upstream = startUpstream(scripted({
        more: () => ({ content: "<think>Hm.</think>It is 42, since", finish: "length" }),
      }));
      const { ask } = await createStrategyApp(upstream);
      const { content, finish } = await ask(strategy, { stream, max_completion_tokens: 8_000 });
      assertEquals([content, finish], ["It is 42, since", "length"]);
    }
  }
});

Deno.test("if all samples are cut off while they think, one more call answers", async () => {
  const cut = { content: "<think>Six sevens are", finish: "length" };
  for (const strategy of ["vote", "rsa", "verify"]) {
    await using upstream = startUpstream(scripted({
      replies: {
        sample: cut,
        "verify.planner": cut,
        "verify.repair": cut,
        "verify.verifier": cut,
        "rsa.aggregate": cut,
        "vote.judge": cut,
      },
    }));
    const { ask } = await createStrategyApp(upstream);
    const { content, finish } = await ask(strategy, { max_completion_tokens: 8_000 });
    assertEquals([content, finish], ["It is 42.", "stop"], strategy);
    assert(/synthesize|rsa\.answer/.test(kindOf(upstream.calls.at(-1)!)), strategy);
  }
});

for (const strategy of ["think", "draft"]) {
  Deno.test(`${strategy} that stops while it thinks asks for the answer only if its cap leaves a call`, async () => {
    for (const stream of [true, false]) {
      await using upstream = startUpstream([{ content: "<think>Six sevens are" }]);
      const { ask } = await createStrategyApp(upstream, { model: { caps: { calls: 1 } } });
      const { content, reasoning, finish } = await ask(strategy, { stream });
      assertEquals([content, reasoning.trim(), finish], ["", "Six sevens are", "length"]);
      assertEquals(upstream.calls.length, 1);
    }
  });
}

for (
  const [strategy, kind] of [["think", "think.think"], ["draft", "draft.think"], [
    "direct",
    "plain",
  ]] as const
) {
  Deno.test(`${strategy} has the finish reason length if its answer was cut off`, async () => {
    await using upstream = startUpstream(scripted({
      more: () => ({ content: "It is 42, since", finish: "length" }),
    }));
    const { ask } = await createStrategyApp(upstream);
    const { content, finish } = await ask(strategy);
    assertEquals([content, finish], ["It is 42, since", "length"]);
    assertEquals(kindsOf(upstream), { [kind]: 1 });
  });
}
