/**
 * An MCP server with one tool, over standard input and output.
 *
 * @see {@link https://modelcontextprotocol.io/specification}
 * @module
 */
import { createInterface } from "node:readline";
import process from "node:process";

// deno-lint-ignore no-explicit-any -- the client is trusted
const RESULTS: Readonly<Record<string, (params: any) => unknown>> = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "math", version: "1.0.0" },
  }),
  "tools/list": () => ({
    tools: [{
      name: "add",
      description: "Adds two numbers.",
      inputSchema: {
        type: "object",
        properties: { a: { type: "number" }, b: { type: "number" } },
      },
    }],
  }),
  "tools/call": ({ arguments: { a, b } }) => ({
    content: [{ type: "text", text: String(a + b) }],
  }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  // A message without an id is a notification.
  if (id === undefined) continue;
  const result = RESULTS[method]?.(params);
  const error = { code: -32601, message: "Method not found" };
  console.log(JSON.stringify({ jsonrpc: "2.0", id, ...(result ? { result } : { error }) }));
}
