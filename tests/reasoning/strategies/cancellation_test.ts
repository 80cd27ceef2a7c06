import { assert, assertEquals } from "@std/assert";
import { readStream } from "../../support/app.ts";
import { createFakeClock } from "../../support/clock.ts";
import { type Call, startUpstream, type Upstream } from "../../support/upstream.ts";
import { kindOf } from "./kinds.ts";
import { allDiffer, endless, meeting, type Script, scripted, TOOLS } from "./script.ts";
import { createStrategyApp } from "./setup.ts";

/** What the model and the request have to be for a point to be reached. */
interface Way {
  script?: Script;
  body?: Record<string, unknown>;
}

const DIFFERING: Way = { script: { answer: allDiffer, refutes: () => true } };
const AGREEING: Way = { script: {} };
const UNCLOSED: Way = {
  script: { replies: { think: { content: "<think>Hm" }, draft: { content: "<think>Hm" } } },
};

/** How many calls are answered before as many more are open at once. */
const POINTS: readonly (readonly [string, string, number, number, Way?])[] = [
  ["direct", "at its call", 0, 1],
  ["think", "at its call", 0, 1],
  ["think", "while what it thought is answered", 1, 1, UNCLOSED],
  ["draft", "at its call", 0, 1],
  ["draft", "while what it drafted is answered", 1, 1, UNCLOSED],
  ["steps", "at its second step", 1, 1, AGREEING],
  ["steps", "at its answer", 3, 1, AGREEING],
  ["relay", "while the reasoner thinks", 0, 1],
  ["relay", "while the writer writes", 1, 1],
  ["vote", "in the first wave", 0, 4],
  ["vote", "in the second wave", 4, 4],
  ["vote", "while a judge compares", 8, 1],
  ["vote", "while the winner is rewritten", 4, 1, {
    script: {},
    body: { reasoning: { finalize: "synthesize" } },
  }],
  ["moa", "while all propose", 0, 4],
  ["moa", "while one mixes", 4, 1],
  ["moa", "in the second layer", 4, 4, { script: {}, body: { reasoning: { layers: 2 } } }],
  ["verify", "while two solve", 0, 2],
  ["verify", "while a third solves", 2, 1],
  ["verify", "while the answers are checked", 3, 3],
  ["verify", "while one is repaired", 6, 1],
  ["verify", "at the call that may use tools", 2, 1, { script: {}, body: { tools: TOOLS } }],
  ["rsa", "in the first population", 0, 8],
  ["rsa", "in the second", 8, 8],
  ["rsa", "while one makes an answer of the last", 16, 1],
  ["auto", "in the first wave of its vote", 0, 4],
  ["auto", "while its mixture is made", 4, 1, {
    script: {},
    body: { messages: [{ role: "user", content: "Write a short poem about autumn." }] },
  }],
];

/** An upstream that answers so many calls, and then keeps so many waiting. */
function startWaiting(answered: number, open: number, script: Script = {}) {
  const { all, arrive } = meeting(open);
  const reply = scripted(script);
  const upstream = startUpstream((call) => {
    if (call.index < answered) return reply(call);
    arrive();
    return endless(call);
  });
  return { upstream, all };
}

/** Everything that was open has been left, and nothing further was asked. */
async function assertLeft(upstream: Upstream, answered: number, open: number): Promise<void> {
  await Promise.all(upstream.calls.slice(answered).map(({ left }) => left));
  assertEquals([upstream.calls.length, upstream.open], [answered + open, 0]);
}

for (const [strategy, where, answered, open, { script, body } = DIFFERING] of POINTS) {
  for (const stream of [true, false]) {
    Deno.test(`${strategy}: a client that leaves ${where} ends all calls (${stream ? "stream" : "JSON"})`, async () => {
      const { upstream, all } = startWaiting(answered, open, script);
      await using _ = upstream;
      const { send } = await createStrategyApp(upstream);
      if (stream) {
        const reader = readStream(await send(strategy, { ...body, stream }));
        // Without a reader the work would wait.
        const reading = reader.until(() => false);
        await all;
        await reader.cancel();
        await reading;
      } else {
        const client = new AbortController();
        const answer = send(strategy, { ...body }, { signal: client.signal });
        await all;
        client.abort();
        await (await answer).body?.cancel();
      }
      await assertLeft(upstream, answered, open);
    });
  }
}

