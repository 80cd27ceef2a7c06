/** Types of the part of `@std/yaml` that is used here. */

/** How values are typed. */
export type SchemaType = "failsafe" | "json" | "core" | "default" | "extended";

/** Options of {@linkcode parse}. */
export interface ParseOptions {
  /** How plain scalars are typed. */
  schema?: SchemaType;
  /** Whether a duplicate key replaces the earlier one instead of throwing. */
  allowDuplicateKeys?: boolean;
}

/** Thrown for text that is no YAML. */
export class YamlSyntaxError extends SyntaxError {
  /** Line of the fault, from 1. */
  readonly line: number;
  /** Column of the fault, from 1. */
  readonly column: number;
}

/** Parses one YAML document; an empty text gives null. */
export function parse(content: string, options?: ParseOptions): unknown;
