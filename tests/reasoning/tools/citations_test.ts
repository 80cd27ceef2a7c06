import { assertEquals } from "@std/assert";
import { createCitations } from "../../../lib/reasoning/tools/citations.ts";
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

const PAGE = "https://a.example/x";

for (
  const [answer, urls, cited] of [
    [`See ${PAGE}.`, [PAGE], [PAGE]],
    [PAGE, [PAGE], [PAGE]],
    [`See ${PAGE}/y and ${PAGE}/y/z.`, [PAGE, `${PAGE}/y`], [`${PAGE}/y`]],
    ["See the sources.", [PAGE], []],
    [`See ${PAGE}.`, [], []],
  ] as const
) {
  Deno.test(`"${answer}" cites ${cited.join(" and ") || "nothing"} of ${urls.length} pages`, () => {
    const citations = createCitations();
    citations.add({
      type: "tool_output",
      id: "tool_1",
      content: [],
      citations: urls.map((url) => ({ url, title: "Title" })),
      isProgress: false,
    });
    for (const text of answer.split(/(?<=a)/)) citations.add({ type: "answer", text });
    const annotations = cited.map((url) => {
      const start = answer.indexOf(url);
      const place = { start_index: start, end_index: start + url.length };
      return { type: "url_citation", url_citation: { ...place, url, title: "Title" } };
    });
    const parts = annotations.length === 0 ? undefined : { message: { annotations } };
    assertEquals(citations.parts(), parts);
  });
}
