import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
// @ts-types="@modelcontextprotocol/sdk/server/mcp"
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import { waitFor, waitUntil } from "../../support/wait.ts";
import { callTool, listTools, openSource, rpc, serveByHand, serveSdk, textOf } from "./servers.ts";

function registerAdd(server: McpServer): void {
  server.registerTool(
    "add",
    { description: "Adds.", inputSchema: { a: z.number(), b: z.number() } },
    ({ a, b }) => ({ content: [{ type: "text", text: String(a + b) }] }),
  );
}

Deno.test("a server's tools are listed and called over Streamable HTTP, with the configured headers", async () => {
  await using server = serveSdk(registerAdd);
  const headers = { authorization: "Bearer key-1" };
  await using source = openSource({ calculator: { url: server.url, headers } });
  const [tool] = await listTools(source);
  assertEquals([tool!.name, tool!.description], ["calculator__add", "Adds."]);
  assertEquals((tool!.parameters as { required: string[] }).required, ["a", "b"]);
  assertEquals(await callTool(source, "calculator__add", { a: 19, b: 23 }), {
    content: [{ type: "text", text: "42" }],
  });
  const sent = new Set(server.requests.map((request) => request.headers.get("authorization")));
  assertEquals(sent, new Set(["Bearer key-1"]));
});

Deno.test("tools are listed once, and the connection is kept", async () => {
  await using server = serveSdk(registerAdd);
  await using source = openSource({ calculator: { url: server.url } });
  for (let i = 0; i < 3; i++) await callTool(source, "calculator__add", { a: i, b: 1 });
  const methods: string[] = [];
  for (const request of server.requests) {
    if (request.method === "POST") methods.push((await request.json()).method);
  }
  assertEquals(methods, [
    "initialize",
    "notifications/initialized",
    "tools/list",
    ...Array(3).fill("tools/call"),
  ]);
});

Deno.test("only tools on the list are offered", async () => {
  await using server = serveSdk((server) => {
    registerAdd(server);
    server.registerTool("delete_all", {}, () => ({ content: [] }));
  });
  await using source = openSource({ a: { url: server.url, allow: ["add", "no_such_tool"] } });
  assertEquals((await listTools(source)).map(({ name }) => name), ["a__add"]);
});

Deno.test("invalid arguments and failures of a tool are results", async () => {
  await using server = serveSdk((server) => {
    registerAdd(server);
    server.registerTool("fail", {}, () => {
      throw new Error("out of order");
    });
  });
  await using source = openSource({ a: { url: server.url } });
  const invalid = await callTool(source, "a__add", { a: "x" });
  assertEquals(invalid.isError, true);
  assertStringIncludes(textOf(invalid), "Invalid");
  const failed = await callTool(source, "a__fail");
  assertEquals([failed.isError, textOf(failed)], [true, "out of order"]);
  for (const args of [null, undefined, "text", [1]]) {
    assertEquals((await callTool(source, "a__fail", args ?? null)).isError, true);
  }
});

Deno.test("a server that has forgotten its session is reconnected", async () => {
  await using server = serveSdk(registerAdd);
  await using source = openSource({ a: { url: server.url } });
  assertEquals(textOf(await callTool(source, "a__add", { a: 1, b: 1 })), "2");
  server.forget();
  assertEquals(textOf(await callTool(source, "a__add", { a: 2, b: 2 })), "4");
});

Deno.test("progress is reported, and aborting cancels the call at the server", async () => {
  let isCancelled = false;
  await using server = serveSdk((server) => {
    server.registerTool("work", {}, async (extra) => {
      const { progressToken } = extra._meta ?? {};
      const progress = { progressToken: progressToken!, progress: 1, total: 2 };
      await extra.sendNotification({ method: "notifications/progress", params: progress });
      await new Promise((resolve) => extra.signal.addEventListener("abort", resolve));
      isCancelled = true;
      return { content: [] };
    });
  });
  await using source = openSource({ a: { url: server.url } });
  const controller = new AbortController();
  const reported = Promise.withResolvers<string>();
  const running = callTool(source, "a__work", {}, {
    signal: controller.signal,
    onProgress: reported.resolve,
  });
  assertEquals(await waitFor("progress", reported.promise), "1 of 2");
  controller.abort(new Error("the client disconnected"));
  await assertRejects(() => running, Error, "the client disconnected");
  await waitUntil("the cancellation", () => isCancelled);
});

