import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createTestApp } from "../../support/app.ts";
import { startUpstream } from "../../support/upstream.ts";
import { assertWithin } from "../../support/measure/noise.ts";

const ANSWER_MS = 500;

const CHAT = "/v1/chat/completions";
const RESPONSES = "/v1/responses";
const MESSAGES = "/v1/messages";
const CONVERSATIONS = "/v1/conversations";

const USER = '[{"role":"user","content":"Hi"}]';
const chat = (more = "") => `{"model":"plain","messages":${USER}${more}}`;
const tools = (tool: string) => chat(`,"tools":[${tool}]`);
const tool = (name: string, parameters = "{}") =>
  `{"type":"function","function":{"name":"${name}","parameters":${parameters}}}`;
const schema = (text: string) =>
  chat(`,"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":${text}}}`);
const many = (count: number, each: string | ((index: number) => string)) =>
  Array.from({ length: count }, (_, i) => typeof each === "string" ? each : each(i)).join(",");

const DEEP = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
const DEEP_OBJECT = `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`;
const EVIL_KEYS = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
const MEGABYTE = "m".repeat(1_000_000);

interface Case {
  name: string;
  path?: string;
  body: string;
  status: number;
  says?: string;
}

const deepCases = [DEEP, DEEP_OBJECT].flatMap((deep): Case[] => {
  const kind = deep === DEEP ? "arrays" : "objects";
  const says = "nested more than 256 levels";
  return [
    { name: "a tool's parameters", body: tools(tool("f", deep)) },
    { name: "a schema", body: schema(deep) },
    { name: "a schema's properties", body: schema(`{"properties":{"a":${deep}}}`) },
    { name: "metadata", body: chat(`,"metadata":{"a":${deep}}`) },
    { name: "a message's content", body: `{"messages":[{"role":"user","content":${deep}}]}` },
    { name: "an unknown field", body: chat(`,"x":${deep}`) },
    { name: "the whole body", body: deep },
    { name: "an input", path: RESPONSES, body: `{"model":"plain","input":${deep}}` },
    { name: "an item", path: CONVERSATIONS, body: `{"items":[{"role":"user","content":${deep}}]}` },
    { name: "a message's", path: MESSAGES, body: `{"max_tokens":1,"messages":${deep}}` },
  ].map((body) => ({ ...body, name: `deep ${kind}: ${body.name}`, status: 400, says }));
});

const tooMany = "more than 100000 values";

