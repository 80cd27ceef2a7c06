/** Types of the part of `@std/html` that is used here. */

/** Escapes `&`, `<`, `>` and quotes for text and quoted attributes. */
export function escape(str: string): string;
