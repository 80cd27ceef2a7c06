import { assertEquals } from "@std/assert";
import { createTestApp } from "../../support/app.ts";
import { createFakeClock } from "../../support/clock.ts";
import { as, type ClientName, keysYaml } from "../../support/keys.ts";
import { startUpstream } from "../../support/upstream.ts";

const yaml = async (limits: Partial<Record<ClientName, string>>, server = "{}") => `
server: ${server}
upstreams: { u: { base_url: UPSTREAM } }
models: { plain: { upstream: u, model: x, strategy: direct } }
${await keysYaml(limits)}`;

/** Returns a request whose body never ends. */
function unfinished(path: string, signal: AbortSignal): Request {
  return new Request(`http://localhost/v1${path}`, {
    method: "POST",
    headers: as("alice"),
    body: new ReadableStream({ start: (body) => body.enqueue(new TextEncoder().encode("{")) }),
    signal,
  });
}

async function statusOf(response: Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}

for (
  const path of [
    "/chat/completions",
    "/messages",
    "/messages/count_tokens",
    "/responses",
    "/responses/input_tokens",
    "/conversations",
  ]
) {
  Deno.test(`a client at its parallel limit is rejected before its body is read: ${path}`, async () => {
    await using upstream = startUpstream([{ content: "4" }]);
    const app = await createTestApp({
      upstream: upstream.url,
      yaml: await yaml({ alice: "parallel: 2" }, "{ body_timeout_ms: 1000 }"),
    });
    const left = new AbortController();
    const answers = [1, 2, 3].map(() => app.handle(unfinished(path, left.signal)));
    const first = await Promise.race(answers);
    assertEquals(first.status, 429);
    assertEquals(
      (await first.json()).error.message,
      "Rate limit reached in project alice on requests at a time: Limit 2, Used 2, Requested 1. Please try again in 1s.",
    );
    left.abort();
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    assertEquals(statuses.toSorted(), [408, 408, 429]);
    // Their places are free again.
    assertEquals(await statusOf(app.chat({}, { headers: as("alice") })), 200);
  });
}

Deno.test("a change of stored data counts as a request, a read as a tenth of one, and a cancellation not at all", async () => {
  await using upstream = startUpstream([{ content: "4" }]);
  const { clock } = createFakeClock();
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: await yaml({ alice: "rpm: 7" }),
    clock,
  });
  const send = async (path: string, body?: unknown, method?: string) => {
    const response = await app.send(`/v1${path}`, body, {
      headers: as("alice"),
      ...(method === undefined ? {} : { method }),
    });
    return { status: response.status, headers: response.headers, json: await response.json() };
  };
  const { json: { id } } = await send("/responses", { input: "Hi" });
  const conversation = await send("/conversations", {});
  assertEquals(conversation.headers.get("x-ratelimit-remaining-requests"), "5");
  const counted = await send("/responses/input_tokens", { input: "Hi" });
  assertEquals(counted.headers.get("x-ratelimit-remaining-requests"), "4");
  const prompt = { messages: [{ role: "user", content: "Hi" }] };
  assertEquals((await send("/messages/count_tokens", prompt)).status, 200);
  const items = `/conversations/${conversation.json.id}/items`;
  const item = { role: "user", content: "Hi" };
  const { json: { data } } = await send(items, { items: [item] });
  assertEquals((await send(`${items}/${data[0].id}`, undefined, "DELETE")).status, 200);
  const reads = [items, `/conversations/${conversation.json.id}`, `/responses/${id}`];
  for (let i = 0; i < 9; i++) assertEquals((await send(reads[i % 3]!)).status, 200);
  const rejected: [path: string, body?: unknown, method?: string][] = [
    ["/responses", { input: "Hi" }],
    ["/responses/input_tokens", { input: "Hi" }],
    ["/messages/count_tokens", prompt],
    ["/conversations", {}],
    [items, { items: [item] }],
    [`/conversations/${conversation.json.id}`, { metadata: {} }],
    [`/conversations/${conversation.json.id}`, undefined, "DELETE"],
    [`/responses/${id}`, undefined, "DELETE"],
  ];
  for (const [path, body, method] of rejected) {
    const { status, json: { error } } = await send(path, body, method);
    assertEquals([path, status, error.code ?? error.type], [
      path,
      429,
      path.startsWith("/messages") ? "rate_limit_error" : "rate_limit_exceeded",
    ]);
  }
  assertEquals((await send(`/responses/${id}`)).status, 200);
  for (
    const path of [
      ...reads,
      `/responses/${id}/input_items`,
      `${items}/${data[0].id}`,
      `/responses/${id}?stream=true`,
    ]
  ) {
    assertEquals((await send(path)).status, 429, path);
  }
  assertEquals((await send(`/responses/${id}/cancel`, "")).status, 400);
});

Deno.test("a client can poll the background run that uses its only place", async () => {
  await using upstream = startUpstream((call) => ({ content: "4", before: call.left }));
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: await yaml({ alice: "parallel: 1, rpm: 10" }),
  });
  const headers = as("alice");
  const { id } = await (await app.respond({ background: true }, { headers })).json();
  await upstream.called();
  assertEquals(await statusOf(app.respond({}, { headers })), 429);
  assertEquals(await statusOf(app.send(`/v1/responses/${id}`, undefined, { headers })), 200);
  assertEquals(await statusOf(app.send(`/v1/responses/${id}/cancel`, "", { headers })), 200);
});
