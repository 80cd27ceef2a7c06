import { dirname, join } from "node:path";

export interface ConfigPathOptions {
  /** Value of `--config`. */
  flag: string | undefined;
  /** Value of `O1_API_HOME`, a folder. */
  home: string | undefined;
  /** True in the compiled executable (`Deno.build.standalone`). */
  standalone: boolean;
  /** Path of the executable, with symbolic links resolved. */
  execPath: string;
  /** Folder of main.ts (`import.meta.dirname`), which is virtual in the executable. */
  moduleDir: string;
}

/** Returns the path of config.yaml. Only a relative flag or home depends on the current folder. */
export function configPath(options: ConfigPathOptions): string {
  const { flag, home, standalone, execPath, moduleDir } = options;
  return flag ?? join(home || (standalone ? dirname(execPath) : moduleDir), "config.yaml");
}
