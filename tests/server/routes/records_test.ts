import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { createTestApp, parseStream, type TestAppOptions } from "../../support/app.ts";
import { as, keysYaml } from "../../support/keys.ts";
import { type Reply, startUpstream } from "../../support/upstream.ts";
import { serve } from "../../tools/mcp/servers.ts";

const STEP = '{"title":"Add","content":"2 + 2 = 4","next_action":"final_answer"}';

const YAML = `
upstreams:
  secret-provider: { base_url: UPSTREAM, retry: { base_ms: 1, max_ms: 5 }, price: { input: 1000, output: 2000 } }
models:
  steps: { strategy: steps, upstream: secret-provider, model: secret-model, options: { min_steps: 1 }, system_prompt: The operator's words. }
  direct: { strategy: direct, upstream: secret-provider, model: secret-model }
`;

interface Setup extends Partial<TestAppOptions> {
  script?: readonly Reply[];
  body?: Record<string, unknown>;
  init?: RequestInit;
}

/** Sends one request; returns its stream, and the records in it. */
async function recordsOf({ script, body, init, ...options }: Setup) {
  await using upstream = startUpstream(script ?? [{ content: STEP }, { content: "It is 4." }]);
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML, ...options });
  const response = await app.chat(
    { model: "steps", stream: true, reasoning: { calls: true }, ...body },
    init,
  );
  const text = await response.text();
  const { chunks, error } = parseStream(text);
  const events = chunks.flatMap(({ o1 }) => o1 ?? []);
  const records = events.filter(({ type }) => type === "call" || type === "tool");
  return { text, events, records, chunks, error, url: upstream.url };
}

Deno.test("a request can ask for a record of each call", async () => {
  const { text, records, events, chunks, url } = await recordsOf({});
  assertEquals(events, records);
  assertEquals(
    records.map(({ start: _, first: _first, end: _end, texts: _texts, ...fields }) => fields),
    ["step", "answer"].map((role, index) => ({
      type: "call",
      task: index + 1,
      role,
      attempts: 1,
      outcome: "ok",
      prompt_tokens: 10,
      completion_tokens: 5,
      cost: 0.02,
      estimated: false,
    })),
  );
  let last = 0;
  for (const { start, first, end } of records) {
    assert(last <= start && start <= first && first <= end, `${last} ${start} ${first} ${end}`);
    last = end;
  }
  const [step, answer] = records.map(({ texts }) => texts);
  assertEquals([step.output, answer.output], [STEP, "It is 4."]);
  const texts = step.prompt.map(({ text }: { text: string }) => text);
  assert(texts.includes("The operator's words."));
  assert(texts.includes("What is 2 + 2?"));
  // The conversation is in both prompts, and is sent once.
  assertEquals(text.match(/What is 2 \+ 2\?/g)?.length, 1);
  assertEquals(answer.prompt[0], { message: 0 });
  assertEquals(chunks.at(-1).choices[0].finish_reason, "stop");
  for (const name of ["secret", new URL(url).host]) assert(!text.includes(name), name);
});

Deno.test("a request that does not ask for records gets none", async () => {
  const { events, text } = await recordsOf({ body: { reasoning: { events: true } } });
  assertEquals(events.map(({ type }) => type), ["step_start", "step_end", "usage"]);
  assert(!text.includes('"at":'));
});

Deno.test("with records, each event has its time", async () => {
  const { events } = await recordsOf({ body: { reasoning: { events: true, calls: true } } });
  const types = ["step_start", "call", "step_end", "call", "usage"];
  assertEquals(events.map(({ type }) => type).toSorted(), types.toSorted());
  const times = events.flatMap(({ at }) => at ?? []);
  assertEquals(times, times.toSorted((a, b) => a - b));
  assertEquals(times.length, 3);
});

