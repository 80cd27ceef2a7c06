import { assert, assertEquals } from "@std/assert";
import { kindOf, textOf } from "../../../support/kinds.ts";
import { type Call, type Reply, startUpstream } from "../../../support/upstream.ts";
import { type Script, scripted, TOOLS } from "../setup/script.ts";
import { createStrategyApp } from "../setup/app.ts";

const CUT = "<think>Hm.</think>The answer is 42.\nIt is 42, s";
const COMPLETE = "<think>Hm.</think>It is 42, since six sevens are 42.\nFINAL: 42";

const cut = (content: string): Reply => ({ content, finish: "length" });

/** Starts an upstream whose calls of these numbers have these replies, one call after the other. */
async function startApp(replies: readonly Reply[], script: Script = {}) {
  const reply = scripted(script);
  const upstream = startUpstream((call: Call) => replies[call.index] ?? reply(call));
  const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
  return {
    ask,
    upstream,
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

for (
  const [strategy, replies, reasoning] of [
    ["vote", [cut(CUT), cut(CUT), { content: COMPLETE }, cut(CUT)], { max_samples: 4 }],
    ["rsa", Array(8).fill(0).map((_, i) => i % 4 === 2 ? { content: COMPLETE } : cut(CUT)), {
      population: 4,
      rounds: 1,
    }],
    ["verify", [cut(CUT), { content: COMPLETE }], {}],
  ] as const
) {
  Deno.test(`${strategy} shows a complete sample of the winning answer, not one that was cut off`, async () => {
    await using app = await startApp(replies);
    const { content, finish } = await app.ask(strategy, { reasoning });
    assertEquals([content, finish], ["It is 42, since six sevens are 42.", "stop"]);
  });
}

for (
  const [strategy, replies, reasoning] of [
    ["vote", [cut("6 of 7"), cut("6 of 7"), { content: COMPLETE }, { content: COMPLETE }], {
      max_samples: 4,
    }],
    ["vote", [cut("6 of 7"), cut("6 of 7"), cut("6 of 7"), { content: COMPLETE }], {
      max_samples: 4,
    }],
    ["verify", [cut("6 of 7"), { content: COMPLETE }, cut("6 of 7"), cut("1 of 8")], {
      max_solvers: 4,
    }],
  ] as const
) {
  const count = replies.filter((reply) => "finish" in reply).length;
  Deno.test(`${strategy}: ${count} samples of ${replies.length} that were cut off do not outvote a complete one`, async () => {
    await using app = await startApp(replies, { answer: () => 7 });
    const { content, finish } = await app.ask(strategy, { reasoning });
    assertEquals([content, finish], ["It is 42, since six sevens are 42.", "stop"]);
  });
}

Deno.test("a judge sees no samples that were cut off, if others are complete", async () => {
  const replies = ["red", "green", "blue", "black"].map((content, i): Reply =>
    i % 2 === 0 ? cut(content) : { content }
  );
  await using app = await startApp(replies);
  await app.ask("vote", { reasoning: { max_samples: 4 } });
  const judged = app.upstream.calls.filter((call) => kindOf(call) === "judge");
  assertEquals(judged.length, 2);
  for (const call of judged) {
    const text = textOf(call);
    assert(/\ngreen\b/.test(text) && /\nblack\b/.test(text) && !/red|blue/.test(text), text);
  }
});

Deno.test("rsa builds an open answer from complete samples, if there are any", async () => {
  const texts = ["red", "green", "blue", "black"].map((content, i): Reply =>
    i % 2 === 0 ? cut(content) : { content }
  );
  await using app = await startApp([...texts, ...texts]);
  await app.ask("rsa", { reasoning: { population: 4, rounds: 1 } });
  const text = textOf(app.upstream.calls.at(-1)!);
  assertEquals(kindOf(app.upstream.calls.at(-1)!), "rsa.answer");
  assert(/\ngreen\b/.test(text) && /\nblack\b/.test(text) && !/red|blue/.test(text), text);
});

Deno.test("verify shows a complete solution if no answer could be read", async () => {
  await using app = await startApp([cut("Let me see"), { content: "Nobody can say." }]);
  const { content, finish } = await app.ask("verify", { reasoning: { max_solvers: 2 } });
  assertEquals([content, finish], ["Nobody can say.", "stop"]);
});

Deno.test("if moa's aggregator fails, a complete answer is shown, not one that was cut off", async () => {
  await using app = await startApp([cut(CUT), { content: COMPLETE }], {
    replies: { "moa.aggregator": { status: 503, body: "{}" } },
  });
  const { content, finish } = await app.ask("moa", { reasoning: { proposers: 2 } });
  assertEquals([content, finish], ["It is 42, since six sevens are 42.", "stop"]);
});

Deno.test("a sample that was cut off after a stop sequence is complete", async () => {
  for (const strategy of ["vote", "rsa", "verify"]) {
    await using upstream = startUpstream(scripted({
      more: () => ({ content: "<think>Hm.</think>It is 42.END Six", finish: "length" }),
    }));
    const { ask } = await createStrategyApp(upstream);
    for (const stream of [true, false]) {
      const { content, finish } = await ask(strategy, { stream, stop: "END" });
      assertEquals([content, finish], ["It is 42.", "stop"], strategy);
    }
  }
});

for (
  const [strategy, last, fields] of [
    ["moa", "moa.aggregator", {}],
    ["rsa", "rsa.answer", { reasoning: { population: 2, rounds: 1 } }],
    ["vote", "synthesize", { tools: TOOLS, reasoning: { max_samples: 4 } }],
  ] as const
) {
  Deno.test(`${strategy}: a sample that was cut off and replaces the last call ends with 'length'`, async () => {
    const content = strategy === "vote" ? COMPLETE : "The sea is";
    const script = { replies: { [last]: { status: 503, body: "{}" } } };
    await using app = await startApp(Array(4).fill(cut(content)), script);
    const { content: answer, finish } = await app.ask(strategy, fields);
    assertEquals([answer !== "", finish], [true, "length"]);
  });
}
