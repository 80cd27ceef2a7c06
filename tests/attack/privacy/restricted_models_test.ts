import { assertEquals } from "@std/assert";
import { createTestApp } from "../../support/app.ts";
import { as, keysYaml } from "../../support/keys.ts";
import { startUpstream } from "../../support/upstream.ts";

Deno.test("a client without a token sees no model that a key may not use", async () => {
  await using upstream = startUpstream([]);
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: `
upstreams: { s: { base_url: UPSTREAM } }
models:
  common: { upstream: s, model: a }
  secret-of-bob: { upstream: s, model: b }
  secret-of-the-operator: { upstream: s, model: c }
${await keysYaml({ alice: "models: [common]", bob: "models: [common, secret-of-bob]" })}`,
  });
  for (const path of ["/", "/favicon.ico"]) {
    const response = await app.handle(new Request(`http://localhost${path}`));
    const text = await response.text();
    assertEquals(JSON.parse(text).models, ["common"]);
    assertEquals(text.includes("secret"), false);
  }
  for (const path of ["/v1/models", "/v1/models/secret-of-bob"]) {
    const response = await app.handle(new Request(`http://localhost${path}`));
    assertEquals([response.status, (await response.text()).includes("secret")], [401, false]);
  }
  const unknown = await app.send("/v1/models/secret-of-bob", undefined, { headers: as("alice") });
  assertEquals([unknown.status, (await unknown.json()).error.code], [404, "model_not_found"]);
});