for (const stream of [true, false]) {
  Deno.test(`the losers are left as soon as the vote is decided (${stream ? "stream" : "JSON"})`, async () => {
    // Of eight that start together four agree, which is enough.
    const reply = scripted();
    await using upstream = startUpstream((call) => call.index < 4 ? reply(call) : endless(call));
    const { ask } = await createStrategyApp(upstream);
    const { content } = await ask("vote", { stream, reasoning: { wave: 8 } });
    assertEquals(content, "It is 42.");
    await assertLeft(upstream, 4, 4);
  });

  Deno.test(`the losers are left before the last call begins (${stream ? "stream" : "JSON"})`, async () => {
    const reply = scripted();
    const losers: Call[] = [];
    await using upstream = startUpstream(async (call) => {
      if (kindOf(call) === "synthesize") await Promise.all(losers.map(({ left }) => left));
      else if (call.index >= 4) losers.push(call);
      return losers.includes(call) ? endless(call) : reply(call);
    });
    const { ask } = await createStrategyApp(upstream);
    const reasoning = { wave: 8, finalize: "synthesize" };
    assertEquals((await ask("vote", { stream, reasoning })).content, "It is 42.");
    assertEquals(losers.length, 4);
  });
}

Deno.test("losers that wait for a place at the upstream never start", async () => {
  await using upstream = startUpstream(scripted());
  const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
  const { content } = await ask("vote", { reasoning: { wave: 16, max_samples: 16 } });
  assertEquals(content, "It is 42.");
  // The one behind the fourth may have been on its way.
  assert(upstream.calls.length <= 5, `${upstream.calls.length} calls`);
});

/** A day: nothing but the straggler's time passes in these tests. */
const DAY = 86_400_000;
const timeouts = { headers_ms: DAY, first_token_ms: DAY, idle_ms: DAY, total_ms: DAY };

Deno.test("the last proposer is waited for no longer than straggler_ms", async () => {
  const time = createFakeClock();
  const reply = scripted();
  await using upstream = startUpstream((call) => call.index === 3 ? endless(call) : reply(call));
  const { ask } = await createStrategyApp(upstream, {
    clock: time.clock,
    upstream: { timeouts },
    config: { server: { request_timeout_ms: DAY, stream_timeout_ms: DAY } },
  });
  let isOver = false;
  const answer = ask("moa", { reasoning: { straggler_ms: 60_000 } }).finally(() => isOver = true);
  while (!isOver) await time.advance(1_000);
  assertEquals((await answer).content, "It is 42.");
  await upstream.calls[3]!.left;
  assertEquals(upstream.calls.map(kindOf), [...Array(4).fill("proposer"), "aggregator"]);
});

Deno.test("eight samples of one wave are under way together", async () => {
  const { arrive } = meeting(8);
  const reply = scripted({ answer: ({ index }) => index % 2 });
  await using upstream = startUpstream((call) =>
    kindOf(call) === "sample" ? { ...reply(call), before: arrive() } : reply(call)
  );
  const { ask } = await createStrategyApp(upstream);
  // None is answered before all have come: in a row they would wait for ever.
  assertEquals((await ask("vote", { reasoning: { wave: 8 } })).status, 200);
  assertEquals(upstream.calls.length, 8);
});

for (
  const [strategy, sizes] of [["moa", [4, 1]], ["verify", [2, 1, 3]], ["rsa", [8, 8, 1]], [
    "vote",
    [4, 4, 1, 1],
  ]] as const
) {
  Deno.test(`${strategy} takes ${sizes.length} calls' time: ${sizes.join(", then ")} at once`, async () => {
    const meetings = sizes.map((size) => meeting(size));
    const reply = scripted({ answer: allDiffer });
    await using upstream = startUpstream((call) => {
      let before = 0;
      const at = sizes.findIndex((size) => call.index < (before += size));
      return { ...reply(call), before: meetings[at]!.arrive() };
    });
    const { ask } = await createStrategyApp(upstream);
    assertEquals((await ask(strategy)).status, 200);
    assertEquals(upstream.calls.length, sizes.reduce<number>((sum, size) => sum + size, 0));
  });
}
