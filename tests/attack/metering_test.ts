import { assertEquals } from "@std/assert";
import { createTestApp } from "../support/app.ts";
import { as, type ClientName, keysYaml } from "../support/keys.ts";
import { startUpstream } from "../support/upstream.ts";

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

Deno.test("changes of stored data count as requests, and reading and cancelling do not", async () => {
  await using upstream = startUpstream([{ content: "4" }]);
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: await yaml({ alice: "rpm: 4" }),
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
  assertEquals(conversation.headers.get("x-ratelimit-remaining-requests"), "2");
  const items = `/conversations/${conversation.json.id}/items`;
  const item = { role: "user", content: "Hi" };
  assertEquals((await send(items, { items: [item] })).status, 200);
  const { json: { data } } = await send(items);
  assertEquals((await send(`${items}/${data[0].id}`, undefined, "DELETE")).status, 200);
  const rejected: [path: string, body: unknown, method: string][] = [
    ["/responses", { input: "Hi" }, "POST"],
    ["/conversations", {}, "POST"],
    [items, { items: [item] }, "POST"],
    [`/conversations/${conversation.json.id}`, { metadata: {} }, "POST"],
    [`/conversations/${conversation.json.id}`, undefined, "DELETE"],
    [`/responses/${id}`, undefined, "DELETE"],
  ];
  for (const [path, body, method] of rejected) {
    const { status, json } = await send(path, body, method);
    assertEquals([path, status, json.error.code], [path, 429, "rate_limit_exceeded"]);
  }
  assertEquals((await send(`/responses/${id}`)).status, 200);
  assertEquals((await send(`/responses/${id}/cancel`, "")).status, 400);
});
