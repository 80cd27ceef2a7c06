import { assertEquals } from "@std/assert";
import { createTestApp } from "../../support/app.ts";
import { sha256 } from "../../support/sha256.ts";
import { startUpstream } from "../../support/upstream.ts";

const TOKENS = {
  alice: "sk-o1-alice00001-secret-of-alice",
  bob: "sk-o1-bob0000001-secret-of-bob",
};

const YAML = `
upstreams: { u: { base_url: UPSTREAM } }
models: { plain: { upstream: u, model: x, strategy: direct } }
keys:
  - { name: alice, sha256: ${await sha256(TOKENS.alice)} }
  - { name: bob, sha256: ${await sha256(TOKENS.bob)} }
`;

Deno.test("no route gives a client access to the data of another", async () => {
  await using upstream = startUpstream([{ content: "The answer is 4." }]);
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML });
  const as =
    (name: keyof typeof TOKENS) => async (path: string, body?: unknown, method?: string) => {
      const response = await app.send(`/v1${path}`, body, {
        ...(method === undefined ? {} : { method }),
        headers: { authorization: `Bearer ${TOKENS[name]}` },
      });
      const text = await response.text();
      return { status: response.status, json: text.startsWith("{") ? JSON.parse(text) : text };
    };
  const [alice, bob] = [as("alice"), as("bob")];
  const { json: response } = await alice("/responses", { input: "Hi", background: true });
  const { json: conversation } = await alice("/conversations", {
    items: [{ role: "user", content: "Hi" }],
  });
  const whole = `/responses/${response.id}?stream=true`;
  await alice(whole);
  const kept = (await alice(`/responses/${response.id}`)).json;
  const said = kept.output.at(-1).id;
  const { json: { data: [item] } } = await alice(`/conversations/${conversation.id}/items`);

  const reads: [path: string, body?: unknown][] = [
    [`/responses/${response.id}`],
    [whole],
    [`/responses/${response.id}/input_items`],
    ["/responses", { input: "Hi", previous_response_id: response.id }],
    ["/responses", { input: [{ type: "item_reference", id: said }] }],
    ["/responses", { input: [{ type: "item_reference", id: item.id }] }],
    ["/responses", { input: "Hi", conversation: conversation.id }],
    ["/responses/input_tokens", { input: "Hi", previous_response_id: response.id }],
    [`/conversations/${conversation.id}`],
    [`/conversations/${conversation.id}/items`],
    [`/conversations/${conversation.id}/items/${item.id}`],
  ];
  const changes: [path: string, body: unknown, method: string][] = [
    [`/responses/${response.id}/cancel`, "", "POST"],
    [`/responses/${response.id}`, undefined, "DELETE"],
    [`/conversations/${conversation.id}`, { metadata: {} }, "POST"],
    [
      `/conversations/${conversation.id}/items`,
      { items: [{ role: "user", content: "!" }] },
      "POST",
    ],
    [`/conversations/${conversation.id}/items/${item.id}`, undefined, "DELETE"],
    [`/conversations/${conversation.id}`, undefined, "DELETE"],
  ];
  for (const [path, body] of reads) {
    assertEquals([path, (await alice(path, body)).status], [path, 200]);
  }
  const before = (await alice(`/conversations/${conversation.id}/items`)).json;
  for (const [path, body, method] of [...reads, ...changes]) {
    assertEquals([path, (await bob(path, body, method)).status], [path, 404]);
  }
  assertEquals((await alice(`/responses/${response.id}`)).json, kept);
  assertEquals((await alice(`/conversations/${conversation.id}/items`)).json, before);
});
