import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { mcp } from "../../../lib/tools/mcp/kind.ts";
import { waitUntil } from "../../support/wait.ts";
import { callTool, listTools, openSource, rpc, serve, textOf, TOOL } from "./servers.ts";

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));

const EVERYTHING = {
  command: Deno.execPath(),
  args: [
    "run",
    "-A",
    "--no-prompt",
    "--frozen",
    "--config",
    path("../../deno.json"),
    path("./everything.ts"),
  ],
  connect_ms: 60_000,
};

/** The official package waits for the end of a program with timers that it leaves behind. */
const LEAVES_TIMERS = { sanitizeOps: false, sanitizeResources: false };

Deno.test(
  "the server 'everything' of the MCP project works over its input and output",
  LEAVES_TIMERS,
  async () => {
    const warnings: string[] = [];
    await using source = openSource(
      { everything: EVERYTHING },
      (text) => warnings.push(text),
    );
    const names = (await listTools(source)).map(({ name }) => name);
    assertEquals(warnings, []);
    assert(names.includes("everything__echo"), names.join());
    const echo = await callTool(source, "everything__echo", { message: "hello" });
    assertEquals(textOf(echo), "Echo: hello");
    const sum = await callTool(source, "everything__get-sum", { a: 19, b: 23 });
    assertStringIncludes(textOf(sum), "42");
    const invalid = await callTool(source, "everything__get-sum", { a: "x" });
    assertEquals(invalid.isError, true);
    const reports: string[] = [];
    const args = { duration: 1, steps: 2 };
    const long = await callTool(source, "everything__trigger-long-running-operation", args, {
      onProgress: (text) => reports.push(text),
    });
    assertStringIncludes(textOf(long), "completed");
    assertEquals(reports[0], "1 of 2");
  },
);

const MATH = {
  command: Deno.execPath(),
  args: ["run", "--no-prompt", "--allow-env", path("../../clients/agents/math_server.ts")],
  connect_ms: 60_000,
};

Deno.test(
  "a program that has ended is started again, and gets none of the server's variables",
  LEAVES_TIMERS,
  async () => {
    // Tests in parallel have the same variables: not the name of one that the program reads.
    const leak = "O1_API_SECRET_OF_A_TEST";
    Deno.env.set(leak, "secret");
    try {
      const script = `
      const lines = [];
      for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
        for (const line of chunk.split("\\n").filter(Boolean)) {
          const { id, method } = JSON.parse(line);
          const answer = (result) => console.log(JSON.stringify({ jsonrpc: "2.0", id, result }));
          if (method === "initialize") answer({ protocolVersion: "2025-06-18",
            capabilities: { tools: {} }, serverInfo: { name: "a", version: "1" } });
          if (method === "tools/list") answer({ tools: [${JSON.stringify(TOOL)}] });
          if (method === "tools/call") {
            answer({ content: [{ type: "text", text: Object.keys(Deno.env.toObject()).join() }] });
            setTimeout(() => Deno.exit(), 20);
          }
        }
      }`;
      const file = await Deno.makeTempFile({ suffix: ".js" });
      await Deno.writeTextFile(file, script);
      const args = ["run", "--no-prompt", "--allow-env", file];
      await using source = openSource({
        a: { command: Deno.execPath(), args, env: { OWN: "1" }, connect_ms: 60_000 },
      });
      for (let run = 0; run < 2; run++) {
        let variables = "";
        // It may end while the call is sent.
        await waitUntil("an answer", async () => {
          const result = await callTool(source, "a__echo");
          variables = textOf(result);
          return result.isError !== true;
        });
        assertStringIncludes(variables, "OWN");
        assertEquals(variables.split(",").includes(leak), false);
      }
      await Deno.remove(file);
    } finally {
      Deno.env.delete(leak);
    }
  },
);

Deno.test("programs are ended when the configuration is closed", LEAVES_TIMERS, async () => {
  const source = openSource({ math: MATH });
  assertEquals(textOf(await callTool(source, "math__add", { a: 1, b: 2 })), "3");
  await source.close();
});

Deno.test(
  "a program that can't be started or is not a server does not remove the tools of others",
  LEAVES_TIMERS,
  async () => {
    const warnings: string[] = [];
    await using source = openSource({
      missing: { command: "/no/such/program" },
      silent: { command: Deno.execPath(), args: ["eval", ""] },
      math: MATH,
    }, (text) => warnings.push(text));
    assertEquals((await listTools(source)).map(({ name }) => name), ["math__add"]);
    assertEquals(warnings.map((text) => text.split(":")[0]).sort(), [
      "MCP server missing",
      "MCP server silent",
    ]);
  },
);

