import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { withoutOldest } from "../../../lib/reasoning/relay/truncate.ts";
import { createTestApp } from "../../support/app.ts";
import { textOf } from "../../support/kinds.ts";
import { startUpstream } from "../../support/upstream.ts";

const INPUT = [
  { role: "developer", content: "Be brief." },
  { role: "user", content: "My name is Ada." },
  { type: "function_call", call_id: "c1", name: "greet", arguments: "{}" },
  { type: "function_call_output", call_id: "c1", output: "Hello, Ada" },
];

Deno.test("a compacted conversation goes on from its summary", async () => {
  await using upstream = startUpstream([{ content: "The user is called Ada." }, {
    content: "Ada.",
  }]);
  const app = await createTestApp({ upstream: upstream.url });
  const response = await app.send("/v1/responses/compact", { model: "o1", input: INPUT });
  const compacted = await response.json();
  assertEquals([response.status, compacted.object], [200, "response.compaction"]);
  assertEquals(compacted.usage.output_tokens, 5);
  const [instructions, compaction] = compacted.output;
  assertEquals(compacted.output.length, 2);
  assertEquals([instructions.role, compaction.type], ["developer", "compaction"]);
  assert(compaction.id.startsWith("cmp_"));
  assert(!JSON.stringify(compacted).includes("Ada"));
  const [asked] = upstream.calls;
  assertEquals(upstream.calls.length, 1);
  for (const text of ["Be brief.", "My name is Ada.", "Hello, Ada", "Summarise"]) {
    assertStringIncludes(textOf(asked!), text);
  }

  const question = { role: "user", content: "What is my name?" };
  const first = await (await app.respond({ input: [...compacted.output, question] })).json();
  await (await app.respond({ previous_response_id: first.id, input: "Sure?" })).body?.cancel();
  for (const call of upstream.calls.slice(1)) {
    const { messages } = call.body;
    const at = messages.findIndex(({ content }: { content: string }) => content === "Be brief.");
    assertStringIncludes(messages[at + 1].content, "The user is called Ada.");
    assertEquals(messages[at + 2], question);
  }
});

Deno.test("a compaction that this server has not sealed for the client is left out", async () => {
  await using upstream = startUpstream([{ reasoning: "Secret", content: "Ada." }]);
  const app = await createTestApp({ upstream: upstream.url });
  const { output } = await (await app.respond({
    model: "plain",
    input: "Hi",
    include: ["reasoning.encrypted_content"],
  })).json();
  const { encrypted_content } = output[0];
  assertEquals(typeof encrypted_content, "string");
  for (const blob of [encrypted_content, "gAAAA", undefined]) {
    const response = await app.respond({
      model: "plain",
      input: [{ type: "compaction", encrypted_content: blob }, { role: "user", content: "Hi" }],
    });
    assertEquals(response.status, 200);
    await response.body?.cancel();
    assertEquals(upstream.calls.at(-1)!.body.messages, [{ role: "user", content: "Hi" }]);
  }
});

const OVERFLOW = {
  status: 400,
  body: JSON.stringify({
    error: { message: "maximum context length", code: "context_length_exceeded" },
  }),
};

for (const model of ["plain", "o1"]) {
  Deno.test(`truncation auto drops the oldest turns until the conversation fits (${model})`, async () => {
    await using upstream = startUpstream(({ body }) =>
      body.messages.length > 6 ? OVERFLOW : { content: "42" }
    );
    const app = await createTestApp({ upstream: upstream.url });
    const turns = Array.from({ length: 8 }, (_, i) => [
      { role: "user", content: `Question ${i}` },
      { role: "assistant", content: `Answer ${i}` },
    ]).flat();
    const ask = (truncation: string) =>
      app.respond({
        model,
        truncation,
        instructions: "Be brief.",
        input: [...turns, { role: "user", content: "And now?" }],
      });
    const whole = await ask("disabled");
    assertEquals((await whole.json()).error?.code, "context_length_exceeded");
    const response = await ask("auto");
    const { status, output } = await response.json();
    assertEquals([response.status, status], [200, "completed"]);
    assertStringIncludes(JSON.stringify(output), "42");
    const sent = textOf(upstream.calls.at(-1)!);
    assertStringIncludes(sent, "Be brief.");
    assertStringIncludes(sent, "And now?");
    assert(!sent.includes("Question 0"));
  });
}

Deno.test("what is kept of a conversation begins with a message of the user", () => {
  const system = { role: "system", content: "s" } as const;
  const user = { role: "user", content: "u".repeat(40) } as const;
  const call = { role: "assistant", content: null, tool_calls: [{ id: "1" }] } as const;
  const result = { role: "tool", tool_call_id: "1", content: "r".repeat(400) } as const;
  const cases = [
    [[system, user, { ...call }, result, user], [system, user]],
    [[user, user, user, user], [user, user]],
    [[system, user, { ...call }, result], undefined],
    [[system], undefined],
    [[], undefined],
  ] as const;
  for (const [messages, kept] of cases) {
    assertEquals(withoutOldest([...messages] as never), kept as never);
  }
});
