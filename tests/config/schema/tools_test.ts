import { assertEquals } from "@std/assert";
import { toolKinds } from "../../../lib/tools/mod.ts";
import { faultsOf, parse } from "../parse.ts";

Deno.test("`tools` has a section for each kind, and no tool by default", async () => {
  assertEquals((await parse("")).tools, {});
  const { tools } = await parse("tools: { fetch: { time_ms: 500 }, code: {} }");
  assertEquals(Object.keys(tools).sort(), ["code", "fetch"]);
  assertEquals(await faultsOf("tools: { browser: {} }"), [
    `1: tools.browser: unknown key; valid names: ${Object.keys(toolKinds).join(", ")}`,
  ]);
});

Deno.test("a key of a tool may come from the environment", async () => {
  const text = "tools: { web_search: { provider: brave, api_key: '${BRAVE_KEY}' } }";
  const { tools } = await parse(text, { env: { BRAVE_KEY: "key-1" } });
  assertEquals((tools.web_search as { api_key: string }).api_key, "key-1");
});

const CASES: readonly (readonly [text: string, ...faults: string[]])[] = [
  [
    "tools:\n  fetch:\n    allow_hosts:\n      - wiki.internal\n      - http://wiki/",
    "5: tools.fetch.allow_hosts[1]: expected a host such as wiki.internal or wiki.internal:8080",
  ],
  [
    "tools:\n  web_search:\n    provider: tavily\n    time_ms: 1",
    "2: tools.web_search.api_key: tavily needs a key",
    "4: tools.web_search.time_ms: expected a whole number from 100 to 120000, got 1",
  ],
  [
    "tools:\n  web_search:\n    provider: searxng",
    "2: tools.web_search.url: searxng needs the URL of your instance",
  ],
  [
    "tools:\n  mcp:\n    servers:\n      a:\n        url: http://a\n        command: b\n        allow: ['*']",
    "6: tools.mcp.servers.a.command: set a url or a command, not both",
  ],
  [
    "tools:\n  mcp:\n    servers:\n      a.b: { url: http://a, allow: ['*'] }",
    '4: tools.mcp.servers["a.b"]: must be at most 24 letters, digits, _ and -',
  ],
  ...["fetch", "web_search", "mcp"].map((kind) =>
    [
      `default_api_url: "demo:"\nmodels:\n  m: { tools: [code, ${kind}] }`,
      `3: models.m.tools[1]: needs settings; add the section tools.${kind}`,
    ] as const
  ),
  ...["web_search", "mcp"].map((kind) =>
    [
      `tools:\n  ${kind}:\nmodels:\n  m: { tools: [${kind}] }`,
      `4: models.m.tools[0]: needs settings; add the section tools.${kind}`,
    ] as const
  ),
  ["tools: { fetch: }\nmodels: { m: { tools: [fetch] } }"],
  ["tools: { fetch: {} }\nmodels: { m: { tools: [fetch, code] } }"],
];

for (const [text, ...faults] of CASES) {
  Deno.test(`faults of tools: ${JSON.stringify(text)}`, async () => {
    assertEquals(await faultsOf(text), faults);
  });
}
