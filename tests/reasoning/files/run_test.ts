/** Requests to models whose strategy is from a file. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createFakeClock, passing } from "../../support/clock.ts";
import { createTestApp, parseStream, type TestAppOptions } from "../../support/app.ts";
import { startUpstream, type Upstream } from "../../support/upstream.ts";

/** An app with a strategy `mine` that runs this body. */
function createApp(
  { url }: Upstream,
  body: string,
  { options = "z.object({})", settings = "", ...more }: Partial<TestAppOptions> & {
    options?: string;
    settings?: string;
  } = {},
) {
  const code = `
import type { StrategyApi } from "anywhere";
export const version = 1;
export default ({ z, defineStrategy, relayAnswer, sampleAll }: StrategyApi) =>
  defineStrategy({
    summary: "My own.",
    label: { calls: "1", latency: "1 call" },
    options: ${options},
    prompts: { say: "Say {what}." },
    roles: ["answer"],
    async *run(context) {${body}},
  });
`;
  const yaml = `
upstreams: { s: { base_url: UPSTREAM, use_n: false, retry: { max_attempts: 1 } } }
strategies: { mine: ./mine.ts }
models:
  mine: { strategy: mine, upstream: s, model: m, caps: { calls: 5 } }
  plain: { upstream: s, model: m }
${settings}
`;
  return createTestApp({ upstream: url, yaml, files: { "/etc/o1/mine.ts": code }, ...more });
}

const ANSWER =
  'yield* relayAnswer(context, { role: "answer", messages: context.request.messages }, 1);';

Deno.test("a strategy from a file answers, is listed, and can be chosen in a request", async () => {
  await using upstream = startUpstream(() => ({ content: "4" }));
  const { chat, send } = await createApp(upstream, ANSWER);
  const contentOf = async (body: Record<string, unknown>) =>
    (await (await chat(body)).json()).choices[0].message.content;
  assertEquals(await contentOf({ model: "mine" }), "4");
  assertEquals(await contentOf({ model: "plain", reasoning: { strategy: "mine" } }), "4");
  const { data, strategies } = await (await send("/v1/models")).json();
  assertEquals(data[0].description, "My own.");
  const { options, ...mine } = strategies.at(-1);
  assertEquals(Object.keys(options), ["re2"]);
  assertEquals(mine, {
    name: "mine",
    summary: "My own.",
    calls: "1",
    latency: "1 call",
  });
});

Deno.test("a client can't name a file as a strategy, or an option that the schema lacks", async () => {
  await using upstream = startUpstream(() => ({ content: "4" }));
  const { chat } = await createApp(upstream, ANSWER);
  for (const strategy of ["./mine.ts", "/etc/o1/mine.ts", "data:text/javascript,1", "__proto__"]) {
    const response = await chat({ model: "mine", reasoning: { strategy } });
    assertEquals(response.status, 400);
    assertStringIncludes((await response.json()).error.message, "direct, mine.");
  }
  const response = await chat({ model: "mine", reasoning: { rounds: 3 } });
  assertEquals([response.status, (await response.json()).error.param], [400, "reasoning.rounds"]);
});

const ENDLESS: [name: string, body: string][] = [
  [
    "one after another",
    `for (;;) for await (const _ of context.call({
    role: "answer", messages: context.request.messages,
  }));`,
  ],
  [
    "all at once",
    `yield* sampleAll(context, Array.from({ length: 100 }, (_, index) => ({
    index, role: "answer", messages: context.request.messages,
  })));`,
  ],
];

for (const [name, body] of ENDLESS) {
  Deno.test(`a strategy from a file makes no more calls than caps.calls, ${name}`, async () => {
    await using upstream = startUpstream(() => ({ content: "4" }));
    const { chat } = await createApp(upstream, body);
    const { choices, usage } = await (await chat({ model: "mine" })).json();
    assertEquals(choices[0].finish_reason, "length");
    assertEquals(usage.upstream.calls, 5);
    assert(upstream.calls.length <= 5, `${upstream.calls.length} calls`);
  });
}

