import { assert, assertEquals } from "@std/assert";
import { startUpstream, step } from "../../support/upstream.ts";
import { type CollectedSpan, type Collector, startCollector } from "./collector.ts";
import { startProgram, writeConfig } from "../../support/program.ts";
import { fetchInTime } from "../../support/wait.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const PARENT_ID = "b7ad6b7169203331";

/** Runs the server with a collector, sends one request, and stops it. */
async function traced(
  collector: Collector,
  { config = "", query = "", body = {}, env = {} }: {
    config?: string;
    query?: string;
    body?: Record<string, unknown>;
    env?: Record<string, string>;
  },
): Promise<{ traceparents: (string | null)[]; output: string }> {
  await using upstream = startUpstream(({ index }) =>
    [
      { content: step("Secret title", "SECRET thought") },
      { status: 503, body: "{}" },
      { content: step("B", "b", "final_answer") },
      { content: ["SECRET ", "answer"] },
    ][Math.min(index, 3)]!
  );
  await using file = await writeConfig(`
api_bearer_token: "t"
upstreams:
  scripted: { base_url: "${upstream.url}${query}", retry: { base_ms: 1 } }
models:
  o1: { strategy: steps, upstream: scripted, model: scripted-model, options: { min_steps: 2 } }
${config}`);
  const program = await startProgram({
    args: ["--config", file.path],
    env: { ...collector.env, ...env },
  });
  const response = await fetchInTime(`${program.url}/chat/completions`, {
    method: "POST",
    headers: {
      authorization: "Bearer t",
      traceparent: `00-${TRACE_ID}-${PARENT_ID}-01`,
      "x-request-id": "request-4711",
    },
    body: JSON.stringify({
      stream: true,
      messages: [{ role: "user", content: "SECRET question" }],
      ...body,
    }),
  });
  await response.text();
  await collector.metricsReceived;
  program.kill("SIGTERM");
  const { output } = await program.ended;
  return {
    traceparents: upstream.calls.map((call) => call.headers.get("traceparent")),
    output,
  };
}

function only(spans: CollectedSpan[], name: string): CollectedSpan {
  const found = spans.filter((span) => span.name === name);
  assertEquals(found.length, 1, `${name} among ${spans.map((span) => span.name).join(", ")}`);
  return found[0]!;
}

Deno.test("the spans of a request are connected, from the client to the upstream", async () => {
  await using collector = startCollector();
  const { traceparents } = await traced(collector, {});
  const spans = collector.spans.filter(({ traceId }) => traceId === TRACE_ID);
  const http = only(spans, "POST /chat/completions");
  assertEquals([http.parentSpanId, http.kind], [PARENT_ID, 2]);
  assertEquals(http.attributes["http.route"], "/chat/completions");
  const request = only(spans, "chat o1");
  assertEquals(request.parentSpanId, http.spanId);
  assertEquals(request.attributes["o1_api.request.id"], "request-4711");
  assertEquals(request.attributes["gen_ai.request.model"], "o1");
  assertEquals(request.attributes["gen_ai.response.finish_reasons"], ["stop"]);
  const strategy = only(spans, "strategy steps");
  assertEquals(strategy.parentSpanId, request.spanId);
  for (const name of ["step 1", "step 2"]) {
    assertEquals(only(spans, name).parentSpanId, strategy.spanId);
  }
  const calls = spans.filter(({ name }) => name === "chat scripted-model");
  assertEquals(calls.map(({ parentSpanId }) => parentSpanId), Array(3).fill(strategy.spanId));
  assertEquals(calls.map(({ kind }) => kind), [3, 3, 3]);
  assertEquals(calls.map((call) => call.attributes["o1_api.role"]), ["step", "step", "answer"]);
  assertEquals(calls.map((call) => Number(call.attributes["gen_ai.usage.output_tokens"])), [
    ...[5, 5, 5],
  ]);
  assertEquals(calls.map(({ events }) => events), [[], ["retry"], []]);
  // Deno creates a span for each fetch below the span of its call, and sends it to the upstream.
  const fetches = spans.filter(({ name, kind }) => name === "POST" && kind === 3);
  const ids = calls.map(({ spanId }) => spanId);
  assertEquals(fetches.map(({ parentSpanId }) => parentSpanId), [ids[0], ids[1], ids[1], ids[2]]);
  assertEquals(traceparents, fetches.map(({ spanId }) => `00-${TRACE_ID}-${spanId}-01`));
});

Deno.test("spans contain no texts and no keys from upstream URLs, even with a parent-based sampler", async () => {
  await using collector = startCollector();
  await traced(collector, {
    query: "?key=UPSTREAM-KEY",
    env: { OTEL_TRACES_SAMPLER: "parentbased_always_on" },
  });
  only(collector.spans, "strategy steps");
  for (const secret of ["SECRET", "Secret", "UPSTREAM-KEY"]) {
    const at = collector.text().indexOf(secret);
    assertEquals(at < 0 ? "" : collector.text().slice(at - 200, at + 50), "", secret);
  }
});

Deno.test("with traces.contents spans contain questions and answers", async () => {
  await using collector = startCollector();
  await traced(collector, { config: "traces: { contents: true }" });
  const calls = collector.spans.filter(({ name }) => name === "chat scripted-model");
  const messages = JSON.parse(String(calls[2]!.attributes["gen_ai.input.messages"]));
  assertEquals(messages[1], {
    role: "user",
    parts: [{ type: "text", content: "SECRET question" }],
  });
  assertEquals(JSON.parse(String(calls[2]!.attributes["gen_ai.output.messages"])), [
    { role: "assistant", parts: [{ type: "text", content: "SECRET answer" }] },
  ]);
  assertEquals(only(collector.spans, "step 1").attributes["o1_api.step.title"], "Secret title");
});

Deno.test("OpenTelemetry receives the metrics of /metrics under their standard names", async () => {
  await using collector = startCollector();
  await traced(collector, {});
  for (
    const name of [
      "gen_ai.server.request.duration",
      "gen_ai.server.time_to_first_token",
      "gen_ai.client.token.usage",
      "gen_ai.client.operation.duration",
      "o1_api.requests",
      "o1_api.overhead",
      "o1_api.upstream.retries",
      "o1_api.upstream.breaker.open",
      "process.memory.usage",
    ]
  ) {
    assert(collector.metrics.has(name), `${name} in ${[...collector.metrics].join(", ")}`);
  }
});

Deno.test("the spans of a failed request have an error type", async () => {
  await using collector = startCollector();
  await traced(collector, { body: { model: "o1", reasoning: { strategy: "direct", nope: 1 } } });
  const http = only(collector.spans, "POST /chat/completions");
  assertEquals(http.attributes["error.type"], "client_invalid_request");
});
