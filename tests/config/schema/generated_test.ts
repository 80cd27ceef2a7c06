import { assert, assertEquals, assertMatch } from "@std/assert";
import { parse as parseYaml } from "@std/yaml";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { JsonSchema } from "../../../lib/config/faults/expectation.ts";
import {
  configJsonSchema,
  schemaFile,
  settingsPage,
  strategiesPage,
} from "../../../scripts/docs.ts";
import { loadConfig } from "../../../lib/config/load.ts";
import { PLACEHOLDER_TOKEN, resolveConfig } from "../../../lib/config/resolve.ts";
import { faultsOf } from "../parse.ts";

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

/** The cells of the page's tables, by section. */
function settingsRows(): Map<string, string[][]> {
  const [, ...sections] = settingsPage().split("\n## ");
  return new Map(sections.map((section) => {
    const [heading, ...lines] = section.split("\n");
    const rows = lines.filter((line) => line.startsWith("| `")).map((line) =>
      line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim())
    );
    return [heading!.replaceAll("`", ""), rows];
  }));
}

/** The settings of the JSON schema as `section: key`. */
function settingsOf(schema: JsonSchema, section: string, prefix = ""): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => {
    if (section === "models.<name>" && key === "options") return [`${section}: ${key}`];
    const entry = section === "Top level" && (inner.items ?? inner.additionalProperties);
    if (typeof entry === "object" && entry.properties !== undefined) {
      return settingsOf(entry, `${key}${inner.items === undefined ? ".<name>" : "[]"}`);
    }
    const nested = prefix !== "" && inner.additionalProperties;
    if (typeof nested === "object" && nested.properties !== undefined) {
      return settingsOf(nested, section, `${prefix}${key}.<name>.`);
    }
    if (inner.properties === undefined) return [`${section}: ${prefix}${key}`];
    return section === "Top level"
      ? settingsOf(inner, key)
      : settingsOf(inner, section, `${prefix}${key}.`);
  });
}

Deno.test("the settings page lists every setting of the JSON schema, and every option", () => {
  const rows = [...settingsRows()];
  const isOption = ([section]: [string, unknown]) => section.includes(".options of ");
  const listed = rows.filter((entry) => !isOption(entry)).flatMap(([section, cells]) =>
    cells.map(([key]) => `${section}: ${key!.slice(1, -1)}`)
  );
  const schema = configJsonSchema();
  assertEquals(listed.sort(), settingsOf(schema, "Top level").sort());
  const models = schema.properties!.models!.additionalProperties as JsonSchema;
  assertEquals(
    new Set(rows.filter(isOption).flatMap(([, cells]) => cells.map(([key]) => key!.slice(1, -1)))),
    new Set(Object.keys(models.then!.properties!.options!.properties!)),
  );
});

Deno.test("every setting has a type and a description", () => {
  for (const [section, rows] of settingsRows()) {
    for (const [key, type, _default, description] of rows) {
      assertMatch(type!, /^(?:a|an|true|one|auto|`|the) ?/, `${section}: ${key}`);
      assertMatch(description!, /^[A-Z`0].{10,}\.$/, `${section}: ${key}`);
    }
  }
});

/** Configurations, and whether they are valid. */
const CONFIGURATIONS: readonly [yaml: string, isValid: boolean][] = [
  ["default_model: m", true],
  ["models: { m: { strategy: steps, options: { max_steps: 3 } } }", true],
  ["server:\n  port: ${PORT:-80}\n  playground: ${PLAYGROUND:-true}", true],
  ["upstreams: { u: { base_url: 'http://127.0.0.1' } }\ndefault_model: m", true],
  ["serve: {}", false],
  ["server: { port: 65536 }", false],
  ["server: { port: many }", false],
  ["server: { playground: 1 }", false],
  ["upstreams: { u: {} }", false],
  ["upstreams: { u: { base_url: 'http://127.0.0.1', timeouts: { idle: 1 } } }", false],
  ["models: { m: { strategy: [steps] } }", false],
  ["models: { m: { strategy: steps, options: { steps: 3 } } }", false],
  ["log: { level: loud }", false],
];

for (const [yaml, isValid] of CONFIGURATIONS) {
  Deno.test(`the JSON schema and the server agree that this is ${isValid ? "" : "in"}valid: ${yaml}`, async () => {
    const validate = new Ajv2020({ strict: false }).compile(configJsonSchema());
    assertEquals(validate(parseYaml(yaml)), isValid, JSON.stringify(validate.errors));
    const faults = await faultsOf(yaml);
    assertEquals(faults.length === 0, isValid, faults.join("\n"));
  });
}

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
