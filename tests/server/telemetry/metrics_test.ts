import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { METRICS, prometheusName } from "../../../lib/server/telemetry/metric_table.ts";
import { createTestApp, readStream, type TestApp } from "../../support/app.ts";
import { createFakeClock } from "../../support/clock.ts";
import { isThinking, type Reply, startUpstream, step } from "../../support/upstream.ts";
import { parseScrape, type Scrape } from "../../support/parsers/scrape.ts";

const YAML = `
upstreams:
  first:
    base_url: UPSTREAM
    retry: { max_attempts: 2, base_ms: 1 }
    breaker: { min_calls: 2 }
    price: { input: 100, cached_input: 10, output: 1000 }
  second: { base_url: UPSTREAM, use_n: false }
models:
  o1: { strategy: steps, upstream: first, model: m, options: { min_steps: 1 } }
  plain: { strategy: direct, upstream: first, model: m }
  two: { strategy: direct, upstream: [first, second], model: m }
  vote: { strategy: vote, upstream: second, model: m }
`;

async function scrape(app: TestApp): Promise<Scrape> {
  const response = await app.send("/metrics");
  assertEquals(response.status, 200);
  assertStringIncludes(response.headers.get("content-type")!, "text/plain; version=0.0.4");
  return parseScrape(await response.text());
}

const thinking = (reply: Reply) => (call: Parameters<typeof isThinking>[0]) =>
  isThinking(call) ? { ...reply, content: step("A", "b", "final_answer") } : reply;

Deno.test("the sums match the upstream's counts", async () => {
  const usage = {
    prompt_tokens: 100,
    completion_tokens: 20,
    prompt_tokens_details: { cached_tokens: 40 },
  };
  await using upstream = startUpstream(thinking({ content: ["One", " two"], usage }));
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML });
  for (const model of ["o1", "plain", "plain"]) {
    for (const stream of [true, false]) await (await app.chat({ model, stream })).text();
  }
  const calls = upstream.calls.length;
  const shown = await scrape(app);
  assertEquals(calls, 8);
  const tokens = (type: string) =>
    shown.sum("gen_ai_client_token_usage_sum", { gen_ai_token_type: type });
  assertEquals(tokens("input"), calls * 100);
  assertEquals(tokens("cached"), calls * 40);
  assertEquals(tokens("output"), calls * 20);
  assertEquals(tokens("reasoning"), 2 * 20);
  const usd = calls * (60 * 100 + 40 * 10 + 20 * 1000) / 1e6;
  assert(Math.abs(shown.sum("o1_api_cost_usd_total") - usd) < 1e-9);
  const sent = { gen_ai_provider_name: "first", gen_ai_request_model: "m" };
  assertEquals(shown.sum("gen_ai_client_operation_duration_seconds_count", sent), calls);
  const labels = { o1_api_dialect: "chat", http_response_status_code: "200" };
  assertEquals(shown.sum("o1_api_requests_total", labels), 6);
  const o1 = { gen_ai_request_model: "o1", o1_api_strategy: "steps" };
  assertEquals(shown.sum("o1_api_requests_total", { ...labels, ...o1 }), 2);
  assertEquals(shown.sum("gen_ai_server_request_duration_seconds_count", o1), 2);
  assertEquals(shown.sum("o1_api_overhead_seconds_count"), 6);
  assertEquals(shown.sum("o1_api_tokens_wasted_total"), 0);
  assertEquals(shown.sum("o1_api_requests_active"), 1, "the scrape itself");
  assertEquals(shown.sum("o1_api_streams_active"), 0);
  assert(shown.sum("process_memory_usage_bytes") > 1e6);
});

Deno.test("every metric is declared once, and the buckets of histograms are cumulative", async () => {
  await using upstream = startUpstream([{ content: ["One", " two"] }]);
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML });
  await (await app.chat({ model: "plain", stream: true })).text();
  const { types, samples } = await scrape(app);
  assertEquals(
    Object.fromEntries(types),
    Object.fromEntries(Object.values(METRICS).map((spec) => [prometheusName(spec), spec.type])),
  );
  const infinite = samples.filter(({ labels }) => labels.le === "+Inf");
  assert(infinite.length > 5);
  for (const { name, labels: { le: _, ...labels }, value } of infinite) {
    const same = samples.filter((sample) =>
      JSON.stringify({ ...sample.labels, le: undefined }) === JSON.stringify(labels)
    );
    const buckets = same.filter((sample) => sample.name === name).map((sample) => sample.value);
    assertEquals(buckets, [...buckets].sort((a, b) => a - b));
    const count = same.find((sample) => sample.name === name.replace("_bucket", "_count"));
    assertEquals(count?.value, value);
  }
});

