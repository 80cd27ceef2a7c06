import { assert, assertEquals } from "@std/assert";
import { createTestApp } from "../../support/app.ts";

const MB = 1_048_576;

/** More than any answer may have, so that the test ends even if nothing stops the upstream. */
const MAX_SENT = 200 * MB;

/** Starts an upstream whose answers repeat a frame. */
function startEndlessUpstream(frame: string) {
  const bytes = new TextEncoder().encode(frame.repeat(Math.ceil(65_536 / frame.length)));
  let sent = 0;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    await request.text();
    const body = new ReadableStream({
      pull(controller) {
        controller.enqueue(bytes);
        sent += bytes.byteLength;
        if (sent > MAX_SENT) controller.close();
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/v1`,
    sent: () => sent,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const DELTAS = {
  content: { content: "x".repeat(500) },
  reasoning: { reasoning_content: "x".repeat(500) },
  refusal: { refusal: "x".repeat(500) },
  "arguments of a tool": {
    tool_calls: [{ index: 0, id: "a", function: { name: "f", arguments: "x".repeat(500) } }],
  },
  "arguments without a name": {
    tool_calls: [{ index: 0, function: { arguments: "x".repeat(500) } }],
  },
  "empty pieces of tools": {
    tool_calls: [{ function: { name: "f" } }, { function: { name: "f" } }],
  },
};

for (const stream of [false, true]) {
  for (const [name, delta] of Object.entries(DELTAS)) {
    Deno.test(`an endless upstream is cut off: ${name}, stream: ${stream}`, async () => {
      const frame = { choices: [{ index: 0, delta, finish_reason: null }] };
      await using upstream = startEndlessUpstream(`data: ${JSON.stringify(frame)}\n\n`);
      const app = await createTestApp({
        upstream: upstream.url,
        // A busy machine may need longer than the default to see the end.
        yaml: `
server: { max_retries: 0, commit_after_ms: 60000 }
upstreams: { u: { base_url: UPSTREAM } }
models: { m: { upstream: u, model: x } }
`,
      });
      const response = await app.chat({ model: "m", stream });
      // Nothing can be shown of a tool call without a name.
      const isShown = stream && name !== "arguments without a name";
      assertEquals(response.status, isShown ? 200 : 502);
      assert((await response.text()).includes("The upstream's answer is too large."));
      assert(upstream.sent() < 64 * MB, `${upstream.sent()} bytes were read`);
    });
  }
}

Deno.test("the maximum size of an answer depends on its token limit", async () => {
  const frame = { choices: [{ index: 0, delta: DELTAS.content, finish_reason: null }] };
  await using upstream = startEndlessUpstream(`data: ${JSON.stringify(frame)}\n\n`);
  const app = await createTestApp({ upstream: upstream.url });
  const response = await app.chat({ model: "plain", max_tokens: 1_000, stream: true });
  const text = await response.text();
  assert(text.length < MB, `${text.length} characters`);
});