Deno.test("a strategy from a file does not exceed the client's token limit", async () => {
  await using upstream = startUpstream(() => ({
    content: "4",
    usage: { prompt_tokens: 1, completion_tokens: 40 },
  }));
  const { chat } = await createApp(upstream, ENDLESS[0]![1]);
  const { choices } = await (await chat({ model: "mine", max_completion_tokens: 100 })).json();
  assertEquals(choices[0].finish_reason, "length");
  assertEquals(upstream.calls.length, 3);
});

Deno.test("a strategy from a file that never ends is ended by the time limit", async () => {
  await using upstream = startUpstream(() => ({ content: "4" }));
  const time = createFakeClock();
  const { chat } = await createApp(upstream, "await new Promise(() => {});", {
    clock: time.clock,
    settings: "server: { request_timeout_ms: 60000 }",
  });
  const { status } = await passing(time, chat({ model: "mine" }), 1_000);
  assertEquals(status, 504);
  assert(time.clock.now() >= 60_000);
});

Deno.test("a strategy from a file that ends without a finish event ends its answer", async () => {
  await using upstream = startUpstream(() => ({ content: "4" }));
  const { chat } = await createApp(upstream, 'yield { type: "answer", text: "Done." };');
  const { choices: [{ message, finish_reason }] } = await (await chat({ model: "mine" })).json();
  assertEquals([message.content, finish_reason], ["Done.", "stop"]);
  const body = { model: "mine", stream: true, stream_options: { include_usage: true } };
  const { content, chunks } = parseStream(await (await chat(body)).text());
  const reasons = chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? []);
  assertEquals([content, reasons, chunks.at(-1)!.usage.completion_tokens], ["Done.", ["stop"], 0]);
});

for (
  const event of [
    "5",
    "null",
    "{}",
    '{ type: "text", text: "4" }',
    '{ type: "toString" }',
    '{ type: "answer", text: 4 }',
    '{ type: "usage" }',
  ]
) {
  Deno.test(`a strategy from a file that yields ${event} ends with an error, not with an empty answer`, async () => {
    await using upstream = startUpstream(() => ({ content: "4" }));
    const lines: string[] = [];
    const { chat } = await createApp(upstream, `yield ${event};`, { lines });
    assertEquals((await chat({ model: "mine" })).status, 500);
    assertStringIncludes(lines.at(-1)!, "NotAnEvent");
  });
}

Deno.test("a strategy from a file that uses an unknown prompt ends with an error", async () => {
  await using upstream = startUpstream(() => ({ content: "4" }));
  const lines: string[] = [];
  const body =
    'yield { type: "answer", text: context.prompt(context.options.name, { what: "4" }) };';
  const { chat } = await createApp(upstream, body, {
    lines,
    options: 'z.object({ name: z.string().default("say") })',
  });
  const promptOf = (name: string) => chat({ model: "mine", reasoning: { name } });
  assertEquals((await (await promptOf("say")).json()).choices[0].message.content, "Say 4.");
  assertEquals((await promptOf("mend")).status, 200);
  assertEquals((await promptOf("sya")).status, 500);
  assertStringIncludes(lines.at(-1)!, "UnknownPrompt");
  assertStringIncludes(lines.at(-1)!, "mine.ts:");
});

Deno.test("nothing follows the finish event of a strategy from a file", async () => {
  await using upstream = startUpstream(() => ({ content: "4" }));
  const { chat } = await createApp(upstream, `${ANSWER} ${ANSWER}`);
  const { choices: [{ message }] } = await (await chat({ model: "mine" })).json();
  assertEquals([message.content, upstream.calls.length], ["4", 1]);
});

Deno.test("an error in a strategy from a file is logged with its line, and not shown to the client", async () => {
  await using upstream = startUpstream(() => ({ content: "4" }));
  const lines: string[] = [];
  const { chat } = await createApp(upstream, '\n throw new Error("secret-4711");', { lines });
  const response = await chat({ model: "mine" });
  assertEquals(response.status, 500);
  const text = `${await response.text()}\n${lines.join("\n")}`;
  assert(!text.includes("secret-4711"));
  assertStringIncludes(text, "mine.ts:12:8");
});
