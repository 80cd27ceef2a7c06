import { z } from "zod";

/** An http or https URL of the operator, which may lead inside the network. */
export const serviceUrl = z.string().refine((text) => {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === "" &&
    url.password === "" && url.hash === "";
}, "expected an http or https URL without a user name, a password and a fragment");

export const headerText = z.string().regex(
  /^[\t\x20-\x7e]*$/,
  "must be printable ASCII in one line; look for a stray newline or quote",
);
