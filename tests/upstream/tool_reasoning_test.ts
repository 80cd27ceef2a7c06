import { assertEquals } from "@std/assert";
import { systemClock } from "../../lib/clock.ts";
import { upstreamOptions } from "../../lib/config/schema/upstream.ts";
import { createUpstreamClient } from "../../lib/upstream/client.ts";
import type { UpstreamMessage } from "../../lib/upstream/target.ts";
import {
  answerRestorer,
  createToolReasoning,
  rememberAnswer,
  type ToolReasoning,
} from "../../lib/upstream/tool_reasoning.ts";
import { startUpstream } from "../support/upstream.ts";
import { waitFor } from "../support/wait.ts";

const MEGABYTE = "x".repeat(1_000_000);

Deno.test("remembered reasoning has at most 16,000,000 characters; the oldest is forgotten", () => {
  const memory = createToolReasoning();
  for (let i = 0; i < 17; i++) memory.remember("alice", [`call ${i}`], MEGABYTE);
  assertEquals(memory.find("alice", "call 0"), undefined);
  assertEquals(memory.find("alice", "call 1"), MEGABYTE);
  assertEquals(memory.find("alice", "call 16"), MEGABYTE);
});

Deno.test("the reasoning of at most 10,000 calls is remembered; the oldest is forgotten", () => {
  const memory = createToolReasoning();
  for (let i = 0; i <= 10_000; i++) memory.remember("alice", [`call ${i}`], "r");
  assertEquals(memory.find("alice", "call 0"), undefined);
  assertEquals(memory.find("alice", "call 1"), "r");
  assertEquals(memory.find("alice", "call 10000"), "r");
});

Deno.test("an owner with much reasoning does not displace the reasoning of others", () => {
  const memory = createToolReasoning();
  memory.remember("bob", ["call"], "r");
  for (let i = 0; i < 20; i++) memory.remember("alice", [`call ${i}`], MEGABYTE);
  for (let i = 0; i < 10_001; i++) memory.remember("carol", [`call ${i}`], "r");
  assertEquals(memory.find("bob", "call"), "r");
});

Deno.test("reasoning that is remembered again under its key counts once", () => {
  const memory = createToolReasoning();
  for (let i = 0; i < 20; i++) memory.remember("alice", ["call"], MEGABYTE);
  for (let i = 0; i < 15; i++) memory.remember("alice", [`call ${i}`], MEGABYTE);
  assertEquals(memory.find("alice", "call"), MEGABYTE);
});

const image = (url: string) => ({ type: "image_url", image_url: { url } });
const call = (id: string): UpstreamMessage => ({
  role: "assistant",
  content: null,
  tool_calls: [{ id, type: "function", function: { name: "add", arguments: "{}" } }],
});

const NOTHING = { callIds: [], text: undefined, reasoning: "", state: {}, extras: new Map() };
const REASONING = { toolReasoning: true, toolState: false };
const ALL = { toolReasoning: true, toolState: true };

/** Returns the reasoning that the last message of a conversation gets, after one was answered. */
async function restored(answered: UpstreamMessage[], repeated: UpstreamMessage[]) {
  const memory = createToolReasoning();
  await rememberAnswer(memory, { owner: "alice", messages: answered }, {
    ...NOTHING,
    callIds: ["call"],
    reasoning: "Because.",
  });
  const restore = await answerRestorer(memory, { owner: "alice", messages: repeated }, REASONING);
  return restore(repeated.at(-1)!).reasoning_content;
}

Deno.test("reasoning is restored after the same messages, whatever their cache markers are", async () => {
  const text = [{ type: "text", text: "Add." }, image("a")];
  const marked = [{ type: "text", text: "Add.", cache_control: { type: "ephemeral" } }, image("a")];
  assertEquals(
    await restored([{ role: "user", content: text }], [
      { role: "user", content: marked },
      call("call"),
    ]),
    "Because.",
  );
});

Deno.test("reasoning is not restored after other messages", async () => {
  const user = (text: string, url: string): UpstreamMessage => ({
    role: "user",
    content: [{ type: "text", text }, image(url)],
  });
  const answered = [user("Add.", "a")];
  const others: UpstreamMessage[][] = [
    [user("Add.", "b")],
    [user("Multiply.", "a")],
    [user("Add.", "a"), user("Add.", "a")],
    [{ ...user("Add.", "a"), name: "Bob" }],
    [{ role: "system", content: "Add." }, user("Add.", "a")],
  ];
  for (const messages of others) {
    assertEquals(await restored(answered, [...messages, call("call")]), undefined);
  }
  assertEquals(await restored(answered, [...answered, call("other")]), undefined);
});

Deno.test("reasoning that a message has is kept", async () => {
  const answered: UpstreamMessage[] = [{ role: "user", content: "Add." }];
  const message = { ...call("call"), reasoning_content: "Its own." };
  assertEquals(await restored(answered, [...answered, message]), "Its own.");
  const last = { ...call("call 2"), reasoning_content: "Its own." };
  assertEquals(await restored(answered, [...answered, call("call"), last]), "Its own.");
});

