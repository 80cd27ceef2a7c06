import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  configJsonSchema,
  schemaFile,
  settingsPage,
  strategiesPage,
} from "../../../lib/config/schema/generate.ts";
import { loadConfig } from "../../../lib/config/load.ts";
import { PLACEHOLDER_TOKEN, resolveConfig } from "../../../lib/config/resolve.ts";

const ROOT = new URL("../../../", import.meta.url);

for (
  const [path, generate] of [
    ["lib/config/config.schema.json", schemaFile],
    ["docs/settings.md", settingsPage],
    ["docs/strategy-reference.md", strategiesPage],
  ] as const
) {
  Deno.test(`${path} is up to date`, async () => {
    const text = await Deno.readTextFile(new URL(path, ROOT));
    assert(text === generate(), `${path} is out of date: run \`deno task docs\``);
  });
}

Deno.test("the settings page has every section, with types, defaults and units", () => {
  const page = settingsPage();
  for (
    const heading of [
      "Top level",
      "`server`",
      "`upstreams.<name>`",
      "`models.<name>`",
      "`models.<name>.options` of `steps`",
      "`keys[]`",
      "`log`",
    ]
  ) {
    assertStringIncludes(page, `## ${heading}\n`);
  }
  assertMatch(page, /\| `port` \| a whole number from 0 to 65535 \| `18888` \| Port/);
  assertMatch(page, /\| `timeouts.idle_ms` .* in milliseconds\. \|/);
  assertMatch(page, /\| `max_steps` /);
});

Deno.test("every setting has a description", () => {
  const rows = settingsPage().split("\n").filter((line) => line.startsWith("| `"));
  assert(rows.length > 50);
  for (const row of rows) assertMatch(row, /\S.* \| \S.*\. +\|$|\.\s*\|$/, row);
});

Deno.test("the JSON schema allows a variable for every number, switch and choice", () => {
  const { properties = {} } = configJsonSchema();
  const reference = { type: "string", pattern: "\\$\\{" };
  assertEquals(properties.server?.properties?.port, {
    default: 18_888,
    description: "Port to listen on. 0 picks a free port.",
    anyOf: [{ type: "integer", minimum: 0, maximum: 65_535 }, reference],
  });
  assertEquals(properties.stream_status_feedback?.anyOf, [
    { type: "boolean" },
    reference,
  ]);
  assertEquals(properties.log?.properties?.level?.anyOf?.at(-1), reference);
});

Deno.test("the shipped config.yaml is valid and uses only the demo model", async () => {
  const { config, found } = await loadConfig({
    path: new URL("config.yaml", ROOT).pathname,
    explicit: true,
    env: () => undefined,
    readFile: Deno.readTextFile,
  });
  assert(found);
  const { token, models } = resolveConfig(config, { env: () => undefined });
  assertEquals(token, PLACEHOLDER_TOKEN);
  assertEquals(models.map(({ reasoning }) => reasoning.id).filter((id) => !id.startsWith("o1-")), [
    "o1",
    "demo",
  ]);
  assert(
    models.every(({ reasoning }) => reasoning.targets[0]?.upstream.base_url === "demo:"),
  );
});

Deno.test("the examples in the shipped config.yaml are valid", async () => {
  const text = await Deno.readTextFile(new URL("config.yaml", ROOT));
  const examples = text.split(/\n\n/).filter((block) => /^# \w+: /m.test(block));
  assert(examples.length >= 2);
  for (const example of examples) {
    const yaml = example.replace(/^# (?=\w+: )/gm, "");
    const { config } = await loadConfig({
      path: "/config.yaml",
      explicit: true,
      env: () => "sk-1",
      readFile: () => Promise.resolve(yaml),
    });
    assert(config.default_model !== undefined);
  }
});
