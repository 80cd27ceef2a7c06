import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import fc from "fast-check";
import { createDemoFetch } from "../../../lib/upstream/demo/model.ts";
import { createFakeClock } from "../../support/clock.ts";

const QUESTION = "What is 17 × 23 − 5?";
const SIGNATURE = "(Answered by the built-in demo model.)";
const ANSWER = `17 × 23 − 5 = 386.\n\n${SIGNATURE}`;
const TEXT = `17 × 23 − 5 = 386. ${SIGNATURE}`;
const STEP_PROMPT =
  'Answer with one JSON object: {"title": …, "content": …, "next_action": "continue" | "final_answer"}';

type Fields = Record<string, unknown>;
type Usage = {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
};

interface Choice {
  message: { role: string; content: string };
  delta: { role?: string; content?: string };
  finish_reason: string | null;
}

interface Completion {
  choices: Choice[];
  usage?: Usage | null;
}

const user = (content: unknown) => ({ role: "user", content });
const system = (content: string) => ({ role: "system", content });
const assistant = (content: string) => ({ role: "assistant", content });
const STEP = assistant(JSON.stringify({ title: "a", content: "b" }));
const STREAM = { messages: [user(QUESTION)], stream: true };

/** Sends a request with a clock that only the test advances. */
async function send(body: Fields, signal?: AbortSignal) {
  const time = createFakeClock();
  const init = {
    method: "POST",
    body: JSON.stringify(body),
    ...(signal && { signal }),
  };
  return {
    ...time,
    response: await createDemoFetch(time.clock)("demo:/chat/completions", init),
  };
}

async function complete(
  messages: unknown[],
  rest: Fields = {},
): Promise<Completion> {
  const { response } = await send({ messages, ...rest });
  assertEquals(response.status, 200);
  return await response.json();
}

async function say(messages: unknown[], rest: Fields = {}): Promise<string> {
  const { choices } = await complete(messages, rest);
  return choices[0]!.message.content;
}

/** Opens a stream and starts to read it. */
async function open(rest: Fields = {}, signal?: AbortSignal) {
  const sent = await send({ ...STREAM, ...rest }, signal);
  const parts: string[] = [];
  const decoder = new TextDecoder();
  async function read() {
    for await (const part of sent.response.body!) {
      parts.push(decoder.decode(part));
    }
  }
  return { ...sent, parts, done: read() };
}

async function stream(rest: Fields = {}): Promise<Completion[]> {
  const { parts, done, advance, pending } = await open(rest);
  await advance(60_000);
  await done;
  assertEquals(pending(), 0);
  const frames = parts.join("").split("\n\n");
  assertEquals(frames.splice(-2), ["data: [DONE]", ""]);
  return frames.map((frame) => {
    assertMatch(frame, /^data: \{.*\}$/);
    return JSON.parse(frame.slice(6));
  });
}

Deno.test("a completion has a finish reason, and its usage adds up", async () => {
  const { choices, usage } = await complete([user(QUESTION)]);
  const message = { role: "assistant", content: ANSWER };
  assertEquals<unknown>(choices, [{ index: 0, message, finish_reason: "stop" }]);
  assert(usage && usage.completion_tokens > 10);
  assertEquals(usage.prompt_tokens, 8);
  assertEquals(
    usage.total_tokens,
    usage.prompt_tokens + usage.completion_tokens,
  );
});

Deno.test("a stream contains a role, the tokens, a finish reason and usage", async () => {
  const chunks = await stream();
  const last = chunks.pop();
  assertEquals(last?.choices, []);
  const finish = chunks.pop()?.choices[0];
  assertEquals([finish?.delta, finish?.finish_reason], [{}, "stop"]);
  assertEquals(chunks.shift()?.choices[0]?.delta.role, "assistant");
  const pieces = chunks.map(({ choices }) => choices[0]?.delta.content);
  assertEquals(pieces.join(""), ANSWER);
  assertEquals(last?.usage?.completion_tokens, pieces.length);
});

Deno.test("a stream takes 150 ms to its first token and 25 ms to each further one", async () => {
  const { response, parts, done, advance } = await open();
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  // The role arrives at once.
  for (
    const [ms, count] of [[0, 1], [149, 1], [1, 2], [24, 2], [1, 3], [
      250,
      13,
    ]] as const
  ) {
    await advance(ms);
    assertEquals(parts.length, count);
  }
  await advance(10_000);
  await done;
});

Deno.test("a reader that starts late gets the whole stream at once", async () => {
  const { response, advance } = await send(STREAM);
  await advance(60_000);
  assert((await response.text()).endsWith("data: [DONE]\n\n"));
});

Deno.test("an abort before the call rejects with its reason", async () => {
  const signal = AbortSignal.abort(new RangeError("gone"));
  await assertRejects(
    () => send({ messages: [user("1+1")] }, signal),
    RangeError,
    "gone",
  );
});

