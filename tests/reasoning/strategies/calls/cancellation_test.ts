import { assert, assertEquals } from "@std/assert";
import { readStream } from "../../../support/app.ts";
import { createFakeClock, passing } from "../../../support/clock.ts";
import { type Call, startUpstream, type Upstream } from "../../../support/upstream.ts";
import { allCases, casesOf, STRATEGIES, type Way } from "../setup/cases.ts";
import { kindOf, kindsOf } from "../../../support/kinds.ts";
import { allDiffer, endless, meeting, type Script, scripted } from "../setup/script.ts";
import { createStrategyApp } from "../setup/app.ts";

const DIFFERING: Way = { script: { answer: allDiffer, refutes: () => true } };

/** Starts an upstream that answers some calls and then leaves the given number unanswered. */
function startWaiting(answered: number, running: number, script: Script = {}) {
  const { all, arrive } = meeting(running);
  const reply = scripted(script);
  const upstream = startUpstream((call) => {
    if (call.index < answered) return reply(call);
    arrive();
    return endless(call);
  });
  return { upstream, all };
}

/** Waits until the running calls are aborted; no further call may have been made. */
async function assertAborted(upstream: Upstream, answered: number, running: number): Promise<void> {
  await Promise.all(upstream.calls.slice(answered).map(({ left }) => left));
  assertEquals([upstream.calls.length, upstream.open], [answered + running, 0]);
}

for (
  const { strategy, row: { when, answered, running, body, script } } of allCases((cases) =>
    cases.disconnects?.map((row) => row.script ? row : { ...DIFFERING, ...row })
  )
) {
  for (const stream of [true, false]) {
    Deno.test(`${strategy}: a client that disconnects ${when} aborts all calls (${stream ? "stream" : "JSON"})`, async () => {
      const { upstream, all } = startWaiting(answered, running, script);
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
      await assertAborted(upstream, answered, running);
    });
  }
}

for (const stream of [true, false]) {
  Deno.test(`a decided vote aborts the samples that still run (${stream ? "stream" : "JSON"})`, async () => {
    // Of eight that start together four agree, which is enough.
    const reply = scripted();
    await using upstream = startUpstream((call) => call.index < 4 ? reply(call) : endless(call));
    const { ask } = await createStrategyApp(upstream);
    const { content } = await ask("vote", { stream, reasoning: { wave: 8 } });
    assertEquals(content, "It is 42.");
    await assertAborted(upstream, 4, 4);
  });

  Deno.test(`the samples that still run are aborted before the last call begins (${stream ? "stream" : "JSON"})`, async () => {
    const reply = scripted();
    const late: Call[] = [];
    await using upstream = startUpstream(async (call) => {
      if (kindOf(call) === "synthesize") await Promise.all(late.map(({ left }) => left));
      else if (call.index >= 4) late.push(call);
      return late.includes(call) ? endless(call) : reply(call);
    });
    const { ask } = await createStrategyApp(upstream);
    const reasoning = { wave: 8, finalize: "synthesize" };
    assertEquals((await ask("vote", { stream, reasoning })).content, "It is 42.");
    assertEquals(late.length, 4);
  });
}

Deno.test("samples that wait for a place at the upstream when the vote is decided never start", async () => {
  await using upstream = startUpstream(scripted());
  const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
  const { content } = await ask("vote", { reasoning: { wave: 16, max_samples: 16 } });
  assertEquals(content, "It is 42.");
  // The one behind the fourth may have been on its way.
  assert(upstream.calls.length <= 5, `${upstream.calls.length} calls`);
});

/** A day: nothing but the patience of `moa` passes in these tests. */
const DAY = 86_400_000;
const timeouts = { headers_ms: DAY, first_token_ms: DAY, idle_ms: DAY, total_ms: DAY };

