import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { createBodyEncoder } from "../../../lib/upstream/wire/shared_body.ts";

const LONG = "x".repeat(300_000);
const conversation = (last = LONG) => [
  { role: "system", content: "Be brief." },
  { role: "user", content: last },
];
const bodyOf = (messages: readonly { role: string }[], more: object = {}) => ({
  model: "m",
  messages: messages.map((message) => ({ ...message })),
  ...more,
});

Deno.test("equal large bodies of one conversation share their bytes", async () => {
  const encode = createBodyEncoder();
  const messages = conversation();
  const first = encode(bodyOf(messages), messages);
  assertStrictEquals(encode(bodyOf(messages), messages), first);
  // The last message identifies the conversation.
  assertStrictEquals(encode(bodyOf(messages), [{ role: "system" }, messages[1]!]), first);
  assert(first.data instanceof Blob);
  assertEquals(JSON.parse(await first.data.text()), bodyOf(messages));
  assertEquals(first.size, first.data.size);
});

Deno.test("bodies that differ, or belong to another conversation, have bytes of their own", async () => {
  const encode = createBodyEncoder();
  const messages = conversation();
  const first = encode(bodyOf(messages), messages);
  const others = [
    [bodyOf(messages, { temperature: 1 }), messages],
    [bodyOf([...messages, { role: "user" }]), messages],
    [bodyOf(messages), conversation()],
    [bodyOf(messages), [messages[1]!, { role: "user" }]],
    [bodyOf(messages, { stop: ["a"] }), messages],
    [bodyOf(messages, { stop: { 0: "a" } }), messages],
  ] as const;
  for (const [body, own] of others) {
    const { data } = encode(body, own);
    assert(data !== first.data);
    assertEquals(JSON.parse(await new Response(data).text()), body);
  }
});

Deno.test("a small body is text, which does not count as in flight", () => {
  const messages = conversation("Hi");
  const encoded = createBodyEncoder()(bodyOf(messages), messages);
  assertEquals(encoded, { data: JSON.stringify(bodyOf(messages)), size: 0 });
});