Deno.test("a message gets the reasoning of its calls once other servers have been asked for it", async () => {
  const known = createToolReasoning();
  const loads: (readonly string[])[] = [];
  const entry = JSON.stringify({ reasoning: "Because.", state: {}, extras: [] });
  const memory: ToolReasoning = {
    ...known,
    async load(owner, keys) {
      loads.push(keys);
      // Takes a turn of the event loop, as another server's answer does.
      await crypto.subtle.digest("SHA-256", new Uint8Array(1));
      for (const key of keys) await known.remember(owner, [key], entry);
    },
  };
  const two: UpstreamMessage = {
    ...call("a"),
    tool_calls: [call("a"), call("b")].flatMap(({ tool_calls }) => tool_calls),
  };
  const own = { ...call("c"), reasoning_content: "Its own." };
  const messages = [{ role: "user", content: "Add." }, two, own];
  const conversation = { owner: "alice", messages };
  // The calls of a fan-out share what was loaded.
  for (let i = 0; i < 2; i++) {
    const restore = await answerRestorer(memory, conversation, REASONING);
    const added = { role: "user", content: "Think." };
    assertEquals(
      [...messages, added].map((message) => restore(message).reasoning_content),
      [undefined, "Because.", "Its own.", undefined],
    );
  }
  assertEquals(loads.map(({ length }) => length), [1]);
});

Deno.test("the state of an answer without calls is restored to the same answer of the same owner", async () => {
  const memory = createToolReasoning();
  const user = { role: "user", content: "6 * 7?" };
  const state = { reasoning_opaque: "secret" };
  await rememberAnswer(memory, { owner: "alice", messages: [user] }, {
    ...NOTHING,
    state,
    text: "42.\n",
  });
  const answer = { role: "assistant", content: [{ type: "text", text: "42." }] };
  const restore = async (owner: string, messages: UpstreamMessage[]) => {
    const restored = await answerRestorer(memory, { owner, messages }, ALL);
    return messages.map((message) => restored(message).reasoning_opaque);
  };
  const later = [{ role: "user", content: "Sure?" }, { role: "assistant", content: "Yes." }];
  assertEquals(await restore("alice", [user, answer, ...later]), [
    undefined,
    "secret",
    undefined,
    undefined,
  ]);
  assertEquals(await restore("bob", [user, answer]), [undefined, undefined]);
  assertEquals(await restore("alice", [later[0]!, answer]), [undefined, undefined]);
  assertEquals(await restore("alice", [user, { role: "assistant", content: "41." }]), [
    undefined,
    undefined,
  ]);
  const other = { ...answer, reasoning_opaque: "a part" };
  assertEquals(await restore("alice", [user, other]), [undefined, "secret"]);
  assertEquals(await restore("bob", [user, other]), [undefined, "a part"]);
});

for (
  const [name, callIds, text] of [
    ["an answer that is never sent back", [], undefined],
    ["an answer with calls", ["call"], "42."],
  ] as const
) {
  Deno.test(`the state of ${name} is not restored to another answer with its text`, async () => {
    const memory = createToolReasoning();
    const user = { role: "user", content: "6 * 7?" };
    const state = { reasoning_opaque: "secret" };
    const conversation = { owner: "alice", messages: [user] };
    await rememberAnswer(memory, conversation, { ...NOTHING, callIds, state, text });
    const answer = { role: "assistant", content: "42." };
    const restore = await answerRestorer(memory, { owner: "alice", messages: [user, answer] }, ALL);
    assertEquals(restore(answer).reasoning_opaque, undefined);
  });
}

Deno.test("everything that is remembered of an answer is restored, even if the client drops one of its calls", async () => {
  const memory = createToolReasoning();
  const user = { role: "user", content: "Add." };
  await rememberAnswer(memory, { owner: "alice", messages: [user] }, {
    callIds: ["a", "b"],
    text: undefined,
    reasoning: "Because.",
    state: { reasoning_opaque: "secret" },
    extras: new Map([["b", { signature: "s" }]]),
  });
  const message = call("b");
  const restore = await answerRestorer(memory, { owner: "alice", messages: [user, message] }, ALL);
  const [own] = message.tool_calls as Record<string, unknown>[];
  assertEquals(restore(message), {
    ...message,
    reasoning_content: "Because.",
    reasoning_opaque: "secret",
    tool_calls: [{ ...own, extra_content: { signature: "s" } }],
  });
});

for (const isAnswer of [true, false]) {
  Deno.test(`the state of ${isAnswer ? "an answer is" : "a thinking call is not"} restored to an equal answer`, async () => {
    const state = { extra_content: { google: { thought_signature: "c2ln" } } };
    const delta = { content: "42.", ...state };
    await using upstream = startUpstream([{
      frames: [{ choices: [{ index: 0, delta, finish_reason: "stop" }] }, "data: [DONE]\n\n"],
    }]);
    const client = createUpstreamClient({ clock: systemClock, random: () => 0.5, fetch });
    const options = upstreamOptions.parse({ base_url: upstream.url });
    const ask = async (messages: UpstreamMessage[]) => {
      const deltas = client.call(
        [{ name: "u", model: "m", upstream: options }],
        { messages, stream: true, fields: {}, ...(isAnswer && { isAnswer }) },
        {
          conversation: { owner: "alice", messages },
          capabilities: client.capabilitiesFor("alice"),
          signal: new AbortController().signal,
          retries: { left: 0 },
          deadline: Infinity,
        },
      );
      await waitFor("an answer", Array.fromAsync(deltas));
    };
    const user = { role: "user", content: "6 * 7?" };
    const answer = { role: "assistant", content: "42." };
    await ask([user]);
    await ask([user, answer]);
    assertEquals(upstream.calls[1]!.body.messages, [
      user,
      { ...answer, ...(isAnswer && state) },
    ]);
  });
}
