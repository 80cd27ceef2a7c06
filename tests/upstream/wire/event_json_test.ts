import { assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { createEventReader } from "../../../lib/upstream/wire/event_json.ts";

const TEXT = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string(),
  fc.constantFrom(
    " the",
    "\\",
    '"',
    ",",
    '","',
    "m",
    "content",
    "stop",
    ":",
    "index",
    "}",
    "\n",
    "😀",
  ),
);

const chunk = (delta: unknown, rest: Record<string, unknown> = {}) => ({
  id: "chatcmpl-1",
  model: "m",
  choices: [{ index: 0, delta, finish_reason: null }],
  ...rest,
});

/** Events as upstreams send them: mostly text, and anything in between. */
const EVENT = fc.oneof(
  { weight: 8, arbitrary: TEXT.map((content) => chunk({ content })) },
  { weight: 4, arbitrary: TEXT.map((text) => chunk({ content: null, reasoning_content: text })) },
  TEXT.map((text) => chunk({ reasoning: text, reasoning_details: [{ text }] })),
  fc.tuple(TEXT, TEXT).map(([reasoning, content]) =>
    chunk({ role: "assistant", reasoning, content })
  ),
  TEXT.map((content) => chunk({ content }, { usage: { completion_tokens: content.length } })),
  TEXT.map((text) => ({ ...chunk({}), choices: [{ delta: text }, { delta: { content: text } }] })),
  fc.constant(chunk({ tool_calls: [{ index: 0, function: { arguments: '{"a' } }] })),
  fc.constantFrom<unknown>(null, 1, [], {}, { choices: null }, { choices: [null] }, { error: {} }),
);

Deno.test("every event is read as JSON.parse reads it, whatever came before", () => {
  fc.assert(
    fc.property(fc.array(EVENT, { maxLength: 30 }), fc.constantFrom(0, 1), (events, space) => {
      const reader = createEventReader();
      for (const event of events) {
        const data = JSON.stringify(event, null, space).replaceAll("\n", "");
        assertEquals(reader.read(data), JSON.parse(data));
      }
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("an event that is too short or too long is never read by a template", () => {
  const data = JSON.stringify(chunk({ content: " the" }));
  for (let at = 0; at < data.length; at++) {
    const reader = createEventReader();
    for (let i = 0; i < 3; i++) assertEquals(reader.read(data), JSON.parse(data));
    assertEquals(reader.read(data.slice(0, at)), undefined);
    assertEquals(reader.read(`${data}${data.slice(at)}`), undefined);
    assertEquals(reader.read(data), JSON.parse(data));
  }
});

Deno.test("events that differ in plain text only are not parsed again", () => {
  const reader = createEventReader();
  const read = (content: string) => reader.read(JSON.stringify(chunk({ content })));
  read("first");
  const second = read("second");
  // The object is reused.
  assertStrictEquals(read(" third"), second);
  assertEquals(second, chunk({ content: " third" }));
});
