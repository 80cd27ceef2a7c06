import { assertEquals } from "@std/assert";
import { faultsOf, parse } from "./parse.ts";

for (
  const [line, env, expected] of [
    ["port: ${PORT}", { PORT: "8080" }, 8080],
    ["port: ${PORT:-9000}", {}, 9000],
    ["port: ${PORT:-9000}", { PORT: "" }, 9000],
    ["port: ${PORT}", { PORT: "" }, 18_888],
    ["port: ${A}${B}", { A: "80", B: "81" }, 8081],
    ["port: ${PORT} # of the server", { PORT: " 80 " }, 80],
  ] as const
) {
  Deno.test(`an unquoted scalar gets the type of its new text: ${line} with ${JSON.stringify(env)}`, async () => {
    assertEquals(
      (await parse(`server:\n  ${line}`, { env })).server.port,
      expected,
    );
  });
}

for (
  const [written, env, expected] of [
    ['"${KEY}"', { KEY: "123" }, "123"],
    ["'${KEY}'", { KEY: "true" }, "true"],
    ["|-\n  ${KEY}", { KEY: "1" }, "1"],
    ["!!str ${KEY}", { KEY: "1" }, "1"],
    ["${KEY}", { KEY: "sk-1" }, "sk-1"],
    ["${KEY}", { KEY: "a: b # c" }, "a: b # c"],
    ["${KEY}", { KEY: "---" }, "---"],
    ["${KEY}", { KEY: "[1" }, "[1"],
    ['"a-${KEY}-${KEY}"', { KEY: "$&" }, "a-$&-$&"],
    ['"${KEY:-x:-y}"', {}, "x:-y"],
    ['"${KEY:-}"', {}, ""],
    ['"$${KEY}"', {}, "${KEY}"],
    ['"$KEY {KEY}"', {}, "$KEY {KEY}"],
    ["${KEY}", { KEY: "${OTHER}" }, "${OTHER}"],
  ] as const
) {
  Deno.test(`a string stays a string: ${written} with ${JSON.stringify(env)}`, async () => {
    const config = await parse(`api_bearer_token: ${written}\n`, { env });
    assertEquals(config.api_bearer_token, expected);
  });
}

Deno.test("variables are replaced in lists, through aliases and in flow mappings", async () => {
  const text = `upstreams:
  a: &a
    base_url: "demo:"
    api_key: ["\${ONE}", "\${TWO}"]
    headers: { x: "\${N}" }
    max_concurrency: \${N}
  b: *a
`;
  const env = { ONE: "1", TWO: "2", N: "7" };
  const { upstreams } = await parse(text, { env });
  assertEquals(upstreams.a?.api_key, ["1", "2"]);
  assertEquals(upstreams.a?.headers, { x: "7" });
  assertEquals(upstreams.b?.max_concurrency, 7);
});

Deno.test("an unset variable is an error that names the key and the variable", async () => {
  const text = `server:
  port: \${NO_PORT}
upstreams:
  a:
    base_url: \${NO_URL}
    api_key: [x, "\${NO_KEY} and \${NO_KEY}"]
default_model: m
`;
  assertEquals(await faultsOf(text), [
    "2: server.port: the environment variable NO_PORT is not set; " +
    "set it, or write ${NO_PORT:-default}",
    "5: upstreams.a.base_url: the environment variable NO_URL is not set; " +
    "set it, or write ${NO_URL:-default}",
    "6: upstreams.a.api_key[1]: the environment variable NO_KEY is not set; " +
    "set it, or write ${NO_KEY:-default}",
  ]);
});

for (const text of ["${}", "${1A}", "${A", "${A-b}"]) {
  Deno.test(`an invalid reference is an error: ${text}`, async () => {
    assertEquals(await faultsOf(`default_model: "${text}"`), [
      "1: default_model: contains a ${ that is not a reference; " +
      "write ${NAME}, ${NAME:-default}, or $${",
    ]);
  });
}

Deno.test("a replaced value is validated like any other", async () => {
  assertEquals(
    await faultsOf("server:\n  port: ${PORT}", { env: { PORT: "many" } }),
    [
      "2: server.port: expected a whole number from 0 to 65535, got a string",
    ],
  );
});
