/**
 * What a text must look like to travel in a header or to name a host.
 *
 * @module
 */

/** A host name or IP address, without a port. */
export const HOST_REGEXP = /^[\w.:%-]+$/;

// A line break, a control character or a letter beyond ASCII can't travel in a header as it is.
const TOKEN_REGEXP = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

const HEADER_NAME_REGEXP = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const HEADER_VALUE_REGEXP = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Says what keeps a key or token from being sent in a header, without showing it. */
export function tokenFault(token: string): string | undefined {
  if (token === "" || TOKEN_REGEXP.test(token)) return undefined;
  return "must be printable ASCII, with no line break and no space at either end; " +
    "look for a stray newline or quote";
}

/** Says what is wrong with a header, without showing its value. */
export function headerFault(name: string, value: unknown): string | undefined {
  if (!HEADER_NAME_REGEXP.test(name)) {
    return "is no valid header name; use letters, digits and hyphens";
  }
  if (typeof value === "string" && !HEADER_VALUE_REGEXP.test(value)) {
    return "a header's value must be Latin-1 text in one line, without control characters";
  }
  return undefined;
}

/** Says what is wrong with an entry of `server.cors_origins`. */
export function originFault(origin: string): string | undefined {
  if (origin === "*" || /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$/i.test(origin)) {
    return undefined;
  }
  return `expected "*" or an origin such as https://chat.example.com, without a path`;
}
