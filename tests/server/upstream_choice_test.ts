import { assert, assertEquals } from "@std/assert";
import { createTestApp, TOKEN } from "../support/app.ts";
import { startUpstream } from "../support/upstream.ts";

const YAML = `
upstreams:
  first: { base_url: UPSTREAM, api_key: upstream-key-4711, headers: { x-own: "1" } }
models:
  m: { upstream: first, model: the-model }
  o1: { upstream: first, model: the-model, strategy: steps }
`;

const DIALECTS = [
  { path: "/v1/chat/completions", field: "messages" },
  { path: "/v1/responses", field: "input" },
  { path: "/v1/messages", field: "messages", more: { max_tokens: 100 } },
] as const;

/** Fields in which other servers accept an address, or which people might try. */
const FIELDS = [
  "api_base",
  "api_key",
  "api_url",
  "apiBase",
  "base_url",
  "baseURL",
  "custom_llm_provider",
  "default_api_url",
  "endpoint",
  "extra_body",
  "extra_headers",
  "extra_query",
  "fallbacks",
  "headers",
  "host",
  "model_list",
  "model_provider_api_key",
  "models",
  "organization",
  "provider",
  "proxy",
  "route",
  "routing",
  "target",
  "upstream",
  "upstreams",
  "url",
];

const HEADERS = [
  "api-base",
  "base-url",
  "client-ip",
  "cookie",
  "forwarded",
  "host",
  "http-proxy",
  "origin",
  "proxy",
  "proxy-authorization",
  "referer",
  "via",
  "x-api-base",
  "x-base-url",
  "x-custom-host",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-forwarded-server",
  "x-goog-api-key",
  "x-host",
  "x-http-method-override",
  "x-original-host",
  "x-original-url",
  "x-portkey-custom-host",
  "x-rewrite-url",
  "x-target-url",
  "x-upstream",
  "x-url",
];

/** The headers sent upstream: our own, those of the configuration and those of HTTP itself. */
const SENT = [
  "accept",
  "accept-encoding",
  "accept-language",
  "authorization",
  "content-length",
  "content-type",
  "host",
  "user-agent",
  "x-o1-api-hops",
  "x-own",
];

for (const { path, field, ...rest } of DIALECTS) {
  Deno.test(`no part of a request chooses the upstream's address or is sent as a header: ${path}`, async () => {
    await using upstream = startUpstream([{ content: "x" }]);
    await using other = startUpstream([{ content: "stolen" }]);
    const app = await createTestApp({ upstream: upstream.url, yaml: YAML });
    const host = new URL(other.url).host;
    const values = [other.url, host, { url: other.url, base_url: other.url }, [other.url]];
    const ask = (body: object, headers: Record<string, string> = {}, query = "") =>
      app.send(`${path}${query}`, {
        model: "m",
        [field]: [{ role: "user", content: "Hi" }],
        ...("more" in rest ? rest.more : {}),
        ...body,
      }, { headers });

    let answered = 0;
    const done = async (response: Response, what: string) => {
      await response.text();
      // A field that the dialect does not have is ignored or rejected.
      assert([200, 400, 404].includes(response.status), `${what}: ${response.status}`);
      if (response.status === 200) answered++;
    };
    for (const name of FIELDS) {
      for (const value of values) {
        for (const holder of ["", "metadata", "reasoning", "extra_body", "options"]) {
          const body = holder === "" ? { [name]: value } : { [holder]: { [name]: value } };
          await done(await ask(body), `${holder}.${name}`);
        }
      }
      await done(await ask({}, {}, `?${name}=${encodeURIComponent(other.url)}`), `?${name}`);
    }
    for (const name of HEADERS) {
      for (const value of [other.url, host, "secret-of-the-client"]) {
        await done(await ask({}, { [name]: value }), name);
      }
    }
    const messages = [{ role: "user", content: other.url, base_url: other.url, name: host }];
    await done(await ask({ [field]: messages }), "messages");

    for (
      const model of [
        other.url,
        `${other.url}/m`,
        `m@${host}`,
        `first/${host}`,
        "../m",
        "__proto__",
      ]
    ) {
      const response = await ask({ model });
      await response.body?.cancel();
      assertEquals(response.status, 404, model);
    }
    for (const strategy of [other.url, "__proto__", "constructor"]) {
      const response = await ask({}, { "x-reasoning-strategy": strategy });
      await response.body?.cancel();
      assertEquals(response.status, 400, strategy);
    }

    assertEquals(other.calls, []);
    assertEquals(upstream.calls.length, answered);
    assert(answered > 100);
    const own = new URL(upstream.url).host;
    for (const call of upstream.calls) {
      assertEquals(call.path, "/v1/chat/completions");
      assertEquals(call.body.model, "the-model");
      assertEquals(call.headers.get("host"), own);
      assertEquals(call.headers.get("authorization"), "Bearer upstream-key-4711");
      for (const [name, value] of call.headers) {
        assert(SENT.includes(name), `${name} went upstream`);
        assert(!value.includes(TOKEN) && !value.includes(host), `${name}: ${value}`);
      }
    }
  });
}

Deno.test("redirects of the upstream are not followed", async () => {
  await using other = startUpstream([{ content: "stolen" }]);
  for (const status of [301, 302, 303, 307, 308]) {
    await using upstream = startUpstream([{
      status,
      body: "",
      headers: { location: `${other.url}/chat/completions` },
    }]);
    const app = await createTestApp({ upstream: upstream.url, yaml: YAML });
    const response = await app.chat({ model: "m" });
    assertEquals(response.status, 502);
    assert(!(await response.text()).includes(other.url));
  }
  assertEquals(other.calls, []);
});
