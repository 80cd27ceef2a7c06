import { assertEquals } from "@std/assert";
import { createTestApp } from "../../support/app.ts";
import { startUpstream } from "../../support/upstream.ts";

// deno-lint-ignore no-explicit-any -- tests read any field
type Body = any;

interface Case {
  name: string;
  /** What the upstream says. */
  message: string;
  request: Record<string, unknown>;
  /** Base URL of the upstream. Default: that of a local one. */
  url?: string;
  isRejected(body: Body): boolean;
  /** What the accepted body is compared by. */
  read(body: Body): unknown;
  /** What was sent first, and what was accepted. */
  expected: [sent: unknown, accepted: unknown];
}

const user = (content: unknown) => ({ role: "user", content });
const system = (content: string) => ({ role: "system", content });
const rolesIn = ({ messages }: Body) => messages.map(({ role }: Body) => role).join(" ");
const TOOL = { type: "function", function: { name: "add", parameters: { type: "object" } } };
const CALLS = {
  role: "assistant",
  content: null,
  tool_calls: [{ id: "c1", type: "function", function: { name: "add", arguments: "{}" } }],
};
const RESULT = { role: "tool", tool_call_id: "c1", content: "2" };
const DETAILS = [{ type: "reasoning.encrypted", data: "ZW5j", index: 0 }];

/** A request with a number that the upstream rejects. */
function number(field: string, value: number, message: string, accepted: number): Case {
  return {
    name: `a bound of ${field}, as in "${message}"`,
    message,
    request: { [field]: value },
    isRejected: (body) => body[field] === value,
    read: (body) => body[field],
    expected: [value, accepted],
  };
}

