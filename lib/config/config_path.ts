/**
 * Where config.yaml is.
 *
 * @module
 */
import { dirname, join } from "node:path";

/** How the program was started. */
export interface ConfigPathOptions {
  /** The value of `--config`, where it was given. */
  flag: string | undefined;
  /** Whether this is the compiled executable (`Deno.build.standalone`). */
  standalone: boolean;
  /** The executable's path, with symbolic links resolved. */
  execPath: string;
  /** The folder of main.ts (`import.meta.dirname`); a virtual one in the executable. */
  moduleDir: string;
}

/**
 * The path of the configuration: `--config`, else beside the compiled executable, else beside
 * main.ts; never the current folder.
 */
export function configPath(options: ConfigPathOptions): string {
  const { flag, standalone, execPath, moduleDir } = options;
  return flag ??
    join(standalone ? dirname(execPath) : moduleDir, "config.yaml");
}
