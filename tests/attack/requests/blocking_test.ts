/**
 * Requests and answers that kept the event loop busy for seconds. Each runs in an app whose
 * upstream is in the same event loop.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { createTestApp, type TestApp } from "../../support/app.ts";
import { pieces, type Reply, startUpstream } from "../../support/upstream.ts";
import { longestStall } from "../../support/measure/stall.ts";

/**
 * Longest time in milliseconds of CPU that the event loop may be blocked. It is a quarter of it, and the
 * attacks took seconds.
 */
const MAX_STALL_MS = 500;

interface Attack {
  name: string;
  replies?: readonly Reply[];
  path?: string;
  body: Record<string, unknown>;
  status: number;
}

const SPACE = " ".repeat(200_000);
const QUESTION = [{ role: "user", content: "What is 2 + 2?" }];

/** A schema of 60 levels that each refer twice to the next one: 2^60 paths. */
function doublingSchema(): Record<string, unknown> {
  const $defs = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => {
      const $ref = `#/$defs/d${i + 1}`;
      return [`d${i}`, { allOf: [{ $ref }, { $ref }] }];
    }),
  );
  return { $ref: "#/$defs/d0", $defs: { ...$defs, d60: {} } };
}

const jsonFormat = (schema: Record<string, unknown>) => ({
  type: "json_schema",
  json_schema: { name: "answer", schema },
});

const many = <T>(count: number, make: (i: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i));

/** Answers of one string that is measured, or compared, by each of many subschemas. */
const LONG_TEXT: Reply = { content: JSON.stringify("é".repeat(500_000)) };

const ATTACKS: readonly Attack[] = [
  {
    name: "a code fence with 2,500 line breaks",
    replies: [{ content: `\`\`\`${"\n".repeat(2_500)}x` }],
    body: { messages: QUESTION, response_format: { type: "json_object" } },
    status: 200,
  },
  {
    name: "a stop sequence of 100,000 characters",
    replies: [{ content: pieces("a".repeat(1_000), 10) }],
    body: { messages: QUESTION, stream: true, stop: `${"a".repeat(100_000)}b` },
    status: 400,
  },
  {
    name: "stop sequences that nearly match",
    replies: [{ content: pieces("a".repeat(10_000), 10) }],
    body: {
      messages: QUESTION,
      stream: true,
      stop: ["b", "c", "d", "e"].map((end) => "a".repeat(255) + end),
    },
    status: 200,
  },
  {
    name: "an upstream error of 64 kB",
    replies: [{
      status: 400,
      body: JSON.stringify({ error: { message: `system ${"only-".repeat(13_000)}` } }),
    }],
    body: { messages: [...QUESTION, ...many(2, () => ({ role: "system", content: "a" }))] },
    status: 400,
  },
  {
    name: "an error in a stream of 1 MB",
    replies: [{ frames: [{ error: { message: "a".repeat(1_000_000), code: 400 } }] }],
    body: { messages: QUESTION, stream: true },
    status: 400,
  },
  {
    name: "white space before the thinking",
    replies: [{ content: [...pieces(SPACE, 20), "<think>x</think>y"] }],
    body: { messages: QUESTION, stream: true },
    status: 200,
  },
  {
    name: "white space inside the thinking",
    replies: [{ content: ["<think>", ...pieces(SPACE, 20), "x</think>y"] }],
    body: { messages: QUESTION, stream: true },
    status: 200,
  },
  {
    name: "thinking that consists of tags that do not close it",
    replies: [{ content: ["<think>", ...pieces("<</think".repeat(20_000), 50)] }],
    body: { messages: QUESTION, stream: true },
    status: 200,
  },
  {
    name: "a schema with 2^60 paths",
    replies: [{ content: "{}" }],
    body: { messages: QUESTION, response_format: jsonFormat(doublingSchema()) },
    status: 400,
  },
  {
    name: "a schema with long keys on many levels",
    body: {
      messages: QUESTION,
      response_format: jsonFormat(
        Array.from({ length: 50 }).reduce<Record<string, unknown>>(
          (schema) => ({ properties: { ["k".repeat(5_000)]: schema } }),
          { anyOf: many(5_000, () => ({})) },
        ),
      ),
    },
    status: 400,
  },
  {
    name: "a schema that measures a long text many times",
    replies: [LONG_TEXT],
    body: {
      messages: QUESTION,
      response_format: jsonFormat({ allOf: many(2_000, () => ({ maxLength: 9e9 })) }),
    },
    status: 200,
  },
  {
    name: "a schema that repeats a long value in its errors",
    replies: [{ content: JSON.stringify(many(2_000, () => ({}))) }],
    body: {
      messages: QUESTION,
      response_format: jsonFormat({ items: { enum: ["x".repeat(200_000)] } }),
    },
    status: 200,
  },
  {
    name: "a schema that visits a wide object many times",
    replies: [{
      content: JSON.stringify(Object.fromEntries(many(50_000, (i) => [i, 0]))),
    }],
    body: {
      messages: QUESTION,
      response_format: jsonFormat({
        allOf: many(2_000, () => ({ additionalProperties: false })),
      }),
    },
    status: 200,
  },
  {
    name: "a schema that visits a long list many times",
    replies: [{ content: JSON.stringify(many(50_000, () => 0)) }],
    body: {
      messages: QUESTION,
      response_format: jsonFormat({ allOf: many(2_000, () => ({ items: false })) }),
    },
    status: 200,
  },
  {
    name: "a format that compiles a long answer",
    replies: [{ content: JSON.stringify("(a|".repeat(200_000)) }],
    body: {
      messages: QUESTION,
      response_format: jsonFormat({ allOf: many(50, () => ({ format: "regex" })) }),
    },
    status: 200,
  },
  {
    name: "thinking that leads to no call",
    path: "/v1/responses",
    body: {
      input: [
        ...many(16_000, () => ({ type: "reasoning" })),
        ...many(16_000, () => ({ role: "assistant", content: "a" })),
        { role: "user", content: "a" },
      ],
    },
    status: 200,
  },
  {
    name: "many calls of one message",
    path: "/v1/responses",
    body: {
      input: [
        ...many(12_000, (i) => ({
          type: "function_call",
          call_id: `c${i}`,
          name: "f",
          arguments: "{}",
        })),
        { role: "user", content: "a" },
      ],
    },
    status: 200,
  },
];

const send = async (app: TestApp, { path = "/v1/chat/completions", body }: Attack) => {
  const response = await app.send(path, { model: "plain", ...body });
  await response.bytes();
  return response.status;
};

for (const attack of ATTACKS) {
  Deno.test(`the event loop is not blocked by ${attack.name}`, async () => {
    await using upstream = startUpstream(attack.replies ?? [{ content: "4" }]);
    const app = await createTestApp({ upstream: upstream.url });
    await send(app, { ...attack, body: { messages: QUESTION } });
    let status = 0;
    const stallMs = await longestStall(async () => status = await send(app, attack));
    assertEquals(status, attack.status);
    assert(stallMs < MAX_STALL_MS, `${stallMs} ms`);
  });
}