Deno.test("times start at the request, and overhead excludes the time of upstream calls", async () => {
  const { clock, advance } = createFakeClock();
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  await using upstream = startUpstream([{
    reasoning: ["hm"],
    content: ["One", "two"],
    usage: {
      prompt_tokens: 1,
      completion_tokens: 6,
      completion_tokens_details: { reasoning_tokens: 1 },
    },
    gate: (frame) => gates[frame]?.promise,
  }]);
  gates[0]!.resolve();
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML, clock });
  const pending = app.chat({ model: "plain", stream: true });
  // The request reaches the upstream before time advances.
  await upstream.called();
  await advance(500);
  gates[1]!.resolve();
  const stream = readStream(await pending);
  await stream.until(({ reasoning }) => reasoning !== "");
  await advance(1500);
  gates[2]!.resolve();
  await stream.until(({ content }) => content !== "");
  await advance(2000);
  gates[3]!.resolve();
  await stream.until(({ done }) => done);
  await stream.cancel();
  const shown = await scrape(app);
  const first = "gen_ai_server_time_to_first_token_seconds_sum";
  assertEquals(shown.sum(first, { o1_api_part: "reasoning" }), 0.5);
  assertEquals(shown.sum(first, { o1_api_part: "answer" }), 2);
  assertEquals(shown.sum("gen_ai_server_time_per_output_token_seconds_sum"), 2 / 4);
  assertEquals(shown.sum("gen_ai_server_request_duration_seconds_sum"), 4);
  assertEquals(shown.sum("gen_ai_client_operation_duration_seconds_sum"), 4);
  assertEquals(shown.sum("o1_api_overhead_seconds_sum"), 0);
});

Deno.test("time of parallel calls is counted once", async () => {
  const { clock, advance } = createFakeClock();
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  await using upstream = startUpstream(({ index }) => ({
    content: "The answer is 4.\nFinal answer: 4",
    before: gates[index]!.promise,
  }));
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML, clock });
  const pending = app.chat({ model: "vote" });
  await upstream.called(4);
  for (const gate of gates) {
    await advance(1000);
    gate.resolve();
  }
  assertEquals((await pending).status, 200);
  const shown = await scrape(app);
  const calls = "gen_ai_client_operation_duration_seconds";
  assertEquals(shown.sum(`${calls}_count`), 4);
  assert(shown.sum(`${calls}_sum`) > 4);
  assertEquals(shown.sum("gen_ai_server_request_duration_seconds_sum"), 4);
  assertEquals(shown.sum("o1_api_overhead_seconds_sum"), 0);
});

Deno.test("a request that joins another's run is counted, but the tokens only once", async () => {
  const gate = Promise.withResolvers<void>();
  await using upstream = startUpstream([{ content: "Four.", before: gate.promise }]);
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML });
  const ask = () => app.chat({ model: "plain" }, { headers: { "idempotency-key": "same" } });
  // From now on the token is accepted without hashing, which would delay one of the two.
  await scrape(app);
  const both = [ask(), ask()];
  // The second request follows the same path and joins before the call arrives.
  await upstream.called();
  gate.resolve();
  for (const response of await Promise.all(both)) assertEquals(response.status, 200);
  assertEquals(upstream.calls.length, 1);
  const shown = await scrape(app);
  assertEquals(shown.sum("o1_api_requests_total", { o1_api_strategy: "direct" }), 2);
  assertEquals(shown.sum("gen_ai_client_token_usage_sum", { gen_ai_token_type: "output" }), 5);
  assertEquals(shown.sum("o1_api_overhead_seconds_count"), 1);
});