Deno.test("an abort during a stream rejects the read and leaves no timer", async () => {
  const controller = new AbortController();
  const { parts, done, advance, pending } = await open({}, controller.signal);
  const rejected = assertRejects(() => done, RangeError, "gone");
  await advance(200);
  assertEquals([parts.length, pending()], [4, 1]);
  controller.abort(new RangeError("gone"));
  await rejected;
  assertEquals(pending(), 0);
  await advance(10_000);
  assertEquals(parts.length, 4);
});

Deno.test("an abort between two reads rejects the next one", async () => {
  const controller = new AbortController();
  const { response, pending } = await send(STREAM, controller.signal);
  const reader = response.body!.getReader();
  await reader.read();
  controller.abort(new RangeError("gone"));
  await assertRejects(() => reader.read(), RangeError, "gone");
  assertEquals(pending(), 0);
});

Deno.test("a cancelled stream leaves no timer", async () => {
  const { response, advance, pending } = await send(STREAM);
  const reader = response.body!.getReader();
  await reader.read();
  const read = reader.read();
  await advance(0);
  assertEquals(pending(), 1);
  await reader.cancel();
  assertEquals((await read).done, true);
  assertEquals(pending(), 0);
});

Deno.test("each reply is the next step, up to final_answer and the answer", async () => {
  const messages = [system(STEP_PROMPT), user(QUESTION)];
  const results = ["17 × 23 − 5", "17 × 23 = 391", "391 ÷ 23 = 17", "= 386"];
  for (const result of results) {
    const text = await say(messages);
    const step = JSON.parse(text);
    assertEquals(Object.keys(step), ["title", "content", "next_action"]);
    assertEquals(
      step.next_action,
      result === "= 386" ? "final_answer" : "continue",
    );
    assertStringIncludes(step.content, result);
    messages.push(assistant(text), user("Continue with the next step."));
  }
  assertEquals(JSON.parse(await say(messages)).next_action, "final_answer");
  messages.pop();
  messages.push(
    user("Please provide the final answer based on the above reasoning."),
  );
  assertEquals(await say(messages), ANSWER);
});

Deno.test("a schema can request steps, even with json_object", async () => {
  const schema = { properties: { title: {}, content: {}, next_action: {} } };
  const strict = { type: "json_schema", json_schema: { name: "step", schema } };
  for (const response_format of [strict, { type: "json_object", schema }]) {
    const step = JSON.parse(await say([user(QUESTION)], { response_format }));
    assertEquals(step.next_action, "continue");
  }
});

Deno.test("only the steps since the last question count", async () => {
  const text = await say([
    ...[
      system(STEP_PROMPT),
      user("What is 1+1?"),
      STEP,
      STEP,
      assistant("It is 2."),
    ],
    ...[
      user(QUESTION),
      assistant("Thank you! I will now think step by step."),
      STEP,
    ],
  ]);
  assertStringIncludes(JSON.parse(text).content, "17 × 23 = 391");
});

Deno.test("an instruction that follows the question is not read as a question", async () => {
  const before = [user("What is 1+1?"), assistant("2"), user(QUESTION)];
  const wait = user("Wait, check the part most likely to be wrong.");
  assertEquals(await say([...before, assistant("386"), wait]), ANSWER);
  assertMatch(
    await say([...before, assistant("386"), user("Hello")]),
    /demo model/,
  );
});

Deno.test("thinking is in tags if the system message asks for it", async () => {
  const text = await say([
    system("Reason inside <think> and </think>."),
    user(QUESTION),
  ]);
  const [thinking, answer] = text.split("</think>\n\n");
  assertMatch(thinking!, /^<think>\n[^]*17 × 23 = 391[^]*391 ÷ 23 = 17/);
  assertEquals(answer, ANSWER);
});

Deno.test("the answer ends with a FINAL line if the system message asks for it", async () => {
  const prompt = {
    role: "developer",
    content: "End with the line FINAL: <short answer>",
  };
  const text = await say([prompt, user("Is 97 prime?")]);
  assert(text.endsWith(`${SIGNATURE}\nFINAL: yes`));
});

Deno.test("the answer to other questions, also as a step, names the settings of a real model", async () => {
  const question = user("Who wrote Hamlet?");
  const answer = await say([question]);
  const step = await say([system(STEP_PROMPT), question, STEP, STEP, STEP]);
  for (
    const key of ["default_api_url", "model_provider_api_key", "default_model"]
  ) {
    assertStringIncludes(answer, key);
    assertStringIncludes(JSON.parse(step).content, key);
  }
});