const CASES: readonly Case[] = [
  number("max_tokens", 5_000, "max_tokens must be at most 4096", 4_096),
  number("max_tokens", 5_000, "max_tokens: 5000 > 4096, which is the maximum allowed", 4_096),
  number("max_tokens", 5, "max_tokens must be at least 16", 16),
  number("temperature", 2, "temperature must be between 0 and 1", 1),
  number("temperature", 0.5, "temperature must be between 1 and 2", 1),
  number("top_k", 100, "top_k must be less than 100", 99),
  number("top_k", 101, "top_k must be in the range 1 to 100", 100),
  {
    name: "an unknown name of the token limit",
    message: "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
    request: { max_tokens: 50 },
    isRejected: (body) => "max_tokens" in body,
    read: (body) => [body.max_tokens, body.max_completion_tokens],
    expected: [[50, undefined], [undefined, 50]],
  },
  {
    name: "an unknown field",
    message: "Unknown parameter: 'seed'",
    request: { seed: 1, top_k: 2 },
    isRejected: (body) => "seed" in body,
    read: (body) => [body.seed, body.top_k],
    expected: [[1, 2], [undefined, 2]],
  },
  {
    name: "two unknown fields",
    message: "Extra inputs are not permitted: `seed`, `top_k`",
    request: { seed: 1, top_k: 2 },
    isRejected: (body) => "seed" in body || "top_k" in body,
    read: (body) => [body.seed, body.top_k],
    expected: [[1, 2], [undefined, undefined]],
  },
  {
    name: "fields that exclude each other",
    message: "temperature and top_p cannot both be specified",
    request: { temperature: 0.5, top_p: 0.5 },
    isRejected: (body) => "temperature" in body && "top_p" in body,
    read: (body) => [body.temperature, body.top_p],
    expected: [[0.5, 0.5], [0.5, undefined]],
  },
  {
    name: "a field of messages",
    message: "messages.0: extra field 'name' is not permitted",
    request: { messages: [{ ...user("Hi"), name: "Bob" }] },
    isRejected: ({ messages: [message] }) => "name" in message,
    read: ({ messages: [message] }) => message.name,
    expected: ["Bob", undefined],
  },
  {
    name: "the role developer",
    message: "Unsupported value: 'messages[0].role' does not support 'developer' with this model.",
    url: "https://api.openai.com/v1",
    request: { messages: [{ role: "developer", content: "Be brief." }, user("Hi")] },
    isRejected: (body) => rolesIn(body).includes("developer"),
    read: rolesIn,
    expected: ["developer user", "system user"],
  },
  {
    name: "calls without the reasoning that led to them",
    message: "Missing reasoning_content in the assistant message with tool calls",
    request: {
      messages: [user("Hi"), { ...CALLS, reasoning_content: "Add." }, RESULT],
      tools: [TOOL],
    },
    isRejected: ({ messages }) => messages[1].reasoning_content === undefined,
    read: ({ messages }) => messages[1].reasoning_content,
    expected: [undefined, "Add."],
  },
  {
    name: "calls without the state that it sent with them",
    message: "The assistant message must contain its reasoning_details",
    request: {
      messages: [user("Hi"), { ...CALLS, reasoning_details: DETAILS }, RESULT],
      tools: [TOOL],
    },
    isRejected: ({ messages }) => messages[1].reasoning_details === undefined,
    read: ({ messages }) => messages[1].reasoning_details,
    expected: [undefined, DETAILS],
  },
  {
    name: "a late system message",
    message: "System message must be at the beginning",
    request: { messages: [user("Hi"), system("Be brief.")] },
    isRejected: ({ messages }) => messages[0].role !== "system",
    read: rolesIn,
    expected: ["user system", "system user"],
  },
  {
    name: "a system message",
    message: "The role 'system' is not supported",
    request: { messages: [system("Be brief."), user("Hi")] },
    isRejected: ({ messages }) => messages[0].role === "system",
    read: rolesIn,
    expected: ["system user", "user"],
  },
  {
    name: "two messages of the user",
    message: "Conversation roles must alternate user/assistant/user/assistant/...",
    request: { messages: [system("Be brief."), user("Hi"), user("Hello")] },
    isRejected: (body) => rolesIn(body) !== "system user",
    read: rolesIn,
    expected: ["system user user", "system user"],
  },
  {
    name: "a system message where only two roles alternate",
    message: "Conversation roles must alternate user/assistant/user/assistant/...",
    request: { messages: [system("Be brief."), user("Hi")] },
    isRejected: (body) => rolesIn(body) !== "user",
    read: rolesIn,
    expected: ["system user", "user"],
  },
  {
    name: "parts of text",
    message: "messages[0].content: invalid type: expected a string, got a sequence",
    request: { messages: [user([{ type: "text", text: "Hi" }])] },
    isRejected: ({ messages: [{ content }] }) => Array.isArray(content),
    read: ({ messages: [{ content }] }) => content,
    expected: [[{ type: "text", text: "Hi" }], "Hi"],
  },
  {
    name: "null as the content of calls",
    message: "messages[1].content must be a string, not null",
    request: { messages: [user("Hi"), CALLS, RESULT], tools: [TOOL] },
    isRejected: ({ messages }) => messages[1].content === null,
    read: ({ messages }) => messages[1].content,
    expected: [null, ""],
  },
  {
    name: "calls without definitions of tools",
    message: "The tools parameter must be defined for messages with tool calls",
    request: { messages: [user("Hi"), CALLS, RESULT] },
    isRejected: (body) => rolesIn(body).includes("tool"),
    read: rolesIn,
    expected: ["user assistant tool", "user assistant user"],
  },
  {
    name: "a format together with tools",
    message: "Function calling with response mime type JSON is unsupported",
    request: { tools: [TOOL], response_format: { type: "json_object" } },
    isRejected: (body) => "tools" in body && "response_format" in body,
    read: ({ tools, response_format }) => [tools?.length, response_format?.type],
    expected: [[1, "json_object"], [1, undefined]],
  },
  {
    name: "a format, without a reason",
    message: "Bad request",
    request: { response_format: { type: "json_object" } },
    isRejected: (body) => "response_format" in body,
    read: ({ response_format }) => response_format?.type,
    expected: ["json_object", undefined],
  },
  {
    name: "a stream",
    message: "Streaming is not supported for this model",
    request: { stream: true },
    isRejected: ({ stream }) => stream === true,
    read: ({ stream }) => stream,
    expected: [true, undefined],
  },
  {
    name: "an answer without a stream",
    message: "This model only supports streaming",
    request: { stream: false },
    isRejected: ({ stream }) => stream !== true,
    read: ({ stream }) => stream,
    expected: [undefined, true],
  },
];

