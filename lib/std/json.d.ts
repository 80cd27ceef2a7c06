/** Types of the part of `@std/json` that is used here. */

/** Serializes JSON by RFC 8785: keys sorted, no whitespace. */
export function canonicalize(value: unknown): string;
