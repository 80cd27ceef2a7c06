import { assertEquals } from "@std/assert";
import { createTestApp } from "../../support/app.ts";
import { sha256 } from "../../support/sha256.ts";
import { startUpstream } from "../../support/upstream.ts";

for (const sign of ["@", "+", ".", "-", "a"]) {
  Deno.test(`the owner of a key with the longest name can store everything: ${sign}`, async () => {
    await using upstream = startUpstream(() => ({ content: "4" }));
    const app = await createTestApp({
      upstream: upstream.url,
      yaml: `
upstreams: { s: { base_url: UPSTREAM } }
models: { plain: { strategy: direct, upstream: s, model: m } }
keys: [{ name: "${sign.repeat(64)}", sha256: "${await sha256("a-key")}" }]
`,
    });
    const send = async (path: string, body?: object, method = body ? "POST" : "GET") => {
      const headers = { authorization: "Bearer a-key" };
      const response = await app.send(path, body, { method, headers });
      const json = await response.json();
      assertEquals(response.status, 200, JSON.stringify(json));
      return json;
    };
    const conversation = (await send("/v1/conversations", {})).id;
    const kept = await send("/v1/responses", { model: "plain", input: "a", conversation });
    assertEquals((await send(`/v1/responses/${kept.id}`)).id, kept.id);
    const { data } = await send(`/v1/conversations/${conversation}/items`);
    assertEquals(data.length, 2);
    const { id } = await send("/v1/responses", { model: "plain", input: "a", background: true });
    await send(`/v1/responses/${id}`, undefined, "DELETE");
    await send(`/v1/conversations/${conversation}`, undefined, "DELETE");
    await app.drain(1_000);
  });
}
