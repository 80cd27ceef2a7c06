import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Ajv2020 } from "ajv/dist/2020.js";
import { checkResponse } from "./checked_response.ts";
import { createStreamChecker } from "./stream_checker.ts";
import { DOCUMENT, InvalidWireError, validate } from "./validate.ts";
import { waitFor } from "../support/wait.ts";

const HEAD = { id: "chatcmpl-1", created: 1770933883, model: "o1" };
const MESSAGE = { role: "assistant", content: "4", refusal: null };
const CHOICE = { index: 0, message: MESSAGE, logprobs: null, finish_reason: "stop" };
const COMPLETION = { ...HEAD, object: "chat.completion", choices: [CHOICE] };
const chunk = (delta: object, finish_reason: string | null = null, more: object = {}) => ({
  ...HEAD,
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta, logprobs: null, finish_reason }],
  ...more,
});
const MODEL = { id: "o1", object: "model", created: 1770933883, owned_by: "o1-api" };
const ERROR = { message: "m", type: "server_error", param: null, code: null };

Deno.test("the schemas are valid JSON Schemas", () => {
  const ajv = new Ajv2020();
  assert(ajv.validateSchema(DOCUMENT));
  assert(!ajv.validateSchema({ ...DOCUMENT, $defs: { ...DOCUMENT.$defs, Model: { type: "o1" } } }));
});

for (
  const [name, schema, valid, invalid] of [
    ["a completion", "CreateChatCompletionResponse", [
      COMPLETION,
      { ...COMPLETION, steps: [], total_thinking_time: 1 },
      { ...COMPLETION, choices: [{ ...CHOICE, message: { ...MESSAGE, reasoning_content: "r" } }] },
      { ...COMPLETION, service_tier: null },
    ], [
      { ...COMPLETION, object: "chat.completion.chunk" },
      { ...COMPLETION, created: 1.5 },
      { ...COMPLETION, choices: [{ ...CHOICE, finish_reason: "end_turn" }] },
      { ...COMPLETION, choices: [{ ...CHOICE, message: { role: "assistant", content: "4" } }] },
      { ...COMPLETION, usage: { prompt_tokens: 1, completion_tokens: 2 } },
      { ...COMPLETION, service_tier: "slow" },
    ]],
    ["a chunk", "CreateChatCompletionStreamResponse", [
      chunk({}),
      chunk({ reasoning: "r", reasoning_content: "r" }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: "{" } }] }),
      chunk({}, "stop", { usage: null }),
      chunk({}, null, { o1: { type: "usage" } }),
    ], [
      { ...HEAD, object: "chat.completion.chunk" },
      chunk({ tool_calls: [{ function: { arguments: "{" } }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: {} } }] }),
      chunk({ content: 4 }),
      chunk({}, "end_turn"),
      chunk({}, "stop", { usage: {} }),
    ]],
    ["a list of models", "ListModelsResponse", [{ object: "list", data: [MODEL] }], [
      { data: [MODEL] },
      { object: "list", data: [{ id: "o1" }] },
    ]],
    ["a model", "Model", [MODEL, { ...MODEL, context_length: 1 }], [
      { ...MODEL, created: "now" },
    ]],
    ["an error", "ErrorResponse", [{ error: ERROR }], [
      { error: "m" },
      { error: { message: "m", type: "t", param: null } },
      { detail: "m" },
    ]],
  ] as const
) {
  Deno.test(`${name} is validated`, () => {
    for (const json of valid) validate(schema, json);
    for (const json of invalid) assertThrows(() => validate(schema, json), InvalidWireError);
  });
}

const FIRST = chunk({ role: "assistant", content: "" });
const LAST = chunk({}, "stop");
const DONE = "[DONE]";

