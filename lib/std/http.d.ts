/** Types of the part of `@std/http` that is used here. */

/** Returns the type that the `Accept` header prefers, if it accepts one of the given types. */
export function accepts<T extends string>(
  request: Pick<Request, "headers">,
  ...types: T[]
): T | undefined;

/** Returns the encoding that the `Accept-Encoding` header prefers, if it accepts one of these. */
export function acceptsEncodings<T extends string>(
  request: Pick<Request, "headers">,
  ...encodings: T[]
): T | undefined;

/** Returns false if the value of an `If-None-Match` header matches the entity tag. */
export function ifNoneMatch(value: string | null, etag: string): boolean;
