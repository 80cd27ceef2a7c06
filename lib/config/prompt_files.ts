import { dirname, resolve } from "node:path";
import type { Fault } from "./faults/fault.ts";

/** Reads a text file; rejects if it can't be read. */
export type ReadFile = (path: string) => Promise<string>;

type Models = Record<string, { prompts: Record<string, string | { file?: string | undefined }> }>;

/**
 * Replaces every prompt `{ file: PATH }` by the file's text. Paths are relative to the folder of
 * the config file. Returns a fault for every file that can't be read.
 */
export async function readPrompts(
  models: Models,
  configFile: string,
  readFile: ReadFile,
): Promise<Fault[]> {
  const faults: Fault[] = [];
  for (const [id, { prompts }] of Object.entries(models)) {
    for (const [name, prompt] of Object.entries(prompts)) {
      const file = typeof prompt === "string" ? undefined : prompt.file;
      if (file === undefined) continue;
      try {
        const text = await readFile(resolve(dirname(configFile), file));
        prompts[name] = text.replace(/^\ufeff/, "");
      } catch (error) {
        const path = ["models", id, "prompts", name, "file"];
        faults.push({ path, message: `can't read ${file} ${fileProblem(error)}` });
      }
    }
  }
  return faults;
}

/** Says why a file of the configuration can't be read, and what to do. */
export function fileProblem(error: unknown): string {
  return `(${fileErrorReason(error)}); ` +
    "create it, or correct the path, which is relative to the config file";
}

/** Says briefly why a file can't be read. */
export function fileErrorReason(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file";
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.NotCapable) {
    return "the program lacks the permission to read it";
  }
  return error instanceof Error ? error.name : "unknown reason";
}
