/** Types of the part of `@std/cli` that is used here. */

/** Options of {@linkcode parseArgs}. */
export interface ParseOptions {
  /** Flags without a value. */
  boolean?: readonly string[];
  /** Flags with a value. */
  string?: readonly string[];
  /** Flags that may be repeated; their values are collected in arrays. */
  collect?: readonly string[];
  /** Short names. */
  alias?: Record<string, string | readonly string[]>;
  /** Called for each flag that is not listed, and each other argument; false drops it. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** Parses command-line arguments into flags and the remaining arguments, `_`. */
export function parseArgs(
  args: readonly string[],
  options?: ParseOptions,
): { _: (string | number)[]; [flag: string]: unknown };

/** Asks on the terminal and shows `*` for each character; null if the input is not a terminal. */
export function promptSecret(message?: string): string | null;
