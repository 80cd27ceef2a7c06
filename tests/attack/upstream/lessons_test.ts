import { assertEquals } from "@std/assert";
import { createTestApp } from "../../support/app.ts";
import { as, type ClientName, keysYaml } from "../../support/keys.ts";
import { type Call, type Reply, startUpstream } from "../../support/upstream.ts";

const YAML = `
upstreams: { u: { base_url: UPSTREAM } }
models: { plain: { upstream: u, model: x, strategy: direct } }
${await keysYaml()}`;

const GOOD = '{"answer":4}';

const formatOf = (schema: Record<string, unknown>) => ({
  type: "json_schema",
  json_schema: { name: "result", schema: { type: "object", ...schema } },
});

const rejected = (message: string): Reply => ({
  status: 400,
  body: JSON.stringify({ error: { message } }),
});

/** Returns a function that sends a request and returns the bodies that were sent upstream for it. */
async function createAsk(upstream: { url: string; calls: Call[] }) {
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML });
  return async (client: ClientName, body: Record<string, unknown>) => {
    const before = upstream.calls.length;
    await (await app.chat(body, { headers: as(client) })).body?.cancel();
    return upstream.calls.slice(before).map((call) => call.body);
  };
}

const formats = (bodies: Call["body"][]) => bodies.map((body) => body.response_format?.type);

Deno.test("an invalid schema is sent in weaker formats, and other schemas are not", async () => {
  await using upstream = startUpstream(({ body }) =>
    JSON.stringify(body.response_format ?? "").includes('"wrong"')
      ? rejected("Invalid schema for response_format 'result'")
      : { content: GOOD }
  );
  const ask = await createAsk(upstream);
  const invalid = { response_format: formatOf({ description: "wrong" }) };
  const valid = { response_format: formatOf({ description: "right" }) };
  const lesson = ["json_schema", "json_object", undefined];
  assertEquals(formats(await ask("alice", invalid)), lesson);
  for (const client of ["alice", "bob"] as const) {
    assertEquals(formats(await ask(client, valid)), ["json_schema"], client);
  }
  assertEquals(formats(await ask("alice", invalid)), [undefined]);
  assertEquals(formats(await ask("bob", invalid)), lesson);
});

Deno.test("nothing is learned from a request that is rejected after every change", async () => {
  await using upstream = startUpstream(({ body }) =>
    body.messages.at(-1).content === "poison" ? rejected("Bad request.") : { content: GOOD }
  );
  const ask = await createAsk(upstream);
  const response_format = { type: "json_object" };
  const messages = [{ role: "user", content: "poison" }];
  assertEquals(formats(await ask("alice", { messages, response_format })), [
    "json_object",
    undefined,
  ]);
  assertEquals(formats(await ask("alice", { response_format })), ["json_object"]);
});

Deno.test("a model that disobeys one client is trusted by the others", async () => {
  await using upstream = startUpstream(({ body }) => ({
    content: body.messages[0].content === "disobey" && body.response_format?.type === "json_schema"
      ? "no JSON"
      : GOOD,
  }));
  const ask = await createAsk(upstream);
  const response_format = formatOf({ required: ["answer"] });
  const disobey = { messages: [{ role: "user", content: "disobey" }], response_format };
  assertEquals(formats(await ask("alice", disobey)), ["json_schema", "json_object"]);
  assertEquals(formats(await ask("alice", disobey)), ["json_object"]);
  assertEquals(formats(await ask("bob", { response_format })), ["json_schema"]);
});

Deno.test("a model that disobeys in every format keeps its formats", async () => {
  let content = "no JSON";
  await using upstream = startUpstream(() => ({ content }));
  const ask = await createAsk(upstream);
  const response_format = formatOf({ required: ["answer"] });
  assertEquals(formats(await ask("alice", { response_format })), ["json_schema", "json_object"]);
  content = GOOD;
  assertEquals(formats(await ask("alice", { response_format })), ["json_schema"]);
});

Deno.test("a parameter that is rejected for one client is sent for the others", async () => {
  await using upstream = startUpstream(({ body }) =>
    body.max_tokens > 100_000
      ? rejected("max_tokens: 999999 is not allowed, unknown limit")
      : { content: "4" }
  );
  const ask = await createAsk(upstream);
  const sent = (bodies: Call["body"][]) =>
    bodies.map((body) => ["max_tokens", "max_completion_tokens"].find((name) => name in body));
  assertEquals(sent(await ask("alice", { max_tokens: 999_999 })), [
    "max_tokens",
    "max_completion_tokens",
  ]);
  assertEquals(sent(await ask("bob", { max_tokens: 50 })), ["max_tokens"]);
});

Deno.test("fields that a client invents are forgotten after 100 others", async () => {
  const NAME = /^invented_\d+$/;
  await using upstream = startUpstream(({ body }) => {
    const [message] = body.messages;
    const name = [...Object.keys(body), ...Object.keys(message)].find((name) => NAME.test(name));
    const place = name !== undefined && Object.hasOwn(message, name) ? "messages.0." : "";
    return name === undefined ? { content: GOOD } : rejected(`${place}'${name}' is not permitted`);
  });
  const ask = await createAsk(upstream);
  const inBody = (i: number) => ask("alice", { [`invented_${i}`]: 1 });
  const inMessage = (i: number) =>
    ask("alice", { messages: [{ role: "user", content: "a", [`invented_${i}`]: 1 }] });
  for (const send of [inBody, inMessage]) {
    assertEquals((await send(0)).length, 2);
    assertEquals((await send(0)).length, 1);
    for (let i = 1; i <= 100; i++) await send(i);
    assertEquals((await send(0)).length, 2);
    assertEquals((await send(100)).length, 1);
  }
});
