/**
 * The README's reference of settings.
 *
 * @module
 */
import { strategies } from "../../reasoning/strategies/mod.ts";
import { expectation, type JsonSchema } from "./expectation.ts";
import { plainJsonSchema, strategyOptions } from "./json_schema.ts";

type Row = readonly [
  key: string,
  type: string,
  fallback: string,
  sentence: string,
];

interface Section {
  heading: string;
  rows: Row[];
}

const HEAD: Row = ["Key", "Value", "Default", "What it does"];

/** Every setting in Markdown: a table for each section, with key, value, default and a sentence. */
export function settingsReference(): string {
  const root = plainJsonSchema();
  const properties = Object.entries(root.properties ?? {});
  const top = properties.filter(([, schema]) => sectionOf(schema) === undefined);
  const sections: Section[] = [
    {
      heading: "The file",
      rows: rowsOf({ ...root, properties: Object.fromEntries(top) }),
    },
    ...properties.flatMap(([key, schema]) => sectionsOf(key, schema)),
  ];
  return sections.map(({ heading, rows }) => `### ${heading}\n\n${table(rows)}`)
    .join("\n\n");
}

/** The sections of a key at the root; a model's options have one for each strategy. */
function sectionsOf(key: string, schema: JsonSchema): Section[] {
  const section = sectionOf(schema);
  if (section === undefined) return [];
  const heading = section === schema
    ? `\`${key}\``
    : schema.items === section
    ? `\`${key}[]\``
    : `\`${key}.<name>\``;
  const own = { heading, rows: rowsOf(section) };
  if (key !== "models") return [own];
  return [
    own,
    ...Object.keys(strategies).flatMap((strategy) => {
      const rows = rowsOf({ properties: strategyOptions(strategy) });
      const of = `\`models.<name>.options\` of the strategy \`${strategy}\``;
      return rows.length === 0 ? [] : [{ heading: of, rows }];
    }),
  ];
}

/** The mapping that a section is about: the key itself, or each of its entries. */
function sectionOf(schema: JsonSchema): JsonSchema | undefined {
  if (schema.properties !== undefined) return schema;
  const entry = schema.items ?? schema.additionalProperties;
  return typeof entry === "object" && entry.properties !== undefined ? entry : undefined;
}

function rowsOf(section: JsonSchema, prefix = ""): Row[] {
  return Object.entries(section.properties ?? {}).flatMap(([key, schema]) => {
    const isGroup = schema.properties !== undefined && key !== "options";
    if (isGroup) return rowsOf(schema, `${prefix}${key}.`);
    const required = section.required?.includes(key) ?? false;
    return [row(`${prefix}${key}`, schema, required)];
  });
}

function row(key: string, schema: JsonSchema, required: boolean): Row {
  const fallback = schema.default === undefined
    ? (required ? "required" : "")
    : `\`${JSON.stringify(schema.default)}\``;
  return [
    `\`${key}\``,
    expectation(schema),
    fallback,
    schema.description ?? "",
  ];
}

/** A table in the way that `deno fmt` writes it, so that it stays as it was generated. */
function table(rows: readonly Row[]): string {
  const escaped = [HEAD, ...rows].map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = HEAD.map((_, column) =>
    Math.max(3, ...escaped.map((cells) => cells[column]?.length ?? 0))
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  const [head = [], ...body] = escaped;
  return [line(head), rule, ...body.map(line)].join("\n");
}
