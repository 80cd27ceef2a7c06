/** Types of the part of `@std/cli` that is used here. */

/** Options of {@linkcode parseArgs}. */
export interface ParseOptions {
  /** Flags that are true or false. */
  boolean?: readonly string[];
  /** Flags that take a text. */
  string?: readonly string[];
  /** Flags that may come several times. */
  collect?: readonly string[];
  /** Short names. */
  alias?: Record<string, string | readonly string[]>;
  /** Values of flags that are absent. */
  default?: Record<string, unknown>;
  /** Whether parsing ends at the first argument that is no flag. */
  stopEarly?: boolean;
  /** Called for a flag that is not listed; false drops it. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** Parses command-line arguments into flags and the rest under `_`. */
export function parseArgs(
  args: readonly string[],
  options?: ParseOptions,
): { _: (string | number)[]; [flag: string]: unknown };
