import { assert, assertEquals } from "@std/assert";
import {
  type Call,
  type Reply,
  startUpstream,
  step,
  type Upstream,
} from "../../../support/upstream.ts";
import { casesOf, STRATEGIES } from "../setup/cases.ts";
import { kindOf, kindsOf } from "../../../support/kinds.ts";
import { allDiffer, FORMAT, scripted, TOOLS } from "../setup/script.ts";
import { createStrategyApp } from "../setup/app.ts";

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

const CAPS = Array.from({ length: 20 }, (_, index) => index + 1);

/** Publishes a strategy once for each cap on calls, under the cap. */
function createCappedApp(upstream: Upstream, strategy: string) {
  const models = CAPS.map((calls) => [
    calls,
    // What is learned of an upstream model is not shared by others.
    { strategy, upstream: "scripted", model: `scripted-model-${calls}`, caps: { calls } },
  ]);
  return createStrategyApp(upstream, { config: { models: Object.fromEntries(models) } });
}

for (const strategy of STRATEGIES) {
  for (const [shape, more] of Object.entries(SHAPES)) {
    Deno.test(`${strategy} never generates more than max_completion_tokens, for ${shape}`, async () => {
      for (const answer of [() => 42, allDiffer]) {
        await using upstream = startUpstream(
          scripted({ answer, refutes: () => true, more: greedy }),
        );
        const { ask } = await createStrategyApp(upstream);
        for (const max of [40, 400, 1_000, 8_000]) {
          const before = upstream.calls.length;
          const body = { max_completion_tokens: max, reasoning_effort: "high", ...more };
          const { status, json } = await ask(strategy, body);
          assertEquals(status, 200);
          const { completion_tokens: generated } = json.usage;
          assert(generated <= max, `${generated} of ${max}`);
          const calls = upstream.calls.slice(before);
          const last = calls.at(-1)!;
          const hasVisibleCall = calls.length === 1 || shape !== "a text" ||
            !casesOf(strategy).showsSample;
          // A call that thinks and answers has to leave room for another answer.
          if (hasVisibleCall && !/\.think$/.test(kindOf(last))) {
            assert(last.body.max_tokens >= Math.ceil(max / 4), `${last.body.max_tokens} of ${max}`);
          }
        }
      }
    });

    Deno.test(`${strategy} makes no more calls than its cap allows, for ${shape}`, async () => {
      await using upstream = startUpstream(scripted({ answer: allDiffer, refutes: () => true }));
      const { ask } = await createCappedApp(upstream, strategy);
      for (const cap of CAPS) {
        const before = upstream.calls.length;
        const { status } = await ask(`${cap}`, { reasoning_effort: "high", ...more });
        assertEquals(status, 200);
        const made = upstream.calls.length - before;
        assert(made >= 1 && made <= cap, `${made} of ${cap}`);
      }
    });
  }

  Deno.test(`${strategy} repairs an answer in a wrong form only if its cap leaves a call for it`, async () => {
    let mended = false;
    await using upstream = startUpstream(scripted({ answer: allDiffer, more: formless }));
    const { ask } = await createCappedApp(upstream, strategy);
    for (const cap of CAPS) {
      const before = upstream.calls.length;
      const { status, json } = await ask(`${cap}`, {
        reasoning_effort: "high",
        response_format: FORMAT,
      });
      assertEquals(status, 200);
      assert(json.choices[0].message.refusal.includes("response_format"));
      const calls = upstream.calls.slice(before);
      assert(calls.length >= 1 && calls.length <= cap, `${calls.length} of ${cap}`);
      mended ||= kindsOf({ calls }).mend === 1;
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

Deno.test("an answer in a wrong form is not repaired if the cap on tokens or cost or the client's limit is reached", async () => {
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
        judge: cut,
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

/** A model that thinks 200 words and answers 600, one token each, as far as a call allows. */
const wordy = ({ body }: Call): Reply => {
  const limit = body.max_tokens ?? Infinity;
  const words = (count: number) => Array(Math.max(0, count)).fill("word").join(" ");
  const isStep = body.response_format?.json_schema?.name === "reasoning_step";
  const thinks = !isStep && JSON.stringify(body.messages).includes("<think>");
  const thought = thinks ? Math.min(200, limit) : 0;
  const answer = Math.min(600, limit - thought);
  const thinking = thinks ? `<think>${words(thought)}${thought < limit ? "</think>" : ""}` : "";
  const isCut = thought + answer >= limit;
  return {
    content: isStep ? step("A", "Hm.", "final_answer") : thinking + words(answer),
    finish: isCut ? "length" : "stop",
    usage: { prompt_tokens: 10, completion_tokens: isStep ? 10 : thought + answer },
  };
};

for (const strategy of STRATEGIES) {
  Deno.test(`${strategy}: no answer ends with length while the limit has room for it`, async () => {
    for (
      const limit of [
        { max_tokens: 1_000 },
        { max_tokens: 2_000 },
        { max_completion_tokens: 1_000 },
        { max_completion_tokens: 2_000 },
        { max_completion_tokens: 20_000 },
      ]
    ) {
      await using upstream = startUpstream(wordy);
      const { ask } = await createStrategyApp(upstream);
      const { content, finish, json } = await ask(strategy, limit);
      const name = JSON.stringify(limit);
      const { completion_tokens: generated } = json.usage;
      const sum = limit.max_completion_tokens ?? Infinity;
      assert(generated <= sum, name);
      // The sum may be spent before the answer is complete, but not a part of it.
      if (!casesOf(strategy).mayRunOut || generated < sum) {
        assertEquals([content.split(" ").length, finish], [600, "stop"], name);
      }
      for (const { body } of upstream.calls) {
        assert(body.max_tokens <= Object.values(limit)[0]!, name);
      }
    }
  });
}

Deno.test("one call answers if max_completion_tokens is too small for two whole samples", async () => {
  for (const strategy of ["vote", "moa", "verify", "rsa"]) {
    await using upstream = startUpstream(scripted());
    const { ask } = await createStrategyApp(upstream);
    assertEquals((await ask(strategy, { max_completion_tokens: 2_000 })).finish, "stop");
    assertEquals(kindsOf(upstream), { plain: 1 }, strategy);
    assertEquals(upstream.calls[0]!.body.max_tokens, 2_000);
  }
  await using upstream = startUpstream(scripted({ answer: allDiffer }));
  const { ask } = await createStrategyApp(upstream);
  await ask("moa", { max_completion_tokens: 4_000 });
  const sent = upstream.calls.slice(0, -1).map(({ body }) => body.max_tokens);
  assertEquals(sent, [1_500, 1_500], "two whole samples instead of four parts");
});

Deno.test("a configured cap on tokens is sent with every call, and the default with hidden calls only", async () => {
  for (const strategy of STRATEGIES) {
    await using upstream = startUpstream(scripted());
    const { ask } = await createStrategyApp(upstream, { model: { caps: { tokens: 500 } } });
    await ask(strategy);
    for (const { body } of upstream.calls) assert(body.max_tokens <= 500, strategy);
  }
  await using upstream = startUpstream(scripted());
  const { ask } = await createStrategyApp(upstream);
  for (const strategy of ["direct", "think", "relay"]) await ask(strategy);
  const isHidden = (call: Call) => kindOf(call) === "relay.reasoner";
  for (const call of upstream.calls.filter((call) => !isHidden(call))) {
    assertEquals(call.body.max_tokens, undefined, kindOf(call));
  }
  assert(upstream.calls.some(isHidden));
});