const CASES: readonly Case[] = [
  ...deepCases,
  { name: "endless brackets", body: "[".repeat(5_000_000), status: 400, says: "nested" },
  { name: "endless quotes", body: `"${'\\"'.repeat(5_000_000)}`, status: 400, says: "parse" },
  { name: "endless backslashes", body: `"${"\\".repeat(9_999_999)}"`, status: 400 },
  { name: "endless spaces", body: " ".repeat(33_000_000), status: 400, says: "parse" },
  {
    name: "a million messages",
    body: `{"messages":[${many(1e6, "{}")}]}`,
    status: 400,
    says: tooMany,
  },
  {
    name: "a million messages of the other dialect",
    path: MESSAGES,
    body: `{"max_tokens":1,"messages":[${many(1e6, "{}")}]}`,
    status: 400,
    says: tooMany,
  },
  { name: "33 MB of arrays", body: chat(`,"x":[${many(1e7, "[]")}]`), status: 400, says: tooMany },
  {
    name: "45,000 wrong messages",
    path: MESSAGES,
    body: `{"max_tokens":1,"messages":[${many(45_000, "{}")}]}`,
    status: 400,
    says: "messages[0]",
  },
  {
    name: "10,000 tools",
    body: tools(many(10_000, (i) => tool(`f${i}`))),
    status: 400,
    says: "128",
  },
  { name: "a tool's name of 1 MB", body: tools(tool(MEGABYTE)), status: 400, says: "1 to 64" },
  { name: "a model of 1 MB", body: `{"model":"${MEGABYTE}","messages":${USER}}`, status: 404 },
  { name: "a role of 1 MB", body: `{"messages":[{"role":"${MEGABYTE}"}]}`, status: 400 },
  {
    name: "a strategy of 1 MB",
    body: chat(`,"reasoning":{"strategy":"${MEGABYTE}"}`),
    status: 400,
  },
  { name: "a stop of 1 MB", body: chat(`,"stop":"${MEGABYTE}"`), status: 400 },
  { name: "a schema of 1 MB", body: schema(`{"description":"${MEGABYTE}"}`), status: 200 },
  {
    name: "a schema of 40,000 parts",
    body: schema(`{"properties":{${many(40_000, (i) => `"p${i}":{}`)}}}`),
    status: 400,
    says: "too long to check",
  },
  { name: "a schema that is its own reference", body: schema('{"$ref":"#"}'), status: 400 },
  {
    name: "schemas that refer to each other",
    body: schema(
      '{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}',
    ),
    status: 400,
    says: "Invalid schema",
  },
  { name: "a pattern that takes forever", body: schema('{"pattern":"^(a+)+$"}'), status: 200 },
  ...["__proto__", "constructor", "toString", "hasOwnProperty"].flatMap((name): Case[] => [
    { name: `the model ${name}`, body: `{"model":"${name}","messages":${USER}}`, status: 404 },
    {
      name: `the strategy ${name}`,
      body: chat(`,"reasoning":{"strategy":"${name}"}`),
      status: 400,
    },
    { name: `the format ${name}`, body: chat(`,"reasoning_format":"${name}"`), status: 400 },
    { name: `the effort ${name}`, body: chat(`,"reasoning_effort":"${name}"`), status: 400 },
    {
      name: `the role ${name}`,
      body: `{"messages":[{"role":"${name}","content":"x"}]}`,
      status: 400,
    },
  ]),
  {
    name: "keys of the prototype",
    body: `${EVIL_KEYS.slice(0, -1)},${chat().slice(1)}`,
    status: 200,
  },
  { name: "keys of the prototype in parameters", body: tools(tool("f", EVIL_KEYS)), status: 200 },
  { name: "keys of the prototype in a schema", body: schema(EVIL_KEYS), status: 200 },
  {
    name: "keys of the prototype in metadata",
    body: chat(`,"metadata":${EVIL_KEYS}`),
    status: 200,
  },
  ...["1e400", "-1e400", "9".repeat(400)].flatMap((number): Case[] =>
    ["max_tokens", "temperature", "seed", "n"].map((field) => ({
      name: `${field}: ${number.slice(0, 9)}`,
      body: chat(`,"${field}":${number}`),
      status: 400,
      says: field,
    }))
  ),
  { name: "the least number", body: chat(',"temperature":1e-400'), status: 200 },
  ...["NaN", "Infinity", "0x10", "01", "+1", ".5", "1_000", "'1'", "undefined"].map((text) => ({
    name: `the number ${text}`,
    body: chat(`,"temperature":${text}`),
    status: 400,
    says: "parse",
  })),
  {
    name: "lone surrogates",
    body: '{"model":"plain","messages":[{"role":"user","content":"\\ud800a"}]}',
    status: 200,
  },
  {
    name: "a model that is half a character",
    body: `{"model":"\\ud800","messages":${USER}}`,
    status: 404,
  },
  {
    name: "NUL",
    body: '{"model":"plain","messages":[{"role":"user","content":"\\u0000"}]}',
    status: 200,
  },
  {
    name: "duplicate keys, of which the last counts",
    body: `{"model":"nobody",${chat().slice(1)}`,
    status: 200,
  },
  { name: "a byte order mark", body: `\ufeff${chat()}`, status: 200 },
];

for (const { name, path = CHAT, body, status, says = "" } of CASES) {
  Deno.test(`a hostile body gets one quick response: ${name} (${path})`, async () => {
    await using upstream = startUpstream([{ content: "{}" }]);
    const lines: string[] = [];
    const app = await createTestApp({ upstream: upstream.url, lines });
    let answered: number | undefined;
    let text = "";
    await assertWithin(ANSWER_MS, async () => {
      const response = await app.send(path, body);
      answered = response.status;
      text = await response.text();
    });
    assertEquals(answered, status, text.slice(0, 300));
    assertStringIncludes(text, says);
    assert(text.length < 2_000 && lines.every((line) => line.length < 2_000));
    assertEquals(upstream.calls.length, status === 200 ? 1 : 0);
    assertEquals(Reflect.get({}, "polluted"), undefined);
    assertEquals(Reflect.get(() => {}, "polluted"), undefined);
    assertEquals((await app.send("/health")).status, 200);
  });
}

