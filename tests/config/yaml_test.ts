import { assertEquals } from "@std/assert";
import { faultsOf, parse } from "./parse.ts";

const TAB = "is not valid YAML: YAML can't be indented with tabs; use spaces";

for (
  const [what, text, ...faults] of [
    ["a tab before a setting", "server:\n\tport: 1\n", `2: ${TAB}`],
    ["a tab after spaces", "server:\n  \tport: 1\n", `2: ${TAB}`],
    ["a tab in a deeper mapping", "upstreams:\n  a:\n\tbase_url: 'demo:'\n", `3: ${TAB}`],
    ["a tab before a list", "keys:\n\t- name: a\n", `2: ${TAB}`],
    ["a tab after a dash", "keys:\n  -\tname: a\n    id: b\n", `2: ${TAB}`],
    ["a tab in braces", "server: {\n\tport: 1\n}\n", `2: ${TAB}`],
    ["a tab beside another fault", "server:\n\tport: 1\nlog: [\n", `2: ${TAB}`],
    [
      "a merge of a string",
      "log:\n  <<: json\n",
      "2: log.<<: expected an alias of a mapping, such as '<<: *name', or a list of them",
    ],
    [
      "a merged value of the wrong type, with the line of the value",
      "x-log: &log\n  level: loud\nlog:\n  <<: *log\n",
      "2: log.level: expected one of debug, info, warn, error, got a string",
    ],
    [
      "an extension below the top of the file",
      "log:\n  x-note: 1\n",
      "2: log.x-note: unknown key; valid names: level, format",
    ],
  ] as const
) {
  Deno.test(`${what} causes a clear error`, async () => {
    assertEquals(await faultsOf(text), faults);
  });
}

Deno.test("tabs are allowed in texts, before comments and between values", async () => {
  const config = await parse(
    "models:\n  m:\n    system_prompt: |\n      if x:\n      \treturn\n\t# a comment\n\t\n    model:\tdemo\t# x\n",
  );
  const { system_prompt: prompt, model } = config.models.m!;
  assertEquals([prompt, model], ["if x:\n\treturn\n", "demo"]);
});

Deno.test("anchors, merge keys and x- keys share settings", async () => {
  const env = { LIMIT: "7" };
  const { upstreams } = await parse(
    `
x-retry: &retry { max_attempts: 2 }
x-base: &base
  base_url: "http://host/v1"
  max_concurrency: \${LIMIT}
  retry: *retry
upstreams:
  a: *base
  b:
    <<: *base
    base_url: "http://other/v1"
  c:
    max_concurrency: 9
    <<: [{ base_url: "http://first/v1" }, *base]
  d:
    <<: *base
    max_concurrency:
models: { m: { upstream: b, model: x } }
`,
    { env },
  );
  const shown = Object.values(upstreams).map(({ base_url, max_concurrency, retry }) =>
    [base_url, max_concurrency, retry.max_attempts] as const
  );
  assertEquals(shown, [
    ["http://host/v1", 7, 2],
    ["http://other/v1", 7, 2],
    ["http://first/v1", 9, 2],
    ["http://host/v1", 64, 2],
  ]);
});

Deno.test("merges that expand to too many values are an error", async () => {
  const values = Array.from({ length: 1_000 }, (_, i) => `  k${i}: 1`).join("\n");
  const merges = Array.from({ length: 200 }, (_, i) => `x-${i}: { <<: *base }`).join("\n");
  const faults = await faultsOf(`x-base: &base\n${values}\n${merges}\n`);
  assertEquals(faults.length, 100);
  assertEquals(faults[0], "1102: x-100.<<: too many values are merged; write them out");
});
