import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createTestApp, parseStream } from "../../support/app.ts";
import {
  type Call,
  isThinking,
  pieces,
  type Reply,
  startUpstream,
  step,
} from "../../support/upstream.ts";
import { waitFor } from "../../support/wait.ts";

const SCHEMA = {
  type: "object",
  properties: { answer: { type: "integer" }, unit: { enum: ["m", "s"] } },
  required: ["answer", "unit"],
  additionalProperties: false,
};
const FORMAT = {
  type: "json_schema",
  json_schema: { name: "result", strict: true, schema: SCHEMA },
};
const GOOD = '{"answer":4,"unit":"m"}';

const thought: Reply = { content: step("T", "Thinking.", "final_answer") };

/** An upstream whose final calls return these texts in turn. */
function answering(texts: readonly string[], refuses: readonly string[] = []) {
  let at = 0;
  return startUpstream((call) => {
    const type = call.body.response_format?.type;
    if (refuses.includes(type)) {
      return {
        status: 400,
        body: `{"error":{"message":"response_format ${type} is not supported"}}`,
      };
    }
    if (isThinking(call)) return thought;
    return { content: pieces(texts[Math.min(at++, texts.length - 1)]!, 7) };
  });
}

const final = (calls: readonly Call[]) => calls.filter((call) => !isThinking(call));

for (const model of ["plain", "o1"]) {
  for (const stream of [true, false]) {
    const ask = async (upstream: { url: string }, format: object = FORMAT) => {
      const app = await createTestApp({ upstream: upstream.url });
      const response = await app.chat({ model, stream, response_format: format });
      assertEquals(response.status, 200);
      if (!stream) {
        const { choices: [choice] } = await response.json();
        return { ...choice.message, finish: choice.finish_reason };
      }
      const { content, chunks, done } = parseStream(await response.text());
      assert(done);
      const refusal = chunks.map((chunk) => chunk.choices[0]?.delta.refusal ?? "").join("");
      return {
        content,
        refusal: refusal === "" ? null : refusal,
        finish: chunks.at(-1).choices[0].finish_reason,
      };
    };
    const name = `${model}, stream: ${stream}`;

    Deno.test(`json_schema is passed on and its answer returned unchanged (${name})`, async () => {
      await using upstream = answering([GOOD]);
      assertEquals((await ask(upstream)).content, GOOD);
      const [call] = final(upstream.calls);
      assertEquals(call!.body.response_format, FORMAT);
      assert(!JSON.stringify(call!.body.messages).includes("JSON Schema"));
    });

    Deno.test(`fences and text around the JSON are removed (${name})`, async () => {
      await using upstream = answering(["Here it is:\n```json\n" + GOOD + "\n```\nDone."]);
      assertEquals((await ask(upstream)).content, GOOD);
    });

    Deno.test(`an upstream without the mode gets the schema as text (${name})`, async () => {
      await using upstream = answering([GOOD], ["json_schema", "json_object"]);
      assertEquals((await ask(upstream)).content, GOOD);
      const call = final(upstream.calls).at(-1)!;
      assertEquals(call.body.response_format, undefined);
      assertStringIncludes(JSON.stringify(call.body.messages), "additionalProperties");
    });

    Deno.test(`an answer that does not match is repaired once (${name})`, async () => {
      await using upstream = answering(['{"answer":"four"}', GOOD]);
      assertEquals((await ask(upstream)).content, GOOD);
      const [, second] = final(upstream.calls);
      assertEquals(second!.body.messages.at(-2), {
        role: "assistant",
        content: '{"answer":"four"}',
      });
      assertStringIncludes(second!.body.messages.at(-1).content, "required form");
    });

    Deno.test(`an answer that can't be repaired becomes a refusal (${name})`, async () => {
      await using upstream = answering(["no JSON at all"]);
      const message = await ask(upstream);
      assertStringIncludes(message.refusal, "response_format");
      assert(!message.content);
      assertEquals(message.finish, "stop");
      assertEquals(final(upstream.calls).length, 2);
    });

    Deno.test(`json_object returns a bare object (${name})`, async () => {
      await using upstream = answering(["```json\n" + GOOD + "\n```"]);
      assertEquals((await ask(upstream, { type: "json_object" })).content, GOOD);
      assertEquals(final(upstream.calls)[0]!.body.response_format, { type: "json_object" });
    });
  }
}

Deno.test("an upstream that has followed its schema mode streams the JSON live", async () => {
  const gate = Promise.withResolvers<void>();
  await using upstream = startUpstream((call) => ({
    content: pieces(GOOD, 6),
    ...(call.index === 1
      ? { gate: (frame: number) => frame === 3 ? gate.promise : undefined }
      : {}),
  }));
  const app = await createTestApp({ upstream: upstream.url });
  const ask = () => app.chat({ model: "plain", stream: true, response_format: FORMAT });
  await (await ask()).text();
  const live = (await ask()).body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("answer")) {
    text += (await waitFor("the start of the JSON", live.read())).value;
  }
  gate.resolve();
  for (let read = await live.read(); !read.done; read = await live.read()) text += read.value;
  assertEquals(parseStream(text).content, GOOD);
});

Deno.test("a live JSON answer that is cut by its length is shown once", async () => {
  await using upstream = startUpstream(({ index }) =>
    index === 0 ? { content: pieces(GOOD, 6) } : { content: ['{"ans', 'wer":'], finish: "length" }
  );
  const app = await createTestApp({ upstream: upstream.url });
  const ask = async () => {
    const response = await app.chat({ model: "plain", stream: true, response_format: FORMAT });
    return parseStream(await response.text()).content;
  };
  assertEquals([await ask(), await ask()], [GOOD, '{"answer":']);
});

Deno.test("an answer that is cut by its length is returned as it is", async () => {
  await using upstream = startUpstream([{ content: '{"answer":', finish: "length" }]);
  const app = await createTestApp({ upstream: upstream.url });
  const { choices: [choice] } = await (await app.chat({ model: "plain", response_format: FORMAT }))
    .json();
  assertEquals([choice.message.content, choice.finish_reason], ['{"answer":', "length"]);
  assertEquals(upstream.calls.length, 1);
});

Deno.test("a tool call instead of the JSON is passed on", async () => {
  const tools = [{ type: "function", function: { name: "f" } }];
  await using upstream = startUpstream([{ toolCalls: [{ id: "c", name: "f", arguments: "{}" }] }]);
  const app = await createTestApp({ upstream: upstream.url });
  const { choices: [choice] } =
    await (await app.chat({ model: "plain", response_format: FORMAT, tools })).json();
  assertEquals(choice.finish_reason, "tool_calls");
  assertEquals(upstream.calls.length, 1);
});

for (
  const [name, format, param] of [
    ["an unknown type", { type: "xml" }, "response_format.type"],
    ["no schema", { type: "json_schema" }, "response_format.json_schema"],
    [
      "no name",
      { type: "json_schema", json_schema: { schema: {} } },
      "response_format.json_schema.name",
    ],
    ["a dangling reference", {
      type: "json_schema",
      json_schema: { name: "x", schema: { $ref: "#/$defs/no" } },
    }, "response_format.json_schema.schema"],
  ] as const
) {
  Deno.test(`a response_format with ${name} gets a 400`, async () => {
    const app = await createTestApp({ upstream: "http://127.0.0.1:9999" });
    const response = await app.chat({ response_format: format });
    assertEquals(response.status, 400);
    assertEquals((await response.json()).error.param, param);
  });
}
