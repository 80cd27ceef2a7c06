import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../lib/config/faults/fault.ts";
import { listenOptions, loopWarnings } from "../../lib/config/listen.ts";
import { parse } from "./parse.ts";

const FILE = "server: { host: 10.0.0.1, port: 1000 }";

for (
  const [what, input, expected] of [
    ["without flags and variables the file decides", {}, ["10.0.0.1", 1000, false]],
    ["variables override the file", { env: { HOST: "::", PORT: "2000" } }, [
      "::",
      2000,
      false,
    ]],
    [
      "flags override variables",
      {
        env: { HOST: "::", PORT: "x" },
        flags: { host: "localhost", port: "0" },
      },
      ["localhost", 0, false],
    ],
    ["empty variables count as not set", { env: { HOST: "", PORT: "" } }, [
      "10.0.0.1",
      1000,
      false,
    ]],
    ["without a real token it is loopback", { hasRealToken: false }, [
      "127.0.0.1",
      1000,
      true,
    ]],
    [
      "without a real token it is loopback, whatever the flags",
      { hasRealToken: false, flags: { host: "0.0.0.0", port: "7" } },
      ["127.0.0.1", 7, true],
    ],
    [
      "on Deno Deploy it is never loopback",
      { hasRealToken: false, onDeploy: true },
      ["0.0.0.0", 1000, false],
    ],
    ["on Deno Deploy a real token changes nothing", { onDeploy: true }, [
      "10.0.0.1",
      1000,
      false,
    ]],
  ] as const
) {
  Deno.test(`listenOptions(): ${what}`, async () => {
    const { env = {}, ...rest } = input as { env?: Record<string, string> };
    const address = listenOptions({
      config: await parse(FILE),
      flags: {},
      env: (name) => env[name],
      hasRealToken: true,
      onDeploy: false,
      ...rest,
    });
    const [hostname, port, loopbackOnly] = expected;
    assertEquals(address, { hostname, port, loopbackOnly });
  });
}

for (
  const [flags, env, expected] of [
    [{}, { PORT: "70000" }, "PORT: expected a whole number from 0 to 65535"],
    [{}, { PORT: "80 81" }, "PORT: expected a whole number from 0 to 65535"],
    [{ port: "" }, {}, "--port: expected a whole number from 0 to 65535"],
    [{ port: "1e3" }, {}, "--port: expected a whole number from 0 to 65535"],
    [
      {},
      { HOST: "a b" },
      "HOST: expected a host name or an IP address, without a port",
    ],
    [
      { host: "http://x/" },
      { PORT: "-1" },
      "--host: expected a host name or an IP address, without a port\n" +
      "PORT: expected a whole number from 0 to 65535",
    ],
  ] as const
) {
  Deno.test(`listenOptions() names the invalid flag or variable: ${expected}`, async () => {
    const variables: Record<string, string> = env;
    const config = await parse("");
    const error = assertThrows(() =>
      listenOptions({
        config,
        flags,
        env: (name) => variables[name],
        hasRealToken: true,
        onDeploy: false,
      }), ConfigError);
    assertEquals(error.message, expected);
  });
}

for (
  const [url, isOwn, hostname = "0.0.0.0"] of [
    ["http://localhost:1000/v1", true],
    ["http://127.0.0.1:1000", true],
    ["http://127.1:1000/v1", true],
    ["http://[::1]:1000/v1", true],
    ["http://0.0.0.0:1000/v1", true],
    ["http://10.0.0.1:1000/v1", true, "10.0.0.1"],
    ["http://10.0.0.1:1000/v1", false],
    ["http://localhost:1001/v1", false],
    ["http://localhost/v1", false],
    ["https://localhost:1000/v1", false],
    ["http://localhost.example:1000/v1", false],
    ["demo:", false],
  ] as const
) {
  Deno.test(`${url} ${isOwn ? "leads" : "does not lead"} back to a server on ${hostname}:1000`, async () => {
    const address = { hostname, port: 1000, loopbackOnly: false };
    const yaml = `upstreams: { a: { base_url: "${url}" }, other: { base_url: "http://x:1000" } }
models: { m: { upstream: a, model: x, strategy: direct } }`;
    const warnings = loopWarnings(await parse(yaml), address);
    assertEquals(warnings.map((text) => text.match(/"(\w+)"/)![1]), isOwn ? ["a"] : []);
  });
}
