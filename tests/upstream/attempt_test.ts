import { assertEquals, assertStrictEquals } from "@std/assert";
import { toUpstreamError } from "../../lib/upstream/attempt.ts";
import { UpstreamError } from "../../lib/upstream/errors/upstream_error.ts";

const SENDING = "error sending request for url (https://a.example/v1)";

interface Case {
  name: string;
  thrown: unknown;
  code: string;
  isRetryable: boolean;
  detail?: string;
}

const CASES: readonly Case[] = [
  {
    name: "an answer that is too large",
    thrown: new RangeError("Cannot read body: more than 9 bytes"),
    code: "upstream_error",
    isRetryable: false,
  },
  {
    name: "a body that was cut",
    thrown: new TypeError("error reading a body from connection"),
    code: "upstream_error",
    isRetryable: true,
  },
  {
    name: "a name that is not found",
    thrown: new TypeError(SENDING, { cause: new Error("dns error: no record found") }),
    code: "upstream_unreachable",
    isRetryable: true,
    detail: "dns error: no record found",
  },
  {
    name: "a connection that is refused",
    thrown: new TypeError(`${SENDING}: Connection refused`),
    code: "upstream_unreachable",
    isRetryable: true,
    detail: "Connection refused",
  },
  {
    name: "a permission that is missing",
    thrown: new Deno.errors.NotCapable("Requires net access, run again with the permission"),
    code: "upstream_unreachable",
    isRetryable: false,
    detail: "Requires net access, run again with the permission",
  },
  {
    name: "a port that is not allowed",
    thrown: new TypeError(SENDING, { cause: new Error("Requests to port 22 are not allowed") }),
    code: "upstream_unreachable",
    isRetryable: false,
    detail: "Requests to port 22 are not allowed",
  },
  {
    name: "a thrown value that is not an error",
    thrown: "lost",
    code: "upstream_unreachable",
    isRetryable: true,
    detail: "lost",
  },
];

for (const { name, thrown, detail, ...expected } of CASES) {
  Deno.test(`a failure of a call is reported as the upstream's: ${name}`, () => {
    const error = toUpstreamError(thrown);
    assertEquals({ code: error.code, isRetryable: error.isRetryable }, expected);
    if (detail !== undefined) assertEquals(error.detail, detail);
  });
}

Deno.test("an error of the upstream stays what it is", () => {
  const error = new UpstreamError("upstream_timeout", "It is late.");
  assertStrictEquals(toUpstreamError(error), error);
});
