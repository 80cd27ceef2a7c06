import { assert, assertEquals, assertMatch } from "@std/assert";
import { startUpstream } from "../../../support/upstream.ts";
import { STRATEGIES } from "../setup/cases.ts";
import { kindOf, messagesOf } from "../../../support/kinds.ts";
import { FORMAT, scripted, TOOLS } from "../setup/script.ts";
import { createStrategyApp } from "../setup/app.ts";

const TOOL_TURN = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "What is 6 * 7?" },
  {
    role: "assistant",
    content: null,
    tool_calls: [{ id: "c1", type: "function", function: { name: "multiply", arguments: "{}" } }],
  },
  { role: "tool", tool_call_id: "c1", content: "42" },
];

const CALL = { toolCalls: [{ id: "c2", name: "multiply", arguments: ['{"a":6,', '"b":7}'] }] };

for (const strategy of STRATEGIES) {
  for (const stream of [true, false]) {
    const mode = stream ? "stream" : "JSON";

    Deno.test(`${strategy} ends with one call that has the tools (${mode})`, async () => {
      await using upstream = startUpstream(scripted({
        more: ({ body }) => body.tools ? { ...CALL, content: null } : {},
      }));
      const { ask } = await createStrategyApp(upstream);
      const { status, finish, json, chunks } = await ask(strategy, { stream, tools: TOOLS });
      assertEquals([status, finish], [200, "tool_calls"]);
      const calls = stream
        ? chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? [])
        : json.choices[0].message.tool_calls;
      const text = calls.map((call: { function: { arguments?: string } }) =>
        call.function.arguments ?? ""
      ).join("");
      assertEquals([calls[0].function.name, text], ["multiply", '{"a":6,"b":7}']);
      assertEquals(upstream.calls.filter(({ body }) => body.tools).length, 1);
    });

    Deno.test(`${strategy} ends with one call in the client's format (${mode})`, async () => {
      await using upstream = startUpstream(scripted());
      const { ask } = await createStrategyApp(upstream);
      const { content, finish } = await ask(strategy, { stream, response_format: FORMAT });
      assertEquals([content, finish], ['{"n":"42"}', "stop"]);
      const asked = upstream.calls.filter(({ body }) =>
        body.response_format?.json_schema.name === "answer"
      );
      assertEquals(asked.length, 1);
    });

    Deno.test(`${strategy} continues from a tool's result (${mode})`, async () => {
      await using upstream = startUpstream(scripted());
      const { ask } = await createStrategyApp(upstream);
      const { content, finish } = await ask(strategy, {
        stream,
        messages: TOOL_TURN,
        tools: TOOLS,
      });
      assertEquals([content.includes("42"), finish], [true, "stop"]);
      for (const call of upstream.calls) {
        const sent = messagesOf(call);
        const at = sent.findIndex(({ content }) => content === "Be brief.");
        assertEquals(sent.slice(at, at + TOOL_TURN.length), TOOL_TURN, kindOf(call));
      }
    });
  }

  Deno.test(`${strategy} ends its visible text at the client's stop sequence, and not its thinking`, async () => {
    for (const stream of [true, false]) {
      await using upstream = startUpstream(scripted({ answer: () => "42 STOP and more" }));
      const { ask } = await createStrategyApp(upstream);
      const { content, finish } = await ask(strategy, { stream, stop: "STOP" });
      assertEquals([content, finish], ["It is 42 ", "stop"]);
    }
  });
}

Deno.test("steps asks for a call or an answer if the client has tools, and otherwise for an answer", async () => {
  await using upstream = startUpstream(scripted());
  const { ask } = await createStrategyApp(upstream);
  const last = async (body: Record<string, unknown>) => {
    await ask("steps", body);
    return String(messagesOf(upstream.calls.at(-1)!).at(-1)!.content);
  };
  assertMatch(await last({ tools: TOOLS }), /final answer[^]*call the tool now/);
  assertEquals((await last({})).includes("tool"), false);
});

// A provider's cache hits only if prompts begin with the same characters.
for (const tools of [undefined, TOOLS]) {
  const what = tools === undefined ? "" : " with tools";
  Deno.test(`each step${what} begins with the messages of the one before`, async () => {
    await using upstream = startUpstream(scripted());
    const { ask } = await createStrategyApp(upstream);
    await ask("steps", { tools });
    const prompts = upstream.calls.map(({ body }) => JSON.stringify(body.messages).slice(0, -1));
    assert(prompts.length > 2);
    for (const [i, prompt] of prompts.slice(1).entries()) {
      assert(prompt.startsWith(prompts[i]!), `call ${i + 1}`);
    }
  });

  Deno.test(`the samples${what} of one wave have the same prompt`, async () => {
    for (const strategy of ["vote", "rsa"]) {
      await using upstream = startUpstream(scripted());
      const { ask } = await createStrategyApp(upstream);
      await ask(strategy, { tools });
      const prompts = upstream.calls.slice(0, 4).map(({ body }) => JSON.stringify(body.messages));
      assertEquals(new Set(prompts).size, 1, strategy);
    }
  });
}

Deno.test("a thinking call gets a short list of many tools, and no schemas", async () => {
  const tools = Array.from({ length: 36 }, (_, i) => ({
    type: "function",
    function: {
      name: `tool_${i}`,
      description: `Does thing ${i}. ${"And much more. ".repeat(60)}`,
      parameters: { type: "object", properties: { secret_field: { type: "string" } } },
    },
  }));
  const listOf = async (characters: number) => {
    await using upstream = startUpstream(scripted());
    const { ask } = await createStrategyApp(upstream, {
      config: { thinking: { tools_characters: characters } },
    });
    await ask("vote", { tools });
    const [system] = messagesOf(upstream.calls[0]!);
    const lines = String(system!.content).split("\n");
    return lines.slice(lines.findIndex((line) => line.startsWith("- ")));
  };
  const described = await listOf(2_000);
  assertEquals([described.length, described[0], described[35]], [
    36,
    "- tool_0: Does thing 0.",
    "- tool_35: Does thing 35.",
  ]);
  const cut = await listOf(800);
  assertEquals([cut.length, cut[0]], [36, "- tool_0: Does thing"]);
  assert(cut.join("\n").length <= 800);
  const names = await listOf(360);
  assertEquals([names.length, names[0]], [36, "- tool_0"]);
  assertEquals(await listOf(30), ["- tool_0", "- tool_1", "- tool_2", "- and 33 more"]);
});
