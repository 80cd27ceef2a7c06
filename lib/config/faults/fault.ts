/** Keys and list indexes from the root of the file to a value. */
export type Path = readonly (string | number)[];

/** A fault whose line is not known yet, unless it is one of the text itself. */
export interface Fault extends Omit<ConfigFault, "path"> {
  path: Path;
  /** Where to take the line from, relative to the parent of `path`. Default: `path` itself. */
  at?: Path | undefined;
}

/** Called with each fault. */
export type Report = (path: Path, message: string, at?: Path) => void;

export interface ConfigFault {
  /** For example `models.o1.options.max_steps`; empty for the file as a whole. */
  path: string;
  /** Line and column in the file, from 1. */
  line?: number;
  column?: number;
  /** What is wrong, and what is allowed. Never contains a key or token. */
  message: string;
}

/** Thrown for an invalid configuration, with every fault that was found. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  /**
   * @param faults sorted by line.
   * @param file the file with the faults; undefined for faults of flags and variables.
   */
  constructor(readonly faults: readonly ConfigFault[], file?: string) {
    super(faults.map((fault) => printFault(fault, file)).join("\n"));
  }
}

function printFault({ path, line, message }: ConfigFault, file: string | undefined): string {
  const place = file === undefined ? [] : [line === undefined ? file : `${file}:${line}`];
  return [...place, ...(path === "" ? [] : [path]), message].join(": ");
}

/** Prints a path like `models.o1.upstream[1]` or `models["my model"]`. */
export function printPath(path: Path): string {
  return path.map((segment, index) => {
    if (typeof segment === "number" || !/^[\w<>-]+$/.test(segment)) {
      return `[${JSON.stringify(segment)}]`;
    }
    return index === 0 ? segment : `.${segment}`;
  }).join("");
}
