import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { findEntry } from "../../../lib/server/middleware/auth.ts";
import { createTestApp, type TestApp } from "../../support/app.ts";
import { createFakeClock } from "../../support/clock.ts";
import { sha256 } from "../../support/sha256.ts";
import { startUpstream } from "../../support/upstream.ts";

const KEYS = {
  alice: "sk-o1-alice00001-secret-of-alice",
  next: "sk-o1-alice00002-new-secret-of-alice",
  narrow: "sk-o1-narrow0001-secret-of-narrow",
  expired: "sk-o1-expired001-secret-of-expired",
  off: "sk-o1-off0000001-secret-of-off",
};

const YAML = `
upstreams: { u: { base_url: UPSTREAM } }
models:
  o1: { upstream: u, model: x }
  mini: { upstream: u, model: x }
  deep: { upstream: u, model: x }
keys:
  - { name: alice, id: alice00001, sha256: ${await sha256(KEYS.alice)}, expires: 2026-01-02 }
  - { name: alice, sha256: ${await sha256(KEYS.next)} }
  - { name: narrow, sha256: ${await sha256(KEYS.narrow)}, models: [deep, mini] }
  - { name: expired, sha256: ${await sha256(KEYS.expired)}, expires: 2025-12-31 }
  - { name: off, sha256: ${await sha256(KEYS.off)}, enabled: false }
`;

async function openApp() {
  const upstream = startUpstream([{ content: "Hello" }]);
  const time = createFakeClock();
  const lines: string[] = [];
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML, clock: time.clock, lines });
  return { app, upstream, time, lines, [Symbol.asyncDispose]: upstream[Symbol.asyncDispose] };
}

const bearer = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });

async function errorOf(app: TestApp, key: string, body = {}) {
  const response = await app.chat(body, bearer(key));
  const { error } = await response.json();
  return { status: response.status, ...error };
}

const REFUSED: [name: string, key: string, code: string, says: string][] = [
  ["unknown", "sk-o1-mallory001-guess", "invalid_api_key", "Incorrect API key provided: sk***ss."],
  ["almost right", `${KEYS.alice}x`, "invalid_api_key", "Incorrect API key"],
  ["its own hash", await sha256(KEYS.alice), "invalid_api_key", "Incorrect API key"],
  ["a public id", "alice00001", "invalid_api_key", "Incorrect API key"],
  ["expired", KEYS.expired, "api_key_expired", "expired on 2025-12-31T00:00:00.000Z"],
  ["switched off", KEYS.off, "api_key_disabled", "disabled"],
  [
    "expired, and not quite right",
    `${KEYS.expired}x`,
    "invalid_api_key",
    "Incorrect API key",
  ],
];

for (const [name, key, code, says] of REFUSED) {
  Deno.test(`a key that is ${name} gets a 401 ${code}`, async () => {
    await using world = await openApp();
    const error = await errorOf(world.app, key);
    assertEquals([error.status, error.type, error.code], [401, "invalid_request_error", code]);
    assertStringIncludes(error.message, says);
    assertEquals(world.upstream.calls.length, 0);
  });
}

for (const header of ["authorization", "api-key", "x-api-key"]) {
  Deno.test(`both keys of a client are accepted in the header ${header}`, async () => {
    await using world = await openApp();
    for (const key of [KEYS.alice, KEYS.next]) {
      const response = await world.app.handle(
        new Request("http://localhost/v1/chat/completions", {
          method: "POST",
          headers: { [header]: header === "authorization" ? `Bearer ${key}` : key },
          body: JSON.stringify({ messages: [{ role: "user", content: "Hi" }] }),
        }),
      );
      assertEquals(response.status, 200);
      await response.body?.cancel();
    }
  });
}

Deno.test("a key is rejected after its expiry; the client's other key is not", async () => {
  await using world = await openApp();
  const status = async (key: string) => {
    const response = await world.app.send("/v1/models", undefined, bearer(key));
    await response.body?.cancel();
    return response.status;
  };
  await world.time.advance(24 * 3600 * 1000 - 1);
  assertEquals([await status(KEYS.alice), await status(KEYS.next)], [200, 200]);
  await world.time.advance(1);
  assertEquals([await status(KEYS.alice), await status(KEYS.next)], [401, 200]);
});