Deno.test("a program needs the permission to run it", () => {
  const settings = mcp.options.parse({
    servers: { a: { command: "/usr/bin/program", allow: ["*"] } },
  });
  const before = Deno.permissions.querySync;
  Deno.permissions.querySync = (descriptor) => {
    assertEquals(descriptor, { name: "run", command: "/usr/bin/program" });
    return { state: "prompt" } as Deno.PermissionStatus;
  };
  try {
    assertEquals(
      mcp.fault?.({ onDeploy: false }, settings as never),
      "start Deno with --allow-run=/usr/bin/program for the server 'a'",
    );
  } finally {
    Deno.permissions.querySync = before;
  }
  const remote = mcp.options.parse({ servers: { a: { url: "http://localhost", allow: ["*"] } } });
  assertEquals(mcp.fault?.({ onDeploy: false }, remote as never), undefined);
});

/** Starts a server that speaks only the older HTTP with events. */
function serveLegacy() {
  let stream: ReadableStreamDefaultController<Uint8Array>;
  const encoder = new TextEncoder();
  const send = (event: string, data: string) =>
    stream.enqueue(encoder.encode(`event: ${event}\ndata: ${data}\n\n`));
  let endpoint = "/messages?session=1";
  let streams = 0;
  const server = serve(async (request) => {
    const { pathname } = new URL(request.url);
    if (request.method === "GET") {
      streams++;
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          stream = controller;
          send("endpoint", endpoint);
        },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    }
    if (pathname !== "/messages") return new Response(null, { status: 405 });
    const { id, method } = await request.json();
    const results: Record<string, unknown> = {
      "initialize": {
        protocolVersion: "2024-11-05",
        capabilities: { tools: {} },
        serverInfo: { name: "legacy", version: "1" },
      },
      "tools/list": { tools: [TOOL] },
      "tools/call": { content: [{ type: "text", text: `stream ${streams}` }] },
    };
    if (method in results) send("message", JSON.stringify(rpc(id, results[method])));
    return new Response(null, { status: 202 });
  });
  return Object.assign(server, {
    setEndpoint: (url: string) => endpoint = url,
    end: () => stream.close(),
    flood: () => stream.enqueue(new Uint8Array(5_000_000)),
  });
}

Deno.test("an older server is used over SSE, and reconnected when its stream ends or floods", async () => {
  await using server = serveLegacy();
  await using source = openSource({ a: { url: server.url } });
  for (const [number, stop] of [[1, server.end], [2, server.flood], [3, () => {}]] as const) {
    let text = "";
    await waitUntil(`stream ${number}`, async () => {
      text = textOf(await callTool(source, "a__echo"));
      return text === `stream ${number}`;
    });
    stop();
  }
});

Deno.test("an older server can't name another host for its messages", async () => {
  await using other = serve(() => new Response());
  await using server = serveLegacy();
  server.setEndpoint(other.url);
  const warnings: string[] = [];
  await using source = openSource({ a: { url: server.url } }, (text) => warnings.push(text));
  assertEquals(await listTools(source), []);
  assertEquals(other.requests, []);
  assertEquals(warnings.length, 1);
});

const FAULTS: [server: Record<string, unknown>, fault: string][] = [
  [{ allow: ["*"] }, "set a url or a command"],
  [{ url: "http://a", command: "b", allow: ["*"] }, "set a url or a command, not both"],
  [{ url: "ftp://a", allow: ["*"] }, "http or https URL"],
  [{ url: "http://a" }, "allow"],
  [{ url: "http://a", allow: [] }, "allow"],
  [{ url: "http://a", allow: ["*"], args: ["b"] }, "args and env need a command"],
  [{ command: "a", allow: ["*"], headers: { b: "c" } }, "needs a url"],
  [{ url: "http://a", allow: ["*"], headers: { "b c": "d" } }, "not a valid header name"],
  [{ url: "http://a", allow: ["*"], headers: { b: "c\nd" } }, "one line"],
];

for (const [server, fault] of FAULTS) {
  Deno.test(`a server is rejected: ${JSON.stringify(server)}`, () => {
    const { error } = mcp.options.safeParse({ servers: { a: server } });
    assertStringIncludes(error?.message ?? "", fault);
  });
}

Deno.test("names of servers are short and plain", () => {
  for (const name of ["", "a b", "a.b", "x".repeat(25)]) {
    const servers = { [name]: { url: "http://a", allow: ["*"] } };
    assertEquals(mcp.options.safeParse({ servers }).success, false, name);
  }
});
