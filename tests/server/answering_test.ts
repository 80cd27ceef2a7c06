import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { answerWhole } from "../../lib/server/answering.ts";
import { Exchange } from "../../lib/server/exchange.ts";
import { createWorkRegister } from "../../lib/server/work.ts";
import type { ServerSettings } from "../../lib/config/resolve.ts";
import type { Collector } from "../../lib/api/dialect.ts";
import type { ReasoningEvent } from "../../lib/reasoning/events.ts";
import { createTestApp } from "../support/app.ts";
import { createFakeClock } from "../support/clock.ts";
import { waitFor } from "../support/wait.ts";

const refuse = () => Promise.reject(new Error("the store rejects the response"));
const circular: { self?: unknown } = {};
circular.self = circular;

for (
  const [name, collector] of [
    ["whose failure can't be written", { push: refuse, whole: () => ({}), failed: refuse }],
    ["that can't be written as JSON", { push() {}, whole: () => circular }],
  ] as const satisfies readonly (readonly [string, Collector])[]
) {
  Deno.test(`a JSON body with heartbeats ${name} ends with an error, and so does its request`, async () => {
    const time = createFakeClock();
    const register = createWorkRegister(time.clock);
    const request = new Request("http://localhost/v1/chat/completions");
    const exchange = new Exchange(request, register.begin(), 0, () => undefined);
    const ends: unknown[] = [];
    exchange.onFinish((error) => ends.push(error));
    const gate = Promise.withResolvers<void>();
    async function* events(): AsyncGenerator<ReasoningEvent> {
      await gate.promise;
      yield { type: "answer", text: "4" };
    }
    const answer = answerWhole({
      events: events(),
      writer: {
        collector: () => collector,
        encoder: () => {
          throw new Error("not a stream");
        },
      },
      exchange,
      settings: { json_heartbeat: true, heartbeat_ms: 1_000 } as ServerSettings,
      clock: time.clock,
    });
    await time.advance(1_000);
    const response = await answer;
    gate.resolve();
    await waitFor("the body to end", assertRejects(() => response.text()));
    assertEquals(ends.length, 1);
    await register.idle();
    assertEquals(time.pending(), 0);
  });
}

Deno.test("the time limit ends a stream whose client does not read", async () => {
  const time = createFakeClock();
  const lines: string[] = [];
  const frame = `data: ${
    JSON.stringify({ choices: [{ delta: { content: "word ".repeat(4_000) } }] })
  }\n\n`;
  const bytes = new TextEncoder().encode(frame);
  const endless = () => new ReadableStream({ pull: (controller) => controller.enqueue(bytes) });
  const app = await createTestApp({
    upstream: "http://127.0.0.1:3/v1",
    yaml: `
server: { stream_timeout_ms: 60000 }
upstreams: { u: { base_url: UPSTREAM } }
models: { plain: { upstream: u, model: x, strategy: direct } }
`,
    fetch: () =>
      Promise.resolve(
        new Response(endless(), { headers: { "content-type": "text/event-stream" } }),
      ),
    clock: time.clock,
    lines,
  });
  const { body } = await app.chat({ model: "plain", stream: true });
  const reader = body!.getReader();
  await reader.read();
  await time.advance(60_000);
  await time.advance(10_000);
  await assertRejects(async () => {
    while (!(await reader.read()).done);
  });
  const line = lines.find((line) => line.includes("/chat/completions")) ?? "";
  assertStringIncludes(line, "request_timeout");
});