Deno.test("retries, fallbacks and an open breaker are counted under the upstream's name", async () => {
  await using upstream = startUpstream(({ index }) =>
    index < 2 ? { status: 503, body: "{}" } : { content: "Four." }
  );
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML });
  const before = await scrape(app);
  const first = { gen_ai_provider_name: "first" };
  assertEquals(before.sum("o1_api_upstream_breaker_open", first), 0);
  assertEquals((await app.chat({ model: "two" })).status, 200);
  const shown = await scrape(app);
  const error = { error_type: "upstream_overloaded" };
  assertEquals(shown.sum("o1_api_upstream_retries_total", { ...first, ...error }), 1);
  assertEquals(shown.sum("o1_api_upstream_fallbacks_total", first), 1);
  assertEquals(shown.sum("o1_api_upstream_fallbacks_total"), 1);
  const calls = "gen_ai_client_operation_duration_seconds_count";
  assertEquals(shown.sum(calls, { ...first, ...error }), 2);
  assertEquals(shown.sum(calls, { gen_ai_provider_name: "second" }), 1);
  assertEquals(shown.sum("o1_api_upstream_breaker_open", first), 1);
  assertEquals(shown.sum("o1_api_upstream_breaker_open", { gen_ai_provider_name: "second" }), 0);
});

Deno.test("failures are labelled with status and type", async () => {
  await using upstream = startUpstream([{ status: 401, body: "{}" }]);
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML });
  await (await app.chat({ model: "plain" })).text();
  await (await app.chat({ model: "nope" })).text();
  await (await app.chat({ messages: 7 })).text();
  await (await app.send("/v1/nowhere\x1b[31m")).text();
  await (await app.send("/v1/models", undefined, { headers: { authorization: "" } })).text();
  const shown = await scrape(app);
  const counted = shown.samples.filter(({ name }) => name === "o1_api_requests_total")
    .map(({ labels }) => labels);
  assertEquals(counted, [
    {
      o1_api_dialect: "chat",
      gen_ai_request_model: "plain",
      o1_api_strategy: "direct",
      http_response_status_code: "424",
      error_type: "upstream_auth",
    },
    {
      o1_api_dialect: "chat",
      http_response_status_code: "404",
      error_type: "client_not_found",
    },
    {
      o1_api_dialect: "chat",
      http_response_status_code: "400",
      error_type: "client_invalid_request",
    },
    {
      o1_api_dialect: "other",
      http_response_status_code: "404",
      error_type: "client_not_found",
    },
    {
      o1_api_dialect: "other",
      http_response_status_code: "401",
      error_type: "client_unauthorized",
    },
  ]);
});

Deno.test("a client that disconnects is counted once, with the wasted tokens", async () => {
  await using upstream = startUpstream([{
    content: ["x".repeat(400)],
    end: "stall",
    usage: null,
    finish: null,
  }]);
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML });
  const stream = readStream(await app.chat({ model: "plain", stream: true }));
  await stream.until(({ content }) => content !== "");
  assertEquals((await scrape(app)).sum("o1_api_streams_active"), 1);
  await stream.cancel();
  await upstream.calls[0]!.left;
  const shown = await scrape(app);
  assertEquals(shown.sum("o1_api_streams_active"), 0);
  const left = { error_type: "client_left", gen_ai_request_model: "plain" };
  assertEquals(
    shown.sum("o1_api_requests_total", { ...left, http_response_status_code: "499" }),
    1,
  );
  assertEquals(shown.sum("o1_api_tokens_wasted_total", left), 100);
  assertEquals(
    shown.sum("gen_ai_client_operation_duration_seconds_count", { error_type: "cancelled" }),
    1,
  );
});

Deno.test("requests without a valid model create no new series", async () => {
  await using upstream = startUpstream([{ content: "Four." }]);
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML });
  const names = async () => (await scrape(app)).samples.length;
  await (await app.chat({ model: "made-up-0" })).text();
  await names();
  const before = await names();
  for (let i = 1; i < 50; i++) {
    await (await app.chat({ model: `made-up-${i}` })).text();
    await (await app.send(`/v1/made-up-${i}`)).text();
    await (await app.chat({ model: "plain", reasoning: { strategy: `made-up-${i}` } })).text();
  }
  assert(await names() <= before + 2);
});

Deno.test("/metrics requires the token, and does not exist if it is off or on its own port", async () => {
  await using upstream = startUpstream([]);
  const app = await createTestApp({ upstream: upstream.url, yaml: YAML });
  const refused = await app.send("/metrics", undefined, { headers: { authorization: "" } });
  assertEquals(refused.status, 401);
  await refused.body?.cancel();
  for (const metrics of ["enabled: false", "port: 9999"]) {
    const yaml = `${YAML}\nmetrics: { ${metrics} }`;
    const other = await createTestApp({ upstream: upstream.url, yaml });
    const response = await other.send("/metrics");
    assertEquals(response.status, 404);
    await response.body?.cancel();
    assertEquals(other.metrics === undefined, metrics === "enabled: false");
  }
});
