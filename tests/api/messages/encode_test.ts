import { assert, assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import type { ThinkingDisplay } from "../../../lib/api/messages/decode.ts";
import {
  messageHead,
  type MessageOptions,
  messageWriter,
} from "../../../lib/api/messages/encode.ts";
import type { ReasoningEvent, ToolCallEvent } from "../../../lib/reasoning/events.ts";
import { parseMessageStream } from "../../support/parsers/messages.ts";
import { anyCut, anyRun, eventsOf, type Run, USAGE, wildText } from "../runs.ts";

const HEAD = messageHead("o1", 7);

function optionsOf(thinking: ThinkingDisplay, statusLines = false): MessageOptions {
  return { thinking, statusLines, sign: (text) => Promise.resolve(`signed-${text.length}`) };
}

async function streamed(events: readonly ReasoningEvent[], options: MessageOptions) {
  const encoder = messageWriter(HEAD, options).encoder();
  let text = encoder.start();
  for (const event of events) text += await encoder.encode(event);
  return parseMessageStream(text);
}

// deno-lint-ignore no-explicit-any -- the object is compared with what a stream makes
async function collected(events: readonly ReasoningEvent[], options: MessageOptions): Promise<any> {
  const collector = messageWriter(HEAD, options).collector();
  for (const event of events) await collector.push(event);
  return collector.whole();
}

const display = () => fc.constantFrom<ThinkingDisplay>("none", "omitted", "shown");

/** Blocks in the form of the object: a stream has a call's input as JSON text. */
// deno-lint-ignore no-explicit-any -- blocks of all kinds
function plain(content: any[]) {
  return content.map(({ json, ...block }) =>
    json === undefined ? block : { ...block, input: JSON.parse(json) }
  );
}

Deno.test("any run is a sequence of complete blocks with the content of the run, however it is split", async () => {
  await fc.assert(
    fc.asyncProperty(
      anyRun(),
      anyCut(),
      display(),
      fc.boolean(),
      async (run, cut, thinking, lines) => {
        const { message, done } = await streamed(eventsOf(run, cut), optionsOf(thinking, lines));
        assert(done);
        // deno-lint-ignore no-explicit-any -- blocks of all kinds
        const content: any[] = message.content;
        const blocksOf = (type: string) => content.filter((block) => block.type === type);
        assertEquals(
          blocksOf("text").map(({ text }) => text).join(""),
          (run.answer ?? "") + (run.refusal ?? ""),
        );
        assertEquals(
          blocksOf("tool_use").map(({ id, name, json }) => ({ id, name, arguments: json })),
          (run.calls ?? []).map((call) => ({ ...call })),
        );
        assert(blocksOf("thinking").length <= (thinking === "none" ? 0 : 1));
        assert(
          blocksOf("thinking").every((block) => content[0] === block && block.signature !== ""),
        );
        if (thinking !== "shown") {
          assertEquals(blocksOf("thinking").map((b) => b.thinking).join(""), "");
        }
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("events in any order become a sequence of complete blocks", async () => {
  const call = fc.record({
    index: fc.integer({ min: 0, max: 2 }),
    text: fc.constantFrom("", '{"a"', ":1}", "{}", " "),
  });
  const event = fc.oneof(
    wildText().filter((text) => text !== "").map((text): ReasoningEvent => ({
      type: "answer",
      text,
    })),
    fc.constant<ReasoningEvent>({ type: "reasoning", step: 1, part: "content", text: "hm" }),
    fc.constant<ReasoningEvent>({ type: "reasoning", step: 1, part: "title", text: "T" }),
    fc.constant<ReasoningEvent>({ type: "status", text: "line" }),
    fc.constant<ReasoningEvent>({ type: "refusal", text: "No." }),
    fc.constant<ReasoningEvent>({
      type: "step_end",
      step: 1,
      title: "",
      content: "hm",
      seconds: 1,
    }),
    call.map(({ index, text }): ReasoningEvent => ({
      type: "tool_call",
      index,
      id: `call_${index}`,
      name: "f",
      arguments: text,
    })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 12 }), display(), async (events, thinking) => {
      const all = [...events, { type: "finish" as const, reason: "stop" as const }];
      const { message, done } = await streamed(all, optionsOf(thinking, true));
      assert(done);
      const expected = events.map((event) =>
        event.type === "answer" || event.type === "refusal" ? event.text : ""
      ).join("");
      const blocks = message.content as { type: string; text?: string; id?: string }[];
      assertEquals(blocks.map(({ text }) => text ?? "").join(""), expected);
      const ids = blocks.flatMap(({ id }) => id === undefined ? [] : [id]);
      assertEquals(new Set(ids).size, ids.length);
      assert(
        blocks.some(({ type }) => type !== "thinking"),
        "there is no block that a client can read",
      );
    }),
    { numRuns: 300 },
  );
});

Deno.test("the object has the content of the stream", async () => {
  await fc.assert(
    fc.asyncProperty(anyRun(), display(), async (run, thinking) => {
      const calls = run.calls?.map((call) => ({ ...call, arguments: '{"a":[1]}' }));
      const events = eventsOf({ ...run, ...(calls === undefined ? {} : { calls }) } as Run);
      const { message } = await streamed(events, optionsOf(thinking));
      const object = await collected(events, optionsOf(thinking));
      assertEquals(plain(object.content), plain(message.content));
      const { content: _a, ...head } = object;
      const { content: _b, ...other } = message;
      assertEquals(head, other);
    }),
    { numRuns: 60 },
  );
});

const piece = (index: number, json: string, first = false): ToolCallEvent => ({
  type: "tool_call",
  index,
  ...(first ? { id: `call_${index}`, name: `f${index}` } : {}),
  arguments: json,
});

Deno.test("interleaved calls are written one after the other", async () => {
  const events: ReasoningEvent[] = [
    piece(0, "", true),
    piece(1, '{"b"', true),
    piece(0, '{"a":'),
    piece(1, ":2}"),
    piece(0, "1}"),
    piece(2, "", true),
    { type: "finish", reason: "tool_calls" },
  ];
  const { message } = await streamed(events, optionsOf("none"));
  assertEquals(
    message.content.map(({ id, name, json }: Record<string, string>) => [id, name, json]),
    [["call_0", "f0", '{"a":1}'], ["call_1", "f1", '{"b":2}'], ["call_2", "f2", "{}"]],
  );
  assertEquals(message.stop_reason, "tool_use");
  const object = await collected(events, optionsOf("none"));
  assertEquals(
    object.content.map(({ input }: Record<string, unknown>) => input),
    [{ a: 1 }, { b: 2 }, {}],
  );
});

Deno.test("a complete call does not delay the next one", async () => {
  const encoder = messageWriter(HEAD, optionsOf("none")).encoder();
  encoder.start();
  await encoder.encode(piece(0, '{"a":1}', true));
  const frames = await encoder.encode(piece(1, '{"b"', true));
  const types = frames.split("\n").filter((line) => line.startsWith("event: "));
  assertEquals(types.map((line) => line.slice(7)), [
    "content_block_stop",
    "content_block_start",
    "content_block_delta",
  ]);
});

Deno.test("an input that is not an object is marked as invalid", async () => {
  for (const json of ['{"a":', "[1]", "nonsense"]) {
    const events: ReasoningEvent[] = [piece(0, json, true), { type: "finish", reason: "length" }];
    const object = await collected(events, optionsOf("none"));
    assertEquals(object.content[0].input, { INVALID_JSON: json });
    assertEquals(object.stop_reason, "max_tokens");
  }
});

const STOPS: [Run, string][] = [
  [{ steps: [], answer: "4" }, "end_turn"],
  [{ steps: [], answer: "4", finish: "length" }, "max_tokens"],
  [{ steps: [], answer: "4", finish: "content_filter" }, "refusal"],
  [{ steps: [], refusal: "No." }, "refusal"],
  [{ steps: [], calls: [{ id: "a", name: "f", arguments: "{}" }] }, "tool_use"],
  [{ steps: [], calls: [{ id: "a", name: "f", arguments: "{}" }], finish: "stop" }, "tool_use"],
  [{ steps: [{ title: "T" }], finish: "length" }, "max_tokens"],
];

for (const [run, reason] of STOPS) {
  Deno.test(`${JSON.stringify(run)} has the stop reason ${reason}`, async () => {
    const { message } = await streamed(eventsOf(run), optionsOf("shown"));
    assertEquals([message.stop_reason, message.stop_sequence], [reason, null]);
  });
}

Deno.test("a known stop sequence is reported", async () => {
  const events: ReasoningEvent[] = [
    { type: "answer", text: "4" },
    { type: "finish", reason: "stop", stop: "END" },
  ];
  const { message } = await streamed(events, optionsOf("none"));
  assertEquals([message.stop_reason, message.stop_sequence], ["stop_sequence", "END"]);
});

Deno.test("steps are one block of thinking, and only the upstream's own thinking is signed", async () => {
  const steps = [{ title: "Add", content: "2 + 2" }, { content: "private thought" }];
  const { message } = await streamed(eventsOf({ steps, answer: "4" }), optionsOf("shown"));
  assertEquals(message.content[0], {
    type: "thinking",
    thinking: "**Add**\n\n2 + 2\n\nprivate thought",
    signature: "signed-15",
  });
});

Deno.test("usage excludes cached tokens from the prompt and includes everything generated", async () => {
  const { message } = await streamed(eventsOf({ steps: [], answer: "4" }), optionsOf("none"));
  const { upstream, ...usage } = message.usage;
  assertEquals(usage, {
    input_tokens: 8,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 3,
    output_tokens: 40,
    output_tokens_details: { thinking_tokens: 25 },
  });
  assertEquals(upstream, USAGE.upstream);
});

Deno.test("messages have distinct ids", () => {
  assertNotEquals(messageHead("o1", 1).id, messageHead("o1", 1).id);
});
