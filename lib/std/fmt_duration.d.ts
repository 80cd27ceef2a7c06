/** Types of the part of `@std/fmt/duration` that is used here. */

/** Formats milliseconds, by default as "1m 39s 674ms" without zeros if `ignoreZero` is set. */
export function format(ms: number, options?: { ignoreZero?: boolean }): string;