Deno.test("calls run in parallel over one connection", async () => {
  const both = Promise.withResolvers<void>();
  let running = 0;
  await using server = serveSdk((server) => {
    server.registerTool("meet", {}, async () => {
      if (++running === 2) both.resolve();
      await both.promise;
      return { content: [{ type: "text", text: "met" }] };
    });
  });
  await using source = openSource({ a: { url: server.url } });
  const results = await Promise.all([callTool(source, "a__meet"), callTool(source, "a__meet")]);
  assertEquals(results.map(textOf), ["met", "met"]);
});

Deno.test("as many calls as a response may approve run at the same time, with long results", async () => {
  const calls = 64;
  const all = Promise.withResolvers<void>();
  let running = 0;
  await using server = serveByHand({
    "tools/call": async ({ id }) => {
      if (++running === calls) all.resolve();
      await all.promise;
      return rpc(id, { content: [{ type: "text", text: "x".repeat(100_000) }] });
    },
  });
  await using source = openSource({ a: { url: server.url, max_characters: 200_000 } });
  const results = await Promise.all(
    Array.from({ length: calls }, () => callTool(source, "a__echo")),
  );
  for (const result of results) assertEquals(textOf(result).length, 100_000);
});

Deno.test("the unused size limit of earlier calls is not added to that of a call", async () => {
  let isHostile = false;
  let sent = 0;
  await using server = serveByHand({
    "tools/call": ({ id }) => {
      if (!isHostile) return rpc(id, { content: [{ type: "text", text: "hello" }] });
      const piece = new TextEncoder().encode(" ".repeat(65_536));
      const body = new ReadableStream({
        pull(controller) {
          sent += piece.length;
          controller.enqueue(piece);
        },
      });
      return new Response(body, { headers: { "content-type": "application/json" } });
    },
  });
  await using source = openSource({ a: { url: server.url } });
  for (let wave = 0; wave < 4; wave++) {
    const texts = await Promise.all(
      Array.from({ length: 8 }, async () => textOf(await callTool(source, "a__echo"))),
    );
    assertEquals(texts, Array(8).fill("hello"));
  }
  isHostile = true;
  assertEquals(textOf(await callTool(source, "a__echo")), "The MCP server sent too much.");
  // What the sockets hold is sent, but not read.
  assert(sent < 24_000_000, `${sent} bytes`);
});

Deno.test("pictures, links and embedded texts are passed on, other parts named", async () => {
  await using server = serveSdk((server) => {
    server.registerTool("show", {}, () => ({
      content: [
        { type: "image", data: "aGVsbG8=", mimeType: "image/png" },
        { type: "audio", data: "aGVsbG8=", mimeType: "audio/wav" },
        { type: "resource", resource: { uri: "file:///a", text: "embedded" } },
        { type: "resource_link", uri: "https://example.com/b", name: "B" },
        { type: "image", data: "aGVsbG8=", mimeType: "image/svg+xml" },
      ],
    }));
    server.registerTool("nothing", {}, () => ({ content: [] }));
  });
  await using source = openSource({ a: { url: server.url } });
  assertEquals((await callTool(source, "a__show")).content, [
    { type: "image", url: "data:image/png;base64,aGVsbG8=" },
    { type: "text", text: "(A part of the type audio was left out.)" },
    { type: "text", text: "embedded" },
    { type: "text", text: "B: https://example.com/b" },
    { type: "text", text: "(A part of the type image was left out.)" },
  ]);
  assertEquals(textOf(await callTool(source, "a__nothing")), "(The result is empty.)");
});
