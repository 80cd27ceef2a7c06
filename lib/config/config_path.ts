import { dirname, join } from "node:path";

export interface ConfigPathOptions {
  /** Value of `--config`. */
  flag: string | undefined;
  /** True in the compiled executable (`Deno.build.standalone`). */
  standalone: boolean;
  /** Path of the executable, with symbolic links resolved. */
  execPath: string;
  /** Folder of main.ts (`import.meta.dirname`), which is virtual in the executable. */
  moduleDir: string;
}

/** Returns the path of config.yaml. It never depends on the current folder. */
export function configPath(options: ConfigPathOptions): string {
  const { flag, standalone, execPath, moduleDir } = options;
  return flag ?? join(standalone ? dirname(execPath) : moduleDir, "config.yaml");
}
