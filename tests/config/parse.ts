import { ConfigError } from "../../lib/config/faults/fault.ts";
import { parseConfig } from "../../lib/config/load.ts";
import type { Config } from "../../lib/config/schema/config.ts";

export interface World {
  env?: Record<string, string>;
  /** Texts by absolute path. */
  files?: Record<string, string>;
}

/** Returns a function that reads from the given texts as from files. */
export function readFrom(
  files: Record<string, string>,
): (path: string) => Promise<string> {
  return (path) => {
    const text = files[path];
    return text === undefined
      ? Promise.reject(new Deno.errors.NotFound(path))
      : Promise.resolve(text);
  };
}

/** Parses the text as /etc/o1/config.yaml. */
export function parse(
  text: string,
  { env = {}, files = {} }: World = {},
): Promise<Config> {
  return parseConfig(text, {
    env: (name) => env[name],
    file: "/etc/o1/config.yaml",
    readFile: readFrom(files),
  });
}

/** Returns the lines of the error without the name of the file; none for a valid text. */
export async function faultsOf(
  text: string,
  world: World = {},
): Promise<string[]> {
  try {
    await parse(text, world);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.replaceAll("/etc/o1/config.yaml:", "").split("\n");
  }
}