Deno.test("a key lists and runs only its own models", async () => {
  await using world = await openApp();
  const { app } = world;
  const list = await (await app.send("/v1/models", undefined, bearer(KEYS.narrow))).json();
  assertEquals(list.data.map(({ id }: { id: string }) => id), ["mini", "deep"]);
  const all = await (await app.send("/v1/models")).json();
  assertEquals(all.data.length, 3);
  const mini = await app.send("/v1/models/mini", undefined, bearer(KEYS.narrow));
  assertEquals((await mini.json()).id, "mini");
  const o1 = await app.send("/v1/models/o1", undefined, bearer(KEYS.narrow));
  for (
    const error of [await o1.json(), { error: await errorOf(app, KEYS.narrow, { model: "o1" }) }]
  ) {
    assertEquals(error.error.code, "model_not_found");
    assertEquals(
      error.error.message,
      "The model `o1` does not exist or you do not have access to it. Known models are: 'mini', 'deep'.",
    );
  }
  assertEquals(o1.status, 404);
  assertEquals(world.upstream.calls.length, 0);
  const completion = await (await app.chat({}, bearer(KEYS.narrow))).json();
  assertEquals(completion.model, "mini", "the first of its own where none is named");
});

Deno.test("the log contains the client's name and the key's id, but never the key", async () => {
  await using world = await openApp();
  const { app, lines } = world;
  await (await app.chat({}, bearer(KEYS.alice))).body?.cancel();
  await (await app.chat({}, bearer(KEYS.next))).body?.cancel();
  await (await app.chat({})).body?.cancel();
  await errorOf(app, KEYS.off);
  const logged = lines.map((line) => JSON.parse(line));
  assertEquals(logged.map(({ client, client_name }) => [client, client_name]), [
    ["alice00001", "alice"],
    [(await sha256(KEYS.next)).slice(0, 8), "alice"],
    ["token", undefined],
    [undefined, undefined],
  ]);
  for (const key of Object.values(KEYS)) assert(!lines.some((line) => line.includes(key)));
});

for (const token of ["", "api_bearer_token: your_api_bearer_token_here"]) {
  Deno.test(`if there are keys, the placeholder token is rejected, with the line "${token}"`, async () => {
    await using upstream = startUpstream([{ content: "Hello" }]);
    const app = await createTestApp({ upstream: upstream.url, yaml: YAML, tokenLine: token });
    const error = await errorOf(app, "your_api_bearer_token_here");
    assertEquals([error.status, error.code], [401, "invalid_api_key"]);
    assertStringIncludes(
      error.message,
      "the placeholder, which is not accepted once a token or keys are set. It must be one of the server's keys.",
    );
    assertEquals((await app.send("/v1/models", undefined, bearer(KEYS.next))).status, 200);
  });
}

Deno.test("all hashes are compared, wherever the matching one is", () => {
  const entries = [..."abcde"].map((text) => ({ hash: new TextEncoder().encode(text), text }));
  for (const given of [..."abcde", "z"]) {
    const seen: string[] = [];
    const found = findEntry(entries, new TextEncoder().encode(given), (a, b) => {
      seen.push(new TextDecoder().decode(a));
      return a[0] === b[0];
    });
    assertEquals(seen.join(""), "abcde");
    assertEquals(found?.text, given === "z" ? undefined : given);
  }
});

Deno.test("a client's key can't read the metrics", async () => {
  await using world = await openApp();
  const asKey = await world.app.send("/metrics", undefined, bearer(KEYS.next));
  assertEquals(asKey.status, 403);
  assertEquals((await asKey.json()).error.code, "insufficient_permissions");
  const asHolder = await world.app.send("/metrics");
  assertEquals(asHolder.status, 200);
  await asHolder.body?.cancel();
});
