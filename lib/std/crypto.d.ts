/** Types of the part of `@std/crypto` that is used here. */

/** Compares buffers in a time that does not depend on their content; throws if lengths differ. */
export function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean;