for (
  const [isAllowed, setting] of [[false, ""], [true, "server: { show_prompts: true }\n"]] as const
) {
  Deno.test(`a key's holder sees calls ${isAllowed ? "with" : "without"} prompts`, async () => {
    const yaml = await keysYaml() + setting + YAML;
    const { records, text } = await recordsOf({ yaml, init: { headers: as("alice") } });
    assertEquals(records.map(({ role, texts }) => [role, texts !== undefined]), [
      ["step", isAllowed],
      ["answer", isAllowed],
    ]);
    assertEquals(text.includes("operator"), isAllowed);
  });
}

Deno.test("failed attempts and calls are recorded, even before an error", async () => {
  const failure = { status: 500, body: '{"error":{"message":"broken"}}' };
  const { records, error, text } = await recordsOf({
    script: [failure, { content: STEP }, { ...failure, status: 400 }],
  });
  assertEquals(
    records.map((
      { role, attempts, outcome, completion_tokens: tokens },
    ) => [role, attempts, outcome, tokens]),
    [["step", 2, "ok", 5], ["answer", 1, "failed", 0]],
  );
  assert(error !== undefined);
  assert(!text.includes("secret"));
});

Deno.test("a request for records that fails at once keeps its status code", async () => {
  await using upstream = startUpstream([{ status: 429, headers: { "retry-after": "60" } }]);
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML });
  const response = await app.chat({ model: "direct", stream: true, reasoning: { calls: true } });
  assertEquals(response.status, 429);
  await response.text();
});

Deno.test("runs of tools are recorded with the calls between them", async () => {
  await using search = serve(() =>
    Response.json({ results: [{ title: "Deno", url: "https://deno.com/", content: "A runtime." }] })
  );
  const { origin } = new URL(search.url);
  const { records } = await recordsOf({
    yaml:
      `${YAML}  search: { strategy: direct, upstream: secret-provider, model: secret-model, tools: [web_search] }\ntools: { web_search: { provider: searxng, url: "${origin}" } }\n`,
    body: { model: "search" },
    script: [
      { toolCalls: [{ id: "a", name: "web_search", arguments: '{"query":"deno"}' }] },
      { content: "It is a runtime." },
    ],
  });
  assertEquals(
    records.map(({ type, task, outcome }) => [type, task, outcome]),
    [["call", 1, "ok"], ["tool", 1, "ok"], ["call", 1, "ok"]],
  );
  const [first, tool, second] = records;
  assertEquals(first.texts.output, 'web_search {"query":"deno"}');
  assertEquals([tool.name, tool.texts.arguments], ["web_search", '{"query":"deno"}']);
  assertStringIncludes(tool.texts.output, "A runtime.");
  assert(tool.start <= tool.end && tool.end <= second.start);
  assertStringIncludes(JSON.stringify(second.texts.prompt), "A runtime.");
});

Deno.test("a JSON answer contains the records", async () => {
  await using upstream = startUpstream([{ content: "It is 4.", reasoning: "2 + 2" }]);
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML });
  const body = { model: "direct", reasoning: { calls: true } };
  const { o1 } = await (await app.chat(body)).json();
  assertEquals(o1.map(({ role, texts }: { role: string; texts: unknown }) => ({ role, texts })), [{
    role: "answer",
    texts: {
      prompt: [{ message: 0, role: "user", text: "What is 2 + 2?" }],
      thinking: "2 + 2",
      output: "It is 4.",
    },
  }]);
  assertEquals((await (await app.chat({ model: "direct" })).json()).o1, undefined);
});

Deno.test("records of long texts are shortened", async () => {
  const long = "x".repeat(20_000);
  const messages = Array.from({ length: 40 }, (_, index) => ({
    role: index % 2 === 0 ? "user" : "assistant",
    content: `${index}${long}`,
  }));
  messages.push({ role: "user", content: "And?" });
  const { records, text } = await recordsOf({
    body: { model: "direct", messages },
    script: [{ content: "It is 4." }],
  });
  assertLess(text.length, 520_000);
  const { prompt, output } = records[0].texts;
  assertEquals(prompt.length, 41);
  assertStringIncludes(prompt[0].text, "characters left out]");
  assertLess(prompt[0].text.length, 16_100);
  assertEquals([prompt[39].text, output], [
    "[20002 characters left out]",
    "[8 characters left out]",
  ]);
});
