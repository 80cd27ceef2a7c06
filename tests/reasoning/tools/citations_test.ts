import { assertEquals } from "@std/assert";
import { createTestApp } from "../../support/app.ts";
import { startUpstream } from "../../support/upstream.ts";

const ANSWER = "It was found in 1846 (https://a.example/neptune), see also https://a.example/x2.";

Deno.test("an answer cites the pages of the server's own search that it names", async () => {
  await using search = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () =>
      Response.json({
        results: ["neptune", "x", "other"].map((name) => ({
          url: `https://a.example/${name}`,
          title: `About ${name}`,
          content: "Text",
        })),
      }),
  );
  await using upstream = startUpstream(({ body }) =>
    body.messages.some(({ role }: { role: string }) => role === "tool") ? { content: ANSWER } : {
      content: null,
      toolCalls: [{ id: "c", name: "web_search", arguments: '{"query":"Neptune"}' }],
    }
  );
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: `
upstreams: { u: { base_url: UPSTREAM } }
models: { m: { strategy: direct, upstream: u, model: x, tools: [web_search] } }
tools: { web_search: { provider: searxng, url: "http://127.0.0.1:${search.addr.port}" } }
`,
  });
  const start = ANSWER.indexOf("https");
  const place = { start_index: start, end_index: start + "https://a.example/neptune".length };
  const source = { url: "https://a.example/neptune", title: "About neptune" };
  const annotations = [{ type: "url_citation", url_citation: { ...place, ...source } }];

  const { choices } = await (await app.chat({ model: "m" })).json();
  assertEquals(choices[0].message.content, ANSWER);
  assertEquals(choices[0].message.annotations, annotations);

  const stream = await (await app.chat({ model: "m", stream: true })).text();
  const chunks = stream.split("\n\n").filter((line) => line.includes('"annotations"'));
  assertEquals(chunks.map((line) => JSON.parse(line.slice(6)).choices[0].delta), [{ annotations }]);

  const { output } = await (await app.respond({ model: "m", input: "When?" })).json();
  const message = output.find(({ type }: { type: string }) => type === "message");
  assertEquals(message.content[0].annotations, [{ type: "url_citation", ...place, ...source }]);
  await app.drain(0);
});
