import { assertEquals } from "@std/assert";
import { kindOf, textOf } from "../../support/kinds.ts";
import { type Call, type Reply, startUpstream } from "../../support/upstream.ts";
import { THINKING } from "./cases.ts";
import { scripted } from "./script.ts";
import { createStrategyApp } from "./setup.ts";

/** Rejects a call that exceeds the context of a model, as llama.cpp does. */
function limited(characters: number, reply: (call: Call) => Reply) {
  return (call: Call): Reply => {
    const tokens = Math.ceil(textOf(call).length / 4);
    const window = Math.ceil(characters / 4);
    if (tokens <= window) return reply(call);
    const message =
      `the request exceeds the available context size. try increasing the context size ` +
      `(n_prompt_tokens: ${tokens}, n_ctx: ${window})`;
    const error = { code: 400, message, type: "exceed_context_size_error" };
    return { status: 400, body: JSON.stringify({ error }) };
  };
}

const QUESTION = `${"A long text. ".repeat(80)}What is 6 * 7?`;
const body = { messages: [{ role: "user", content: QUESTION }] };

for (const strategy of THINKING) {
  for (const stream of [true, false]) {
    Deno.test(`${strategy} answers if only the conversation fits into the context (stream: ${stream})`, async () => {
      await using upstream = startUpstream(
        limited(QUESTION.length, scripted({ replies: { plain: { content: "42" } } })),
      );
      const { ask } = await createStrategyApp(upstream);
      const { content, finish } = await ask(strategy, { ...body, stream });
      assertEquals([content, finish], ["42", "stop"]);
      assertEquals(kindOf(upstream.calls.at(-1)!), "plain");
    });
  }

  Deno.test(`${strategy} answers if the context has room for what it adds, and little more`, async () => {
    for (const room of [100, 300, 600, 900, 1_200, 1_500, 2_000]) {
      await using upstream = startUpstream(limited(QUESTION.length + room, scripted()));
      const { ask } = await createStrategyApp(upstream);
      assertEquals((await ask(strategy, body)).status, 200, String(room));
    }
  });

  Deno.test(`${strategy} reports a conversation that is too long`, async () => {
    await using upstream = startUpstream(limited(QUESTION.length - 8, scripted()));
    const { ask } = await createStrategyApp(upstream);
    const { status, json } = await ask(strategy, body);
    assertEquals([status, json.error.code], [400, "context_length_exceeded"]);
  });
}