/** Creates the app with a clock that no other time limit reaches. */
async function createPatientApp(upstream: Upstream) {
  const time = createFakeClock();
  const { ask } = await createStrategyApp(upstream, {
    clock: time.clock,
    upstream: { timeouts },
    config: { server: { request_timeout_ms: DAY, stream_timeout_ms: DAY } },
  });
  return { time, ask };
}

Deno.test("moa waits for its last proposer no longer than patience_ms", async () => {
  const reply = scripted();
  await using upstream = startUpstream((call) => call.index === 3 ? endless(call) : reply(call));
  const { time, ask } = await createPatientApp(upstream);
  const answer = ask("moa", { reasoning: { patience_ms: 60_000 } });
  assertEquals((await passing(time, answer, 1_000)).content, "It is 42.");
  await upstream.calls[3]!.left;
  assertEquals(upstream.calls.map(kindOf), [...Array(4).fill("moa.proposer"), "moa.aggregator"]);
});

Deno.test("moa waits for two proposers as long as both are missing", async () => {
  const reply = scripted();
  const released = Promise.withResolvers<void>();
  await using upstream = startUpstream((call) => {
    if (call.index === 3) time.clock.timer(100_000, released.resolve);
    return call.index === 2 || call.index === 3
      ? { ...reply(call), before: released.promise }
      : reply(call);
  });
  const { time, ask } = await createPatientApp(upstream);
  const answer = ask("moa", { reasoning: { patience_ms: 60_000 } });
  assertEquals((await passing(time, answer, 1_000)).content, "It is 42.");
  assertEquals(upstream.calls.map(kindOf), [...Array(4).fill("moa.proposer"), "moa.aggregator"]);
  assert(time.clock.now() >= 100_000, `${time.clock.now()} ms`);
});

Deno.test("moa waits for its last proposer as long as no other has answered", async () => {
  const reply = scripted();
  const released = Promise.withResolvers<void>();
  await using upstream = startUpstream((call) => {
    if (call.index >= 2) return reply(call);
    if (call.index === 1) return { ...reply(call), before: released.promise };
    // Many times the limit, and many turns of the event loop, after the failure.
    time.clock.timer(100_000, released.resolve);
    return { status: 503, body: "{}" };
  });
  const { time, ask } = await createPatientApp(upstream);
  const answer = ask("moa", { reasoning: { proposers: 2, patience_ms: 1 } });
  const { status, content } = await passing(time, answer, 1_000);
  assertEquals([status, content], [200, "It is 42."]);
  assertEquals(upstream.calls.map(kindOf), ["moa.proposer", "moa.proposer", "moa.aggregator"]);
});

Deno.test("eight samples of one wave run at the same time", async () => {
  const { arrive } = meeting(8);
  const reply = scripted({ answer: ({ index }) => index % 2 });
  await using upstream = startUpstream((call) =>
    kindOf(call) === "sample" ? { ...reply(call), before: arrive() } : reply(call)
  );
  const { ask } = await createStrategyApp(upstream);
  // None is answered before all have come: in a row they would wait for ever.
  assertEquals((await ask("vote", { reasoning: { wave: 8 } })).status, 200);
  assertEquals(kindsOf(upstream).sample, 8);
});

for (const strategy of STRATEGIES.filter((name) => casesOf(name).waves)) {
  const sizes = casesOf(strategy).waves!;
  Deno.test(`${strategy} takes the time of ${sizes.length} calls: ${sizes.join(", then ")} in parallel`, async () => {
    const meetings = sizes.map((size) => meeting(size));
    const reply = scripted({ answer: allDiffer });
    await using upstream = startUpstream((call) => {
      let before = 0;
      const at = sizes.findIndex((size) => call.index < (before += size));
      return { ...reply(call), before: meetings[at]!.arrive() };
    });
    const { ask } = await createStrategyApp(upstream);
    assertEquals((await ask(strategy)).status, 200);
    assertEquals(upstream.calls.length, sizes.reduce((sum, size) => sum + size, 0));
  });
}
