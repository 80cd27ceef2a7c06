import { assertEquals } from "@std/assert";
import { PLACEHOLDER_TOKEN } from "../../../lib/config/resolve.ts";
import { createVault } from "../../../lib/vault.ts";
import { createTestApp, type TestApp } from "../../support/app.ts";
import { as, type ClientName, keysYaml } from "../../support/keys.ts";
import { type Call, type Reply, startUpstream } from "../../support/upstream.ts";

const YAML = `
upstreams: { u: { base_url: UPSTREAM } }
models: { plain: { upstream: u, model: x, strategy: direct } }
${await keysYaml()}`;

/** The same for every conversation, as Kimi and others have it. */
const CALL_ID = "functions.get_weather:0";

/** Thinks about the last question, and requires this thinking back with the result of its call. */
function thinkingUpstream({ body: { messages } }: Call): Reply {
  const turn = messages.findLast(({ tool_calls }: Reply & { tool_calls?: unknown }) => tool_calls);
  if (turn === undefined) {
    const reasoning = `They ask: ${messages.at(-1).content}`;
    return { reasoning, toolCalls: [{ id: CALL_ID, name: "get_weather", arguments: "{}" }] };
  }
  if (turn.reasoning_content !== undefined) return { content: "Sunny." };
  const error = { message: "The reasoning_content in the thinking mode must be passed back." };
  return { status: 400, body: JSON.stringify({ error }) };
}

const json = async (response: Promise<Response>) => await (await response).json();

/** Asks, and then sends a result for a call, whoever has asked. */
function createChats(app: TestApp) {
  const tool_calls = [
    { id: CALL_ID, type: "function", function: { name: "get_weather", arguments: "{}" } },
  ];
  const send = (client: ClientName, messages: unknown[]) =>
    json(app.chat({ messages }, { headers: as(client) }));
  const user = (content: string) => ({ role: "user", content });
  return {
    ask: (client: ClientName, ...questions: string[]) => send(client, questions.map(user)),
    answerCall: (client: ClientName, ...questions: string[]) =>
      send(client, [
        ...questions.map(user),
        { role: "assistant", content: null, tool_calls },
        { role: "tool", tool_call_id: CALL_ID, content: "22 degrees" },
      ]),
  };
}

/** The reasoning that calls have sent upstream. */
const sent = (calls: readonly Call[]) =>
  calls.flatMap(({ body }) => body.messages)
    .flatMap(({ reasoning_content = [] }) => reasoning_content);

Deno.test("remembered reasoning is not sent for another client with the same call id", async () => {
  await using upstream = startUpstream(thinkingUpstream);
  const { ask, answerCall } = createChats(
    await createTestApp({ upstream: upstream.url, yaml: YAML }),
  );
  await ask("alice", "What is the weather at my address, 5 Main Street?");
  await answerCall("bob", "What is the weather?");
  assertEquals(sent(upstream.calls), []);
  // Not even for the same conversation.
  await answerCall("bob", "What is the weather at my address, 5 Main Street?");
  assertEquals(sent(upstream.calls), []);
});

Deno.test("remembered reasoning is sent for its own conversation only", async () => {
  await using upstream = startUpstream(thinkingUpstream);
  const { ask, answerCall } = createChats(
    await createTestApp({ upstream: upstream.url, yaml: YAML }),
  );
  await ask("alice", "What is the weather in Paris?");
  await ask("alice", "What is the weather in Rome?");
  const paris = await answerCall("alice", "What is the weather in Paris?");
  assertEquals(paris.choices[0].message.content, "Sunny.");
  assertEquals(sent(upstream.calls), ["They ask: What is the weather in Paris?"]);
  await answerCall("alice", "What is the weather in Oslo?");
  await answerCall("alice", "Hi", "What is the weather in Rome?");
  assertEquals(sent(upstream.calls), ["They ask: What is the weather in Paris?"]);
});

Deno.test("sealed reasoning is opened for its own client only", async () => {
  await using upstream = startUpstream(thinkingUpstream);
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML });
  const send = (client: ClientName, input: unknown[]) =>
    json(app.respond({
      input: [{ role: "user", content: "What is the weather?" }, ...input],
      store: false,
      include: ["reasoning.encrypted_content"],
    }, { headers: as(client) }));
  const { output: [reasoning, call] } = await send("alice", []);
  const result = { type: "function_call_output", call_id: CALL_ID, output: "22 degrees" };
  await send("bob", [reasoning, call, result]);
  assertEquals(sent(upstream.calls), []);
  // Another server, which has only the sealed reasoning.
  const other = await createTestApp({ upstream: upstream.url, yaml: YAML });
  await json(other.respond({ input: [reasoning, call, result] }, { headers: as("alice") }));
  assertEquals(sent(upstream.calls), ["They ask: What is the weather?"]);
});

Deno.test("a signature of thinking is opened for its own client only", async () => {
  await using upstream = startUpstream(thinkingUpstream);
  const send = async (client: ClientName, turns: unknown[]) => {
    // A new server for each request has only the signature.
    const app = await createTestApp({ upstream: upstream.url, yaml: YAML });
    const messages = [{ role: "user", content: "What is the weather?" }, ...turns];
    return await json(app.send("/v1/messages", {
      max_tokens: 5_000,
      thinking: { type: "enabled", budget_tokens: 2_000 },
      messages,
    }, { headers: as(client) }));
  };
  const { content } = await send("alice", []);
  const result = { type: "tool_result", tool_use_id: CALL_ID, content: "22 degrees" };
  const turns = [{ role: "assistant", content }, { role: "user", content: [result] }];
  await send("bob", turns);
  assertEquals(sent(upstream.calls), []);
  await send("alice", turns);
  assertEquals(sent(upstream.calls), ["They ask: What is the weather?"]);
});

for (const token of [undefined, PLACEHOLDER_TOKEN]) {
  Deno.test(`nobody can open the thinking of a client's key with the public placeholder, api_bearer_token: ${token}`, async () => {
    await using upstream = startUpstream(thinkingUpstream);
    const tokenLine = token === undefined ? "" : `api_bearer_token: "${token}"`;
    const app = await createTestApp({ upstream: upstream.url, yaml: YAML, tokenLine });
    const init = { headers: as("alice") };
    const { output: [reasoning] } = await json(app.respond({
      store: false,
      include: ["reasoning.encrypted_content"],
    }, init));
    const { content: [thinking] } = await json(app.send("/v1/messages", {
      max_tokens: 5_000,
      thinking: { type: "enabled", budget_tokens: 2_000 },
      messages: [{ role: "user", content: "What is the weather?" }],
    }, init));
    const sealed = createVault(PLACEHOLDER_TOKEN, "o1-api sealed reasoning");
    assertEquals(await sealed.open("alice", reasoning.encrypted_content), undefined);
    const signed = createVault(PLACEHOLDER_TOKEN, "o1-api thinking signature");
    assertEquals(await signed.open("alice", thinking.signature), undefined);
  });
}
