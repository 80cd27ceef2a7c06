import { assertEquals } from "@std/assert";
import {
  type Capabilities,
  defaultCapabilities,
} from "../../../lib/upstream/capabilities/capabilities.ts";
import type { JsonFormat, Target, UpstreamRequest } from "../../../lib/upstream/target.ts";
import { buildBody } from "../../../lib/upstream/wire/request_body.ts";

const target = { upstream: { base_url: "https://a.example/v1" }, model: "m" } as Target;
const SYSTEM = { role: "system", content: "Be brief." };
const USER = { role: "user", content: "Hi" };
const SCHEMA = { type: "object" };

const build = (request: Partial<UpstreamRequest>, capabilities: Partial<Capabilities> = {}) =>
  buildBody(
    "m",
    { messages: [SYSTEM, USER], stream: false, fields: {}, ...request },
    { ...defaultCapabilities(target), ...capabilities },
    (message) => message,
  );

const withSchema: JsonFormat = { name: "n", schema: SCHEMA, inPrompt: true };
const anyObject: JsonFormat = { name: "n", inPrompt: true };
const tools = [{ type: "function", function: { name: "add" } }];

for (
  const [name, json, capabilities, format, isInPrompt] of [
    ["a schema", withSchema, {}, "json_schema", false],
    ["a schema without its mode", withSchema, { formats: ["json_object"] }, "json_object", true],
    ["a schema without any mode", withSchema, { formats: [] }, undefined, true],
    ["any object", anyObject, {}, "json_object", false],
    ["any object without its mode", anyObject, { formats: ["json_schema"] }, undefined, true],
    [
      "a schema that no prompt may contain",
      { ...withSchema, inPrompt: false },
      {
        formats: [],
      },
      undefined,
      false,
    ],
  ] as const
) {
  Deno.test(`the format is sent, or described after the system messages: ${name}`, () => {
    const body = build({ json }, capabilities);
    assertEquals(body.response_format?.type, format);
    assertEquals(
      body.messages.map(({ role }) => role),
      isInPrompt ? ["system", "system", "user"] : ["system", "user"],
    );
    if (!isInPrompt) return;
    const text = String(body.messages[1]!.content);
    assertEquals(text.includes(JSON.stringify(SCHEMA)), json.schema !== undefined);
    assertEquals([body.messages[0], body.messages[2]], [SYSTEM, USER]);
  });
}

for (const formatsWithTools of [true, false]) {
  Deno.test(`a format is sent with tools only if both work together: ${formatsWithTools}`, () => {
    const type = (fields: Record<string, unknown>) =>
      build({ json: withSchema, fields }, { formatsWithTools }).response_format?.type;
    assertEquals(type({ tools }), formatsWithTools ? "json_schema" : undefined);
    assertEquals(type({}), "json_schema");
  });
}

for (
  const [name, given, place] of [
    ["without system messages", [USER], 0],
    ["of system messages alone", [SYSTEM], 1],
    ["with a system message later", [USER, SYSTEM], 0],
  ] as const
) {
  Deno.test(`the format is described at the right place of a conversation ${name}`, () => {
    const { messages } = build({ json: anyObject, messages: given }, { formats: [] });
    assertEquals(messages.toSpliced(place, 1), [...given]);
    assertEquals(messages[place]!.role, "system");
  });
}

Deno.test("whether a stream is requested depends on the client only if the upstream has both", () => {
  const requested = (stream: boolean, streams: Capabilities["streams"]) => {
    const body = build({ stream }, { streams });
    assertEquals(body.stream_options, body.stream && { include_usage: true });
    return body.stream ?? false;
  };
  for (const stream of [true, false]) {
    assertEquals(requested(stream, "optional"), stream);
    assertEquals(requested(stream, "always"), true);
    assertEquals(requested(stream, "never"), false);
  }
});

Deno.test("numbers stay within the bounds of the upstream, and rejected fields are not sent", () => {
  const { max_tokens, temperature, top_k, seed } = build(
    { maxTokens: 50, fields: { temperature: 2, top_k: 3, seed: 1 } },
    {
      limits: { max_tokens: { min: 100 }, temperature: { max: 1 }, top_k: { min: 2, max: 4 } },
      rejectedFields: ["seed"],
    },
  );
  assertEquals([max_tokens, temperature, top_k, seed], [100, 1, 3, undefined]);
});
