/**
 * Prompts that the configuration keeps in files of their own.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import type { Fault } from "./faults/fault.ts";
import { entries, mapping, textOf } from "./raw.ts";

/** Reads a text file; rejects where there is none. */
export type ReadFile = (path: string) => Promise<string>;

/**
 * Replaces every `{ file: PATH }` of a configuration's prompts by the file's text, in place of the
 * file's value. Paths are relative to the folder of the config file.
 *
 * @returns the faults of the files that can't be read.
 */
export async function readPrompts(
  value: unknown,
  configFile: string,
  readFile: ReadFile,
): Promise<Fault[]> {
  const faults: Fault[] = [];
  for (const [id, model] of entries(mapping(value).models)) {
    const prompts = mapping(mapping(model).prompts);
    for (const [name, prompt] of Object.entries(prompts)) {
      const file = textOf(mapping(prompt).file);
      if (file === undefined) continue;
      try {
        const text = await readFile(resolve(dirname(configFile), file));
        prompts[name] = text.replace(/^\ufeff/, "");
      } catch (error) {
        faults.push({
          path: ["models", id, "prompts", name, "file"],
          message: `can't read ${file} (${reason(error)}); ` +
            "create it, or correct the path, which is relative to the config file",
        });
      }
    }
  }
  return faults;
}

/** A short reason why a file can't be read. */
export function reason(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file";
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.NotCapable) {
    return "the program lacks the permission to read it";
  }
  return error instanceof Error ? error.name : "unknown reason";
}
