import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { schemaFile, withReference } from "../../../lib/config/schema/generate.ts";
import { configJsonSchema } from "../../../lib/config/schema/json_schema.ts";
import { settingsReference } from "../../../lib/config/schema/reference.ts";
import { loadConfig } from "../../../lib/config/load.ts";
import { resolveConfig } from "../../../lib/config/resolve.ts";

const ROOT = new URL("../../../", import.meta.url);
const STALE = "is not current: run `deno task docs`";

Deno.test("config.schema.json is current", async () => {
  const written = await Deno.readTextFile(
    new URL("lib/config/config.schema.json", ROOT),
  );
  assert(written === schemaFile(), `lib/config/config.schema.json ${STALE}`);
});

Deno.test("the README's reference of settings is current", async () => {
  let readme: string;
  try {
    readme = await Deno.readTextFile(new URL("README.md", ROOT));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  assert(readme === withReference(readme), `README.md ${STALE}`);
});

Deno.test("the reference replaces what stands between the markers, and nothing else", () => {
  const [start, end] = ["<!-- settings:start -->", "<!-- settings:end -->"];
  const replaced = withReference(`# A\n\n${start}\nold\n${end}\n\n# B\n`);
  assertEquals(
    replaced,
    `# A\n\n${start}\n\n${settingsReference()}\n\n${end}\n\n# B\n`,
  );
  assertEquals(withReference(replaced), replaced);
  assertEquals(withReference("# A\n"), "# A\n");
});

Deno.test("the reference names every section and says types, defaults and units", () => {
  const reference = settingsReference();
  for (
    const heading of [
      "The file",
      "`server`",
      "`upstreams.<name>`",
      "`models.<name>`",
      "`log`",
    ]
  ) {
    assertStringIncludes(reference, `### ${heading}\n`);
  }
  assertMatch(
    reference,
    /\| `port` +\| a whole number from 0 to 65535 +\| `18888` +\| Port/,
  );
  assertMatch(reference, /\| `timeouts.idle_ms` .* in milliseconds\. +\|/);
  assertMatch(reference, /\| `max_steps` /);
});

Deno.test("every setting of the schema has a sentence", () => {
  const rows = settingsReference().split("\n").filter((line) => line.startsWith("| `"));
  assert(rows.length > 50);
  for (const row of rows) assertMatch(row, /\S.* \| \S.*\. +\|$|\.\s*\|$/, row);
});

Deno.test("the schema for editors lets every number, switch and choice be a variable", () => {
  const { properties = {} } = configJsonSchema();
  const reference = { type: "string", pattern: "\\$\\{" };
  assertEquals(properties.server?.properties?.port, {
    default: 18_888,
    description: "Port to listen on; 0: any free one.",
    anyOf: [{ type: "integer", minimum: 0, maximum: 65_535 }, reference],
  });
  assertEquals(properties.stream_status_feedback?.anyOf, [
    { type: "boolean" },
    reference,
  ]);
  assertEquals(properties.log?.properties?.level?.anyOf?.at(-1), reference);
});

Deno.test("the shipped config.yaml is valid, and works with no account and no network", async () => {
  const { config, found } = await loadConfig({
    path: new URL("config.yaml", ROOT).pathname,
    explicit: true,
    env: () => undefined,
    readFile: Deno.readTextFile,
  });
  assert(found);
  const { tokenIsPlaceholder, models } = resolveConfig(config, {
    env: () => undefined,
  });
  assert(tokenIsPlaceholder);
  assertEquals(models.map(({ reasoning }) => reasoning.id).filter((id) => !id.startsWith("o1-")), [
    "o1",
    "demo",
  ]);
  assert(
    models.every(({ reasoning }) => reasoning.targets[0]?.upstream.base_url === "demo:"),
  );
});

Deno.test("the examples in the shipped config.yaml are valid too", async () => {
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
