/**
 * Writes what is derived from the schema: `config.schema.json`, and the README's reference between
 * its markers.
 *
 * @module
 */
import { join } from "node:path";
import { configJsonSchema } from "./json_schema.ts";
import { settingsReference } from "./reference.ts";

const START = "<!-- settings:start -->";
const END = "<!-- settings:end -->";

/** The text of config.schema.json. */
export function schemaFile(): string {
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
}

/** A README with the reference between its markers; unchanged where it has none. */
export function withReference(readme: string): string {
  const start = readme.indexOf(START);
  const end = readme.indexOf(END, start);
  if (start < 0 || end < 0) return readme;
  return `${readme.slice(0, start + START.length)}\n\n${settingsReference()}\n\n${
    readme.slice(end)
  }`;
}

async function generate(folder: string): Promise<void> {
  await Deno.writeTextFile(join(folder, "../config.schema.json"), schemaFile());
  const path = join(folder, "../../../README.md");
  try {
    await Deno.writeTextFile(
      path,
      withReference(await Deno.readTextFile(path)),
    );
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

if (import.meta.main) await generate(import.meta.dirname ?? ".");