for (
  const [name, frames] of Object.entries<readonly (object | string)[]>({
    "no end": [FIRST, LAST],
    "no finish": [FIRST, DONE],
    "no role": [chunk({ content: "4" }), LAST, DONE],
    "a chunk after the end": [FIRST, LAST, DONE, FIRST],
    "text after the finish": [FIRST, LAST, chunk({ content: "4" }), DONE],
    "another id": [FIRST, { ...LAST, id: "chatcmpl-2" }, DONE],
    "reasoning beside content": [FIRST, chunk({ content: "4", reasoning: "r" }), LAST, DONE],
    "an error beside choices": [FIRST, { ...LAST, error: ERROR }],
    "[DONE] after an error": [FIRST, { error: ERROR }, DONE],
    "an error of another shape": [FIRST, { error: "m" }],
    "a frame that is not JSON": [FIRST, "{"],
  })
) {
  Deno.test(`a stream with ${name} is invalid`, () => {
    const checker = createStreamChecker();
    assertThrows(() => {
      for (const frame of frames) {
        checker.push(`data: ${typeof frame === "string" ? frame : JSON.stringify(frame)}\n\n`);
      }
      checker.end();
    }, InvalidWireError);
  });
}

Deno.test("a stream that ends inside a frame is invalid", () => {
  const checker = createStreamChecker();
  checker.push(`data: ${JSON.stringify(FIRST)}\n`);
  assertThrows(() => checker.end(), InvalidWireError);
});

Deno.test("a valid stream is accepted in any pieces", () => {
  const frames = [FIRST, chunk({ content: "é\n\n4" }), LAST, { ...LAST, choices: [] }];
  const text = frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n: keepalive\n\n`).join("");
  const checker = createStreamChecker();
  for (const character of `${text}data: ${DONE}\n\n`) checker.push(character);
  checker.end();
});

const check = (body: BodyInit, init: ResponseInit = {}, path = "/v1/chat/completions") =>
  checkResponse(new Request(`http://localhost${path}`), new Response(body, init));
const JSON_TYPE = { "content-type": "application/json" };
const SSE_TYPE = { "content-type": "text/event-stream; charset=utf-8" };

Deno.test("a valid response is read unchanged", async () => {
  const text = `   ${JSON.stringify(COMPLETION)}`;
  const response = check(text, { headers: JSON_TYPE });
  assertEquals([response.status, response.headers.get("content-type")], [
    200,
    JSON_TYPE[
      "content-type"
    ],
  ]);
  assertEquals(await response.text(), text);
  assertEquals(await check("OK", {}, "/healthz").text(), "OK");
});

for (
  const [name, body, init, path] of [
    ["completion", "{}", { headers: JSON_TYPE }, undefined],
    ["content type", JSON.stringify(COMPLETION), {}, undefined],
    ["error", '{"detail":"no"}', { status: 404, headers: JSON_TYPE }, "/nowhere"],
    ["list of models", "[]", { headers: JSON_TYPE }, "/models/"],
    ["model", "{}", { headers: JSON_TYPE }, "/v1/models/org/o1"],
    ["stream", "data: {}\n\n", { headers: SSE_TYPE }, undefined],
  ] as const
) {
  Deno.test(`reading an invalid ${name} fails`, async () => {
    const { error } = console;
    console.error = () => {};
    try {
      await assertRejects(() => check(body, init, path).text(), InvalidWireError);
    } finally {
      console.error = error;
    }
  });
}

Deno.test("a checked stream is read on demand and cancelled at once", async () => {
  let pulls = 0;
  const cancelled = Promise.withResolvers<unknown>();
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (pulls++ > 0) return new Promise(() => {});
      controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(FIRST)}\n\n`));
    },
    cancel: cancelled.resolve,
  }, { highWaterMark: 0 });
  const reader = check(body, { headers: SSE_TYPE }).body!.getReader();
  assertEquals(pulls, 0);
  assert(!(await reader.read()).done);
  assertEquals(pulls, 1);
  const parked = reader.read();
  await reader.cancel("gone");
  assertEquals(await waitFor("the body to be cancelled", cancelled.promise), "gone");
  assert((await parked).done);
});