Deno.test("names that a client chooses are returned and sent upstream unchanged, or not at all", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const app = await createTestApp({ upstream: upstream.url });
  const metadata = '{"constructor":"a","toString":"b","\\ud800":"\\udc00"}';
  const made = await (await app.send(CONVERSATIONS, `{"metadata":${metadata}}`)).json();
  assertEquals(made.metadata, JSON.parse(metadata));
  assertEquals(await (await app.send(`${CONVERSATIONS}/${made.id}`)).json(), made);
  const proto = await app.send(CONVERSATIONS, '{"metadata":{"__proto__":"p","a":"b"}}');
  const { metadata: kept } = await proto.json();
  assertEquals([Object.getPrototypeOf(kept), kept.a], [Object.prototype, "b"]);
  await (await app.send(CHAT, tools(tool("f", EVIL_KEYS)))).text();
  const { parameters } = upstream.calls[0]!.body.tools[0].function;
  assertEquals(JSON.stringify(parameters), '{"constructor":{"prototype":{"polluted":1}}}');
});

Deno.test("half a surrogate pair in an item is stored and sent to the model", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const app = await createTestApp({ upstream: upstream.url });
  const items = '[{"role":"user","content":"a\\ud800"}]';
  const { id } = await (await app.send(CONVERSATIONS, `{"items":${items}}`)).json();
  const response = await app.send(
    RESPONSES,
    `{"model":"plain","conversation":"${id}","input":"b"}`,
  );
  assertEquals(response.status, 200);
  await response.text();
  assertEquals(upstream.calls[0]!.body.messages.length, 2);
});

Deno.test("idempotency keys of any length are compared and never logged", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const lines: string[] = [];
  const app = await createTestApp({ upstream: upstream.url, lines });
  for (const key of [MEGABYTE, `${MEGABYTE}n`, "__proto__", "constructor"]) {
    const response = await app.send(CHAT, chat(), { headers: { "idempotency-key": key } });
    assertEquals(response.status, 200);
    await response.text();
  }
  assertEquals(upstream.calls.length, 4);
  assert(lines.every((line) => line.length < 2_000 && !line.includes("mmmm")));
});

Deno.test("an answer to a slow regular expression does not stall the server", async () => {
  await using upstream = startUpstream([{ content: JSON.stringify(`${"a".repeat(50_000)}!`) }]);
  const app = await createTestApp({ upstream: upstream.url });
  await assertWithin(ANSWER_MS, async () => {
    const response = await app.send(CHAT, schema('{"type":"string","pattern":"^(a+)+$"}'));
    assertEquals(response.status, 200);
    assertEquals((await response.json()).choices[0].message.content.length, 50_003);
  });
});

Deno.test("with a list of origins, pages of other origins can't read responses", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: `
server: { cors_origins: ["https://good.example"] }
upstreams: { u: { base_url: UPSTREAM } }
models: { plain: { upstream: u, model: x } }
`,
  });
  const origins: [string, string | null][] = [
    ["https://good.example", "https://good.example"],
    ["https://good.example.evil.example", null],
    ["https://evil.example/https://good.example", null],
    ["HTTPS://GOOD.EXAMPLE", null],
    ["http://good.example", null],
    ["https://good.example:8443", null],
    ["null", null],
    ["*", null],
  ];
  for (const [origin, allowed] of origins) {
    for (const method of ["GET", "OPTIONS"]) {
      const response = await app.send("/v1/models", undefined, { method, headers: { origin } });
      await response.body?.cancel();
      assertEquals(response.headers.get("access-control-allow-origin"), allowed, origin);
      assertEquals(response.headers.get("access-control-allow-credentials"), null);
      assertStringIncludes(response.headers.get("vary")!, "origin");
    }
  }
});

Deno.test("a client's request id is used only if it is plain", async () => {
  await using upstream = startUpstream([{ content: "x" }]);
  const lines: string[] = [];
  const app = await createTestApp({ upstream: upstream.url, lines });
  const ids = ["a b", "a\tb", "a,b", '"a"', "{}", "a".repeat(129), MEGABYTE, "ü", "a;b=c", "../a"];
  for (const id of ids) {
    const { headers } = await app.send("/health", undefined, { headers: { "x-request-id": id } });
    assert(/^req_[0-9a-f]{32}$/.test(headers.get("x-request-id")!), id);
  }
  const { headers } = await app.send("/health", undefined, {
    headers: { "x-request-id": "a.B-9_" },
  });
  assertEquals(headers.get("x-request-id"), "a.B-9_");
  assertEquals(lines.length, ids.length + 1);
  for (const line of lines) assertEquals(JSON.parse(line).message, "GET /health");
});
