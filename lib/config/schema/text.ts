import { z } from "zod";
import { baseUrlFault } from "../base_url.ts";

/** A host name or IP address, without a port. */
export const HOST_REGEXP = /^[\w.:%-]+$/;
export const HOST_MESSAGE = "expected a host name or an IP address, without a port";

// Line breaks, control characters and letters beyond ASCII can't be sent in a header.
export const TOKEN_REGEXP = /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/;
export const TOKEN_MESSAGE =
  "must be printable ASCII, with no line break and no space at either end; " +
  "look for a stray newline or quote";

/** A key or token, or an empty string. */
export const token = z.string().regex(TOKEN_REGEXP, TOKEN_MESSAGE);

export const baseUrl = z.string().min(1, { abort: true }).refine(
  (url) => baseUrlFault(url) === undefined,
  { error: ({ input }) => baseUrlFault(String(input)) },
);

export const origin = z.string().regex(
  /^(?:\*|[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#\s]+)$/,
  'expected "*" or an origin such as https://chat.example.com, without a path',
);

const HEADER_NAME_REGEXP = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_VALUE_REGEXP = /^[\t\x20-\x7e\x80-\xff]*$/;

export const headers = z.record(
  z.string(),
  z.string().regex(
    HEADER_VALUE_REGEXP,
    "a header's value must be Latin-1 text in one line, without control characters",
  ),
).superRefine((values, ctx) => {
  for (const name of Object.keys(values)) {
    if (HEADER_NAME_REGEXP.test(name)) continue;
    const message = "is not a valid header name; use letters, digits and hyphens";
    ctx.addIssue({ code: "custom", path: [name], message });
  }
}, { when: () => true });
