/**
 * What is wrong with a configuration, and where.
 *
 * @module
 */

/** Keys and list positions from the root of the file to a value. */
export type Path = readonly (string | number)[];

/** Something wrong, before its line is known. */
export interface Fault {
  /** The value that it is about. */
  path: Path;
  /** Where the line is taken from, if not from `path`. */
  at?: Path;
  /** Line in the file from 1, where the fault is in the text itself. */
  line?: number;
  /** Column in that line, from 1. */
  column?: number;
  /** What is wrong, what is allowed and what to do. Never holds a key or token. */
  message: string;
}

/** Something wrong with a configuration, for people. */
export interface ConfigFault {
  /** The value that it is about, e.g. `models.o1.options.max_steps`; empty for the file as a whole. */
  path: string;
  /** Line in the file, from 1. */
  line?: number;
  /** Column in that line, from 1. */
  column?: number;
  /** What is wrong, what is allowed and what to do. Never holds a key or token. */
  message: string;
}

/** Thrown for a configuration that can't be used; it holds every fault that was found. */
export class ConfigError extends Error {
  /** The faults, in the order of their lines. */
  readonly faults: readonly ConfigFault[];

  /** Of a file's faults, or of a flag's or variable's where `file` is left out. */
  constructor(faults: readonly ConfigFault[], file?: string) {
    super(faults.map((fault) => printFault(fault, file)).join("\n"));
    this.name = "ConfigError";
    this.faults = faults;
  }
}

function printFault(fault: ConfigFault, file: string | undefined): string {
  const line = fault.line === undefined ? "" : `:${fault.line}`;
  const where = file === undefined ? "" : `${file}${line}: `;
  const path = fault.path === "" ? "" : `${fault.path}: `;
  return `${where}${path}${fault.message}`;
}

/** Writes a path as people do: `models.o1.upstream[1]`, `models["my model"]`. */
export function printPath(path: Path): string {
  let printed = "";
  for (const segment of path) {
    if (typeof segment === "number") printed += `[${segment}]`;
    else if (!/^[\w<>-]+$/.test(segment)) {
      printed += `[${JSON.stringify(segment)}]`;
    } else printed += printed === "" ? segment : `.${segment}`;
  }
  return printed;
}

/** Whether the second path is the first or lies below it. */
export function isAtOrBelow(path: Path, other: Path): boolean {
  return path.every((segment, index) => segment === other[index]);
}
