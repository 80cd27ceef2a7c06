import { assertEquals, assertRejects } from "@std/assert";
import { systemClock } from "../../lib/clock.ts";
import { upstreamOptions } from "../../lib/config/schema/upstream.ts";
import { compareSamples } from "../../scripts/real/samples.ts";
import { REQUESTS } from "../../scripts/real/requests.ts";
import { smoke } from "../../scripts/real/smoke.ts";
import { problemRows } from "../../scripts/real/problems.ts";
import { parseDataset } from "../../lib/eval/dataset.ts";
import { strategies } from "../../lib/reasoning/strategies/mod.ts";
import { createTestApp } from "../support/app.ts";
import { type Call, startUpstream } from "../support/upstream.ts";

const MODELS = ["direct", ...Object.keys(strategies).filter((name) => name !== "direct")];

const yaml = (upstream: string) => `
upstreams:
  scripted: { base_url: "${upstream}", retry: { base_ms: 1, max_ms: 2 } }
models:
${MODELS.map((name) => `  ${name}: { strategy: ${name}, upstream: scripted, model: m }`).join("\n")}
`;

/** Writes the same bare answer, whatever it is asked, and valid JSON where a format requires it. */
function smallModel({ body: { response_format: format } }: Call) {
  if (format === undefined || format.type === "text") return { content: "It is seven." };
  const properties = Object.entries<{ type: string }>(format.json_schema?.schema.properties ?? {});
  const fields = properties.map(([name, { type }]) => [name, type === "integer" ? 7 : "seven"]);
  return { content: JSON.stringify(Object.fromEntries(fields)) };
}

Deno.test("every strategy answers all varied requests that a plain call answers", async () => {
  assertEquals(Object.keys(REQUESTS).length, 30);
  await using upstream = startUpstream(smallModel);
  const app = await createTestApp({ upstream: upstream.url, yaml: yaml(upstream.url) });
  const report = await smoke({ send: (body) => app.chat(body), models: MODELS });
  assertEquals(report, { answered: 30 * 2 * MODELS.length, skipped: [], failures: [] });
});

const reply = (stream: boolean, message: object, end = "data: [DONE]\n\n") => {
  const choice = { message, delta: message, finish_reason: "stop" };
  const body = JSON.stringify({ choices: [choice] });
  return new Response(stream ? `data: ${body}\n\n${end}` : body);
};

Deno.test("the smoke test finds errors, empty answers, text instead of JSON, and cut streams", async () => {
  const replies: Record<string, (stream: boolean) => Response> = {
    direct: (stream) => reply(stream, { content: "{}" }),
    empty: (stream) => reply(stream, { content: " " }),
    text: (stream) => reply(stream, { content: "It is 3." }),
    rejected: () => new Response("{}", { status: 400 }),
    cut: (stream) => reply(stream, { content: "{}" }, ""),
    failed: (stream) => reply(stream, { content: "{}" }, 'data: {"error": {}}\n\ndata: [DONE]\n\n'),
  };
  const { failures, skipped } = await smoke({
    send: ({ model, stream }) => Promise.resolve(replies[model as string]!(stream as boolean)),
    models: Object.keys(replies),
  });
  const counts = Map.groupBy(failures, (line) => line.split(",")[0]!);
  assertEquals(
    Object.fromEntries(counts.entries().map(([model, lines]) => [model, lines.length])),
    // Three of the requests ask for JSON; each is sent twice, once as a stream.
    { empty: 60, text: 6, rejected: 60, cut: 30, failed: 30 },
  );
  assertEquals(skipped, []);
  const { failures: ofOne } = await smoke({
    send: ({ model, stream }) => Promise.resolve(replies[model as string]!(stream as boolean)),
    models: ["direct", "empty"],
    requests: { "a sum": REQUESTS["a sum"]! },
  });
  assertEquals(ofOne.map((line) => line.split(":")[0]), [
    "empty, a sum, JSON",
    "empty, a sum, stream",
  ]);
  const none = await smoke({
    send: () => Promise.resolve(replies.rejected!(false)),
    models: MODELS,
  });
  assertEquals([none.answered, none.skipped.length, none.failures], [0, 60, []]);
});

Deno.test("the problems of the real run are valid and seeded, and a longer run begins with them", async () => {
  const gsm8k = JSON.stringify({ question: "How many?", answer: "1 + 1\n#### 1,002" });
  const rows = problemRows(30, 1, gsm8k);
  assertEquals(rows.length, 61);
  assertEquals(rows.slice(0, 7), problemRows(3, 1, gsm8k));
  assertEquals(rows[2], { id: "gsm8k-1", question: "How many?", answer: "1002" });
  const content = rows.map((row) => JSON.stringify(row)).join("\n");
  assertEquals((await parseDataset(content, "rows")).length, 61);
});

Deno.test("samples of one call are compared with a call for each, and must be complete", async () => {
  const clock = { ...systemClock, now: () => 0 };
  const compare = (url: string) =>
    compareSamples({
      target: { name: "u", upstream: upstreamOptions.parse({ base_url: url }), model: "m" },
      clock,
      random: Math.random,
      fetch,
      signal: new AbortController().signal,
    });
  const chunk = (index: number, content: string) => ({
    choices: [{ index, delta: { content }, finish_reason: "stop" }],
  });
  const usage = { choices: [], usage: { prompt_tokens: 9, completion_tokens: 9 } };
  let number = 0;
  await using upstream = startUpstream(({ body: { n = 1 } }) => ({
    frames: [...Array.from({ length: n }, (_, i) => chunk(i, `Text ${number++}`)), usage],
  }), { samples: true });
  const rows = await compare(upstream.url);
  assertEquals(rows.map(({ prompt, isWarm }) => [prompt, isWarm]), [
    [9, false],
    [9, true],
    [9, false],
    [9, true],
  ]);
  assertEquals(upstream.calls.filter(({ body }) => body.n === 4).length, 2 * 5 * (1 + 3));
  await using equal = startUpstream(() => ({ content: "The same." }), { samples: true });
  await assertRejects(() => compare(equal.url), Error, "equal");
});