for (const { name, message, url, request, isRejected, read, expected } of CASES) {
  Deno.test(`an upstream that rejects ${name} is called in the way that it accepts`, async () => {
    await using upstream = startUpstream(({ body }) =>
      isRejected(body)
        ? { status: 400, body: JSON.stringify({ error: { message } }) }
        : { content: "{}" }
    );
    const app = await createTestApp({
      upstream: url ?? upstream.url,
      fetch: (input, init) => fetch(String(input).replace(url ?? "", upstream.url), init),
    });
    for (let i = 0; i < 2; i++) {
      const response = await app.chat({ model: "plain", ...request });
      assertEquals([response.status, (await response.text()).includes("{}")], [200, true]);
    }
    // The second request knows it from the first.
    assertEquals(upstream.calls.map(({ body }) => read(body)), [...expected, expected[1]]);
  });
}

const NAMED = { messages: [{ ...user("Hi"), name: "Bob" }] };

for (
  const [name, message, request] of [
    ["a word that is no field's name", "Please stop shouting", { stop: ["x"] }],
    ["a field that was not sent", "Unknown parameter: 'seed'", { top_k: 1 }],
    ["nothing that was sent", "Bad request", {}],
    ["state of calls that were not sent", "Missing thinking_blocks", {}],
    ["reasoning of calls that were not sent", "Missing reasoning_content", {}],
    ["the model", "Unknown parameter: 'model'", {}],
    ["a field that messages need", "messages.0: 'content' is not supported", {}],
    ["a field of messages that was not sent", "messages.0: 'name' is not supported", {}],
    ["a word that is a field of messages", "messages in your name are not supported", NAMED],
    ["the value of a field of messages", "messages.0: 'name' is too long", NAMED],
  ] as const
) {
  Deno.test(`a rejection because of ${name} is not repeated`, async () => {
    await using upstream = startUpstream([{
      status: 400,
      body: JSON.stringify({ error: { message } }),
    }]);
    const app = await createTestApp({ upstream: upstream.url });
    const response = await app.chat({ model: "plain", ...request });
    assertEquals([response.status, upstream.calls.length], [400, 1]);
    await response.body?.cancel();
  });
}

for (const [room, accepted] of [[16, 16], [15, undefined]] as const) {
  Deno.test(`a limit of 500 tokens with room for ${room} becomes ${accepted ?? "an error"}`, async () => {
    const prompt = 1_000 - room;
    const message = "This model's maximum context length is 1000 tokens. However, you requested " +
      `${prompt + 500} tokens (${prompt} in the messages, 500 in the completion).`;
    await using upstream = startUpstream(({ body }) =>
      body.max_tokens > room
        ? { status: 400, body: JSON.stringify({ error: { message } }) }
        : { content: "ok" }
    );
    const app = await createTestApp({ upstream: upstream.url });
    const response = await app.chat({ model: "plain", max_tokens: 500 });
    assertEquals(response.status, accepted === undefined ? 400 : 200);
    await response.body?.cancel();
    assertEquals(
      upstream.calls.map(({ body }) => body.max_tokens),
      [500, accepted].filter(Boolean),
    );
  });
}

Deno.test("an upstream that rejects one field after another is called at most 9 times", async () => {
  await using upstream = startUpstream(({ body }) => {
    const name = Object.keys(body).find((name) => name.startsWith("own_"));
    return { status: 400, body: JSON.stringify({ error: `Unknown parameter: '${name}'` }) };
  });
  const app = await createTestApp({ upstream: upstream.url });
  const fields = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`own_${i}`, 1]));
  const response = await app.chat({ model: "plain", ...fields });
  assertEquals([response.status, upstream.calls.length], [400, 9]);
  await response.body?.cancel();
});
