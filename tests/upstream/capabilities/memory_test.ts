import { assertEquals } from "@std/assert";
import { createTestApp, parseStream } from "../../support/app.ts";
import { as, type ClientName, keysYaml } from "../../support/keys.ts";
import { startUpstream } from "../../support/upstream.ts";

const SEED_ERROR = JSON.stringify({
  error: { message: "Unknown parameter: 'seed'", code: "unsupported_parameter" },
});

/** Starts an upstream that rejects requests with a seed. */
const startSeedless = (status: number) =>
  startUpstream(({ body }) => "seed" in body ? { status, body: SEED_ERROR } : { content: "ok" });

for (
  const [status, isUnderstood] of [[400, true], [422, true], [500, true], [413, false]] as const
) {
  Deno.test(`a rejection with ${status} is ${isUnderstood ? "" : "not "}about a field`, async () => {
    await using upstream = startSeedless(status);
    const app = await createTestApp({ upstream: upstream.url });
    const response = await app.chat({ model: "plain", seed: 1 });
    assertEquals(response.status === 200, isUnderstood);
    await response.body?.cancel();
    assertEquals(
      upstream.calls.map(({ body }) => "seed" in body),
      isUnderstood ? [true, false] : [true],
    );
  });
}

Deno.test("lessons from a client's rejected request apply to its own requests only", async () => {
  await using upstream = startSeedless(400);
  const app = await createTestApp({
    upstream: upstream.url,
    tokenLine: "",
    yaml: `
upstreams: { u: { base_url: UPSTREAM } }
models: { plain: { upstream: u, model: x, strategy: direct } }
${await keysYaml()}`,
  });
  async function callsOf(client: ClientName): Promise<number> {
    const before = upstream.calls.length;
    const response = await app.chat({ model: "plain", seed: 1 }, { headers: as(client) });
    assertEquals(response.status, 200);
    await response.body?.cancel();
    return upstream.calls.length - before;
  }
  assertEquals([await callsOf("alice"), await callsOf("alice"), await callsOf("bob")], [2, 1, 2]);
});

Deno.test("a change that did not help is not remembered", async () => {
  await using upstream = startUpstream([{ status: 400, body: SEED_ERROR }]);
  const app = await createTestApp({ upstream: upstream.url });
  for (let i = 0; i < 2; i++) {
    const response = await app.chat({ model: "plain", seed: 1 });
    assertEquals(response.status, 400);
    await response.body?.cancel();
  }
  assertEquals(upstream.calls.map(({ body }) => "seed" in body), [true, false, true, false]);
});

Deno.test("an answer does not confirm what a parallel call learns after it was sent", async () => {
  const [both, learned] = [1, 2].map(() => Promise.withResolvers<void>());
  await using upstream = startUpstream(({ index, body }) => {
    if (index === 1) both!.resolve();
    if (index === 2) learned!.resolve();
    if (!("seed" in body)) return { status: 400, body: '{"error":"Something else"}' };
    return index === 0
      ? { status: 400, body: SEED_ERROR, before: both!.promise }
      : { content: "ok", before: learned!.promise };
  });
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: `
upstreams: { u: { base_url: UPSTREAM } }
models: { m: { upstream: u, model: x, strategy: vote, options: { max_samples: 2, wave: 2 } } }
`,
  });
  const ask = async (model: string) => await (await app.chat({ model, seed: 1 })).text();
  await ask("m");
  const before = upstream.calls.length;
  await ask("m");
  const sent = upstream.calls.map(({ body }) => "seed" in body);
  assertEquals([...sent.slice(0, 3), sent[before]], [true, true, false, true]);
});

const SCHEMA = {
  type: "object",
  properties: { answer: { type: "integer" } },
  required: ["answer"],
  additionalProperties: false,
};
const FORMAT = {
  type: "json_schema",
  json_schema: { name: "result", strict: true, schema: SCHEMA },
};
const GOOD = '{"answer":4}';

Deno.test("an answer that ignores its schema is asked for again with the next weaker format", async () => {
  await using upstream = startUpstream([{ content: "four" }, { content: GOOD }]);
  const app = await createTestApp({ upstream: upstream.url });
  for (let i = 0; i < 2; i++) {
    const response = await app.chat({ model: "plain", response_format: FORMAT });
    assertEquals((await response.json()).choices[0].message.content, GOOD);
  }
  assertEquals(upstream.calls.map(({ body }) => body.response_format.type), [
    "json_schema",
    "json_object",
    "json_object",
  ]);
});

Deno.test("answers are streamed unchecked only as long as the upstream follows the schema", async () => {
  const texts = [GOOD, "four", "four", GOOD];
  await using upstream = startUpstream(({ index }) => ({ content: texts[index]! }));
  const app = await createTestApp({ upstream: upstream.url });
  async function ask() {
    const response = await app.chat({ model: "plain", stream: true, response_format: FORMAT });
    const { content, error } = parseStream(await response.text());
    return [content, error !== undefined];
  }
  assertEquals(await ask(), [GOOD, false]);
  // Trusted after the first answer, and shown as it arrives.
  assertEquals(await ask(), ["four", true]);
  assertEquals(await ask(), [GOOD, false]);
});

const CLOSED = "Six sevens.</think>42";
const UNTAGGED = "42";

interface Opening {
  name: string;
  setting?: boolean;
  model: string;
  answers: string[];
  /** The thinking that is shown of each answer; an answer that is expected to think shows as it. */
  thinking: (string | undefined)[];
}

const OPENINGS: Opening[] = [
  {
    name: "an answer whose thinking began without a tag, thinking is expected",
    model: "m",
    answers: [CLOSED, UNTAGGED],
    thinking: ["Six sevens.", "42"],
  },
  {
    name: "an answer without thinking, none is expected, whatever the model's name says",
    model: "qwq",
    answers: [UNTAGGED, UNTAGGED],
    thinking: ["42", undefined],
  },
  {
    name: "an answer without thinking, it is expected nevertheless if it is configured",
    setting: true,
    model: "m",
    answers: [UNTAGGED, UNTAGGED],
    thinking: ["42", "42"],
  },
  {
    name: "an answer with thinking, none is expected if it is configured so",
    setting: false,
    model: "qwq",
    answers: [CLOSED, UNTAGGED],
    thinking: ["Six sevens.", undefined],
  },
];

for (const { name, setting, model, answers, thinking } of OPENINGS) {
  Deno.test(`after ${name}`, async () => {
    await using upstream = startUpstream(answers.map((content) => ({ content })));
    const entry = { base_url: "UPSTREAM", opens_thinking: setting };
    const app = await createTestApp({
      upstream: upstream.url,
      yaml: `
upstreams: { u: ${JSON.stringify(entry)} }
models: { m: { upstream: u, model: ${model}, strategy: direct } }`,
    });
    const shown = [];
    for (const _ of answers) {
      const { choices: [{ message }] } = await (await app.chat({ model: "m" })).json();
      assertEquals(message.content, "42");
      shown.push(message.reasoning_content);
    }
    assertEquals(shown, thinking);
  });
}