Deno.test("content parts are read, except images", async () => {
  const text = { type: "text", text: QUESTION };
  const image = { type: "image_url", image_url: { url: "data:," } };
  assertMatch(await say([user([text])]), /^17 × 23/);
  assertMatch(await say([user([text, image])]), /can't see images\. 17 × 23/);
  assertMatch(await say([user([image])]), /can't see images/);
});

Deno.test("json_object returns an object with the answer", async () => {
  const text = await say([user(QUESTION)], {
    response_format: { type: "json_object" },
  });
  assertEquals(JSON.parse(text), { answer: TEXT, value: 386 });
});

const FILLED: [schema: Fields, value: unknown][] = [
  [{ type: "string" }, TEXT],
  [{ type: "number" }, 386],
  [{ type: "integer" }, 386],
  [{ type: "boolean" }, false],
  [{ type: "array", items: { type: "string" } }, []],
  [{ enum: ["385", "386"] }, "386"],
  [{ type: "string", enum: ["a", "b"] }, "a"],
  [{ enum: [] }, null],
  [{ enum: [{ toString: 1 }] }, { toString: 1 }],
  [{ type: "object", required: [{ toString: 1 }] }, {}],
  [{ const: 7 }, 7],
  [{ type: ["string", "null"] }, TEXT],
  [{ type: "null" }, null],
  [{ anyOf: [{ type: "number" }, { type: "string" }] }, 386],
  [{ $ref: "#/$defs/inner" }, { value: 386 }],
  [{ $ref: "#/$defs/none" }, null],
];

Deno.test("json_schema returns the required values with their types", async () => {
  const fields = FILLED.map(([schema, value], i) => [`f${i}`, schema, value] as const);
  const schema = {
    type: "object",
    properties: { ...Object.fromEntries(fields), optional: { type: "string" } },
    required: fields.map(([name]) => name),
    $defs: {
      inner: { type: "object", properties: { value: { type: "number" } } },
    },
  };
  const response_format = {
    type: "json_schema",
    json_schema: { name: "answer", schema },
  };
  const text = await say([user(QUESTION)], { response_format });
  const expected = Object.fromEntries(
    fields.map(([name, , value]) => [name, value]),
  );
  assertEquals(JSON.parse(text), expected);
});

Deno.test("a schema that refers to itself is filled to a bounded size", async () => {
  const names = Array.from({ length: 20 }, (_, i) => `p${i}`);
  const properties = Object.fromEntries(
    names.map((name) => [name, { $ref: "#" }]),
  );
  const response_format = { type: "json_object", schema: { properties } };
  const text = await say([user(QUESTION)], { response_format });
  assert(text.length < 1_000_000 && JSON.parse(text));
});

Deno.test("token limits and stop sequences apply", async () => {
  const { choices, usage } = await complete([user(QUESTION)], { max_tokens: 3 });
  assertEquals(choices[0]?.message.content, "17 × 23");
  assertEquals(choices[0]?.finish_reason, "length");
  assertEquals(usage?.completion_tokens, 3);
  for (const stop of [" =", ["nowhere", " =", ""]]) {
    const { choices } = await complete([user(QUESTION)], { stop });
    assertEquals(choices[0]?.message.content, "17 × 23 − 5");
    assertEquals(choices[0]?.finish_reason, "stop");
  }
  const limited = await stream({ max_tokens: 2 });
  assertEquals(limited.at(-2)?.choices[0]?.finish_reason, "length");
});

Deno.test("every conversation gets an answer", async () => {
  const message = fc.record({
    role: fc.constantFrom("system", "user", "assistant", "tool", "developer"),
    content: fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(STEP_PROMPT, "<think>", STEP.content, null),
      fc.array(fc.oneof(fc.string(), fc.record({ type: fc.jsonValue() }))),
    ),
  });
  const type = fc.constantFrom("text", "json_object", "json_schema");
  const format = fc.record({ type, schema: fc.jsonValue() });
  const messages = fc.array(message, { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(messages, format, async (messages, response_format) => {
      const content = await say(messages, { response_format, tools: [] });
      assert(content.length > 0);
      if (response_format.type !== "text") JSON.parse(content);
    }),
  );
});

Deno.test("the demo makes mistakes only if it neither thinks nor sees the result of thinking", async () => {
  const question = user("How many r in strawberry?");
  assertMatch(await say([question]), / is 2\./);
  assertMatch(await say([system("Be brief."), question]), / is 2\./);
  assertMatch(await say([system("Think inside <think>."), question]), / is 3\./);
  assertMatch(await say([system("Notes: <notes>r, r, r</notes>"), question]), / is 3\./);
  assertMatch(await say([question, STEP, user("Please provide the final answer.")]), / is 3\./);
  const json = await say([question], { response_format: { type: "json_object" } });
  assertEquals(JSON.parse(json).value, 3);
});
