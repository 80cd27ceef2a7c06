import { assertEquals, assertStringIncludes } from "@std/assert";
import { kindsOf } from "../../support/kinds.ts";
import { type Call, startUpstream } from "../../support/upstream.ts";
import { endless, scripted } from "../strategies/setup/script.ts";
import { createStrategyApp } from "../strategies/setup/app.ts";

/** Fails the calls of the second choice, by its seed. */
const secondFails = (call: Call) =>
  call.body.seed === 1_007 ? { status: 500, body: "{}" } : endless(call);

Deno.test("several choices are several runs in one response", async () => {
  await using upstream = startUpstream(scripted({ answer: ({ body }) => body.seed }));
  const { ask } = await createStrategyApp(upstream, {
    upstream: { price: { input: 1, output: 1 } },
  });
  const { json } = await ask("vote", { n: 3, seed: 7 });
  assertEquals(
    json.choices.map(({ index, finish_reason }: { index: number; finish_reason: string }) => [
      index,
      finish_reason,
    ]),
    [[0, "stop"], [1, "stop"], [2, "stop"]],
  );
  // Each is a vote of its own, whose samples differ in their seeds.
  assertEquals(kindsOf(upstream).sample, 24);
  const seeds = upstream.calls.map(({ body }) => Math.floor(body.seed / 1_000));
  assertEquals(Map.groupBy(seeds, (thousand) => thousand).size, 3);
  const { prompt_tokens, completion_tokens, upstream: sums } = json.usage;
  const { length } = upstream.calls;
  assertEquals([prompt_tokens, completion_tokens], [10, 5 * length]);
  assertEquals([sums.calls, sums.prompt_tokens], [length, 10 * length]);
  assertEquals(sums.cost, Math.round(15 * length * 1e3) / 1e9);
});

Deno.test("several choices are streamed side by side, each with its index", async () => {
  await using upstream = startUpstream(scripted());
  const { send } = await createStrategyApp(upstream);
  const response = await send("think", {
    n: 2,
    stream: true,
    stream_options: { include_usage: true },
  });
  const text = await response.text();
  const frames = text.split("\n\n").filter((frame) => frame.startsWith("data: {"))
    .map((frame) => JSON.parse(frame.slice("data: ".length)));
  for (const index of [0, 1]) {
    const own = frames.map(({ choices }) => choices[0]).filter((choice) => choice?.index === index);
    assertEquals(own[0].delta.role, "assistant");
    assertEquals(own.map(({ delta }) => delta.content ?? "").join(""), "It is 42.");
    assertEquals(own.filter(({ finish_reason }) => finish_reason === "stop"), [own.at(-1)]);
  }
  assertEquals([frames.at(-1).choices, frames.at(-1).usage.completion_tokens], [[], 10]);
  assertStringIncludes(text, "data: [DONE]");
  assertEquals(text.split("[DONE]").length, 2);
});

for (const stream of [true, false]) {
  Deno.test(`if one choice fails, the others are cancelled (stream: ${stream})`, async () => {
    await using upstream = startUpstream(secondFails);
    const { ask } = await createStrategyApp(upstream);
    const { json } = await ask("direct", { n: 3, seed: 7, stream });
    assertEquals(json.error.code, "upstream_error");
    const others = upstream.calls.filter(({ body }) => body.seed !== 1_007);
    assertEquals(others.length, 2);
    for (const call of others) await call.left;
  });
}

Deno.test("a client that disconnects ends every choice", async () => {
  await using upstream = startUpstream(endless);
  const { send } = await createStrategyApp(upstream);
  const response = await send("direct", { n: 2, stream: true });
  await upstream.called(2);
  await response.body!.cancel();
  for (const call of upstream.calls) await call.left;
});

Deno.test("choices share the caps of the request, and max_tokens applies to each", async () => {
  await using upstream = startUpstream(scripted());
  const counts = [];
  for (const calls of [64, 14]) {
    upstream.calls.length = 0;
    const { ask } = await createStrategyApp(upstream, { model: { caps: { calls } } });
    await ask("vote", { n: 3 });
    counts.push(kindsOf(upstream));
  }
  // The three votes with an answer would be 15 calls.
  assertEquals(counts, [{ sample: 12 }, { plain: 3 }]);
  const { ask } = await createStrategyApp(upstream);
  upstream.calls.length = 0;
  await ask("direct", { n: 3, max_completion_tokens: 100 });
  assertEquals(upstream.calls.map(({ body }) => body.max_tokens), [100, 100, 100]);
});
