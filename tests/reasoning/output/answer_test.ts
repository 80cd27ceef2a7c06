import { assert, assertEquals } from "@std/assert";
import { createTestApp } from "../../support/app.ts";
import { kindOf, messagesOf } from "../../support/kinds.ts";
import { type Reply, startUpstream, step } from "../../support/upstream.ts";
import { FORMAT, scripted, toSteps } from "../strategies/setup/script.ts";
import { createStrategyApp, QUESTION } from "../strategies/setup/app.ts";

const TOO_LONG: Reply = {
  status: 400,
  body: JSON.stringify({
    error: {
      code: "context_length_exceeded",
      message: "The maximum context length is 100 tokens.",
    },
  }),
};

const SUBJECTS = ["Apples", "Bridges", "Clouds", "Dragons", "Engines", "Forests"];

/** Starts an upstream that writes six steps, and refuses answers to more than `limit` messages. */
function startForgetful(limit: number) {
  const reply = scripted({
    replies: toSteps(({ index }) => {
      const subject = SUBJECTS[index]!;
      return { content: step(subject, `${subject} differ from everything before.`) };
    }),
  });
  return startUpstream((call) =>
    call.index >= SUBJECTS.length && messagesOf(call).length > limit ? TOO_LONG : reply(call)
  );
}

for (const path of ["chat", "respond"] as const) {
  Deno.test(`tool calls with the same id get distinct ids (${path})`, async () => {
    const call = { id: "call_0", name: "add", arguments: "{}" };
    await using upstream = startUpstream([{ content: null, toolCalls: [call, call, call] }]);
    const app = await createTestApp({ upstream: upstream.url });
    const text = await (await app[path]({ model: "plain" })).text();
    const ids = [...text.matchAll(/"call_0[^"]*"/g)].map(([id]) => id);
    assertEquals(ids, ['"call_0"', '"call_0_1"', '"call_0_2"']);
  });
}

for (const stream of [true, false]) {
  Deno.test(`if the steps leave no room for the answer, only the last steps are sent (stream: ${stream})`, async () => {
    await using upstream = startForgetful(9);
    const { ask } = await createStrategyApp(upstream);
    const { status, content, finish } = await ask("steps", { stream, reasoning: { max_steps: 6 } });
    assertEquals([status, content, finish], [200, "It is 42.", "stop"]);
    const [whole, half] = upstream.calls.slice(SUBJECTS.length).map(messagesOf);
    assertEquals(upstream.calls.length, SUBJECTS.length + 2);
    // The question and the request for the answer stay.
    for (const messages of [whole!, half!]) {
      assert(messages.some(({ content }) => content === QUESTION));
      assertEquals(kindOf({ body: { messages } }), "steps.answer");
    }
    const subjectsIn = (messages: unknown) =>
      SUBJECTS.filter((subject) => JSON.stringify(messages).includes(subject));
    assertEquals(subjectsIn(whole), SUBJECTS);
    assertEquals(subjectsIn(half), SUBJECTS.slice(3));
  });

  Deno.test(`if no step leaves room for the answer, none is sent (stream: ${stream})`, async () => {
    await using upstream = startForgetful(1);
    const { ask } = await createStrategyApp(upstream);
    const { status, content } = await ask("steps", { stream, reasoning: { max_steps: 6 } });
    assertEquals([status, content], [200, "It is 42."]);
    assertEquals(messagesOf(upstream.calls.at(-1)!), [{ role: "user", content: QUESTION }]);
  });

  Deno.test(`a conversation that is too long without steps is an error (stream: ${stream})`, async () => {
    await using upstream = startForgetful(0);
    const { ask } = await createStrategyApp(upstream);
    const { json } = await ask("steps", { stream, reasoning: { max_steps: 6 } });
    assertEquals(json.error.code, "context_length_exceeded");
  });
}

Deno.test("a refusal instead of JSON is passed on and not repaired", async () => {
  const message = { role: "assistant", content: null, refusal: "I can't help with that." };
  await using upstream = startUpstream([{
    body: JSON.stringify({ choices: [{ index: 0, message, finish_reason: "stop" }] }),
  }]);
  const { ask } = await createStrategyApp(upstream);
  const { json, finish } = await ask("direct", { response_format: FORMAT });
  assertEquals([json.choices[0].message.refusal, finish], [message.refusal, "stop"]);
  assertEquals(upstream.calls.length, 1);
});

for (const stream of [true, false]) {
  Deno.test(`an answer that ends with tool_calls but contains none ends with stop (stream: ${stream})`, async () => {
    await using upstream = startUpstream([{ content: "It is 42.", finish: "tool_calls" }]);
    const { ask } = await createStrategyApp(upstream);
    const { content, finish } = await ask("direct", { stream });
    assertEquals([content, finish], ["It is 42.", "stop"]);
  });
}

for (const stream of [true, false]) {
  Deno.test(`JSON that ends like the beginning of a stop sequence stays whole (stream: ${stream})`, async () => {
    const content = '{"n":"42"}';
    await using upstream = startUpstream([{ content }]);
    const { ask } = await createStrategyApp(upstream);
    const answer = await ask("direct", { stream, response_format: FORMAT, stop: ["}\n"] });
    assertEquals([answer.content, answer.finish], [content, "stop"]);
    assertEquals(upstream.calls.length, 1);
  });
}
