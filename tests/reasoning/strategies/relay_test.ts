import { assert, assertEquals } from "@std/assert";
import { type Call, type Reply, startUpstream } from "../../support/upstream.ts";
import { kindOf, kindsOf, textOf } from "../../support/kinds.ts";
import { scripted, THOUGHT, TOOLS } from "./setup/script.ts";
import { createStrategyApp } from "./setup/app.ts";

const never = new Promise<never>(() => {});

/** A reasoner whose answer never ends. */
const talkative = (own: boolean): Reply => ({
  ...(own
    ? { reasoning: THOUGHT, content: ["It ", "is"] }
    : { content: [`<think>${THOUGHT}</think>`, "It ", "is"] }),
  gate: (frame) => frame === 3 ? never : undefined,
});

for (const own of [true, false]) {
  Deno.test(`the reasoner's call is aborted at its first answer token (${own ? "its own reasoning" : "tags"})`, async () => {
    await using upstream = startUpstream(
      scripted({ replies: { "relay.reasoner": talkative(own) } }),
    );
    const { ask } = await createStrategyApp(upstream);
    const { content, reasoning } = await ask("relay", { stream: true });
    assertEquals([content, reasoning.trim()], ["It is 42.", THOUGHT]);
    await upstream.calls[0]!.left;
    assertEquals(kindsOf(upstream), { "relay.reasoner": 1, "relay.writer": 1 });
    assert(textOf(upstream.calls[1]!).includes(`<notes>\n${THOUGHT}\n</notes>`));
  });
}

Deno.test("the text of a reasoner without tags is its thinking", async () => {
  await using upstream = startUpstream(
    scripted({ replies: { "relay.reasoner": { content: THOUGHT } } }),
  );
  const { ask } = await createStrategyApp(upstream);
  for (const stream of [true, false]) {
    const { content, reasoning } = await ask("relay", { stream });
    assertEquals([content, reasoning.trim()], ["It is 42.", THOUGHT]);
  }
});

Deno.test("if the reasoner says nothing, the writer answers alone", async () => {
  await using upstream = startUpstream(
    scripted({ replies: { "relay.reasoner": { content: "<think></think>" } } }),
  );
  const { ask } = await createStrategyApp(upstream, { config: { stream_status_feedback: true } });
  const { status, content, reasoning } = await ask("relay");
  assertEquals([status, content], [200, "It is 42."]);
  assert(reasoning.includes("The writer answers alone"));
});

Deno.test("a reasoner that was seen to reason by itself gets no instructions", async () => {
  await using upstream = startUpstream(scripted({
    more: ({ body }) => body.model === "r1" ? { reasoning: THOUGHT, content: "x" } : {},
  }));
  const roles = { reasoner: { model: "r1" } };
  const models = { m: { strategy: "relay", upstream: "scripted", model: "writer", roles } };
  const { ask } = await createStrategyApp(upstream, { config: { models } });
  for (let request = 0; request < 2; request++) {
    assertEquals((await ask("m")).content, "It is 42.");
  }
  const made = upstream.calls.map((call: Call) => `${call.body.model} ${kindOf(call)}`);
  assertEquals(made, [
    "r1 relay.reasoner",
    "writer relay.writer",
    "r1 plain",
    "writer relay.writer",
  ]);
});

Deno.test("both models get the client's sampling, and the writer its tools", async () => {
  await using upstream = startUpstream(scripted());
  const { ask } = await createStrategyApp(upstream);
  await ask("relay", { tools: TOOLS, temperature: 0.2, top_p: 0.5, seed: 3 });
  const [reasoner, writer] = upstream.calls.map(({ body }) => body);
  for (const body of [reasoner, writer]) {
    assertEquals([body.temperature, body.top_p, body.seed], [0.2, 0.5, 3]);
  }
  assertEquals([reasoner.tools, writer.tools], [undefined, TOOLS]);
});
