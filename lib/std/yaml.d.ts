/** Types of the part of `@std/yaml` that is used here. */

/** Options of {@linkcode parse}. */
export interface ParseOptions {
  /** Defines how plain scalars are typed. */
  schema?: "failsafe" | "json" | "core" | "default" | "extended";
  /** Let a duplicate key replace the earlier one instead of throwing. */
  allowDuplicateKeys?: boolean;
}

/** Thrown for invalid YAML. */
export class YamlSyntaxError extends SyntaxError {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** Parses one YAML document; returns null for an empty text. */
export function parse(content: string, options?: ParseOptions): unknown;
