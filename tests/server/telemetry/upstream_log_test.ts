import { assertEquals, assertStringIncludes } from "@std/assert";
import { createTestApp, readStream } from "../../support/app.ts";
import { createFakeClock, passing } from "../../support/clock.ts";
import { type Reply, startUpstream } from "../../support/upstream.ts";

const KEY = "provider-key-4711";
const PROMPT = "What is my very secret diagnosis?";
const ANSWER = "The very secret answer is 42.";

const yaml = (urls: readonly string[], extra = "") => `
upstreams:
${
  urls.map((url, i) =>
    `  u${i}:
    base_url: ${url}
    api_key: ${KEY}
    price: { input: 1000000, output: 0 }
    retry: { max_attempts: 2, base_ms: 1000, max_ms: 5000 }
    breaker: { min_calls: 2, window_ms: 60000, cooldown_ms: 5000 }
`
  ).join("")
}
models:
  m: { upstream: [${urls.map((_, i) => `u${i}`).join(", ")}], model: x }
${extra}`;

const failing = (status: number, message: string, headers = {}): Reply => ({
  status,
  headers,
  body: JSON.stringify({ error: { message } }),
});

/** Asks once and returns the lines of the log, without those fields that differ in each run. */
async function logOf(urls: readonly string[], requests = [{ stream: false }], advanceMs = 0) {
  const lines: string[] = [];
  const fake = createFakeClock(() => new Promise((resolve) => setTimeout(resolve)));
  const app = await createTestApp({ upstream: "", yaml: yaml(urls), lines, clock: fake.clock });
  const body = { messages: [{ role: "user", content: PROMPT }] };
  for (const request of requests) {
    const response = app.chat({ ...body, ...request }, { headers: { "x-request-id": "r1" } });
    await (await passing(fake, response)).text();
    await fake.advance(advanceMs);
  }
  const log = lines.join("\n");
  for (const text of [KEY, PROMPT, ANSWER, "127.0.0.1"]) {
    assertEquals(log.includes(text), false, `${text} in ${log}`);
  }
  return lines.map((line) => {
    const { time: _, ms: _ms, ...fields } = JSON.parse(line);
    return fields;
  });
}

Deno.test("the log contains each failed attempt, the fallback, and the upstream that answered", async () => {
  await using a = startUpstream([
    failing(503, `Overloaded, ${KEY}, try http://127.0.0.1/status`),
    failing(429, `Too many tokens in: ${PROMPT}`, { "retry-after": "60" }),
  ]);
  await using b = startUpstream([{ content: ANSWER }]);
  const call = { level: "warn", message: "An upstream call failed", model: "x", request_id: "r1" };
  assertEquals(await logOf([a.url, b.url]), [
    {
      ...call,
      upstream: "u0",
      status: 503,
      cause: "upstream_overloaded",
      detail: "Overloaded, [key], try [url]",
      retry_in_ms: 500,
    },
    {
      level: "warn",
      message: "An upstream failed too often and is skipped",
      upstream: "u0",
      cooldown_ms: 5000,
    },
    {
      ...call,
      upstream: "u0",
      status: 429,
      cause: "upstream_rate_limit",
      detail: "[quotes the request]",
    },
    {
      level: "warn",
      message: "Another upstream is called instead",
      upstream: "u0",
      fallback: "u1",
      request_id: "r1",
    },
    {
      level: "info",
      message: "POST /chat/completions",
      status: 200,
      outcome: "ok",
      client: "token",
      dialect: "chat",
      model: "m",
      strategy: "direct",
      stream: false,
      retries: 1,
      upstream: "u1",
      calls: 1,
      prompt_tokens: 10,
      completion_tokens: 5,
      cost: 10,
      finish: "stop",
      request_id: "r1",
    },
  ]);
});

Deno.test("an upstream that answers again is logged once", async () => {
  await using a = startUpstream([failing(404, ""), failing(404, ""), { content: ANSWER }]);
  const once = { stream: false };
  const messages = (await logOf([a.url], [once, once, once, once], 6_000))
    .filter(({ level }) => level === "warn").map(({ message }) => message);
  assertEquals(messages, [
    "An upstream call failed",
    "An upstream failed too often and is skipped",
    "An upstream call failed",
    "An upstream answers again",
  ]);
});

Deno.test("the log contains why an upstream can't be reached", async () => {
  const [first] = await logOf(["http://127.0.0.1:2?key=secret-of-the-query"]);
  assertEquals([first.upstream, first.cause], ["u0", "upstream_unreachable"]);
  assertStringIncludes(first.detail, "Connection refused");
  assertEquals(first.detail.includes("secret-of-the-query"), false);
});

Deno.test("the log contains a failure after the first output", async () => {
  const received = Promise.withResolvers<void>();
  await using a = startUpstream([{
    frames: [
      { choices: [{ index: 0, delta: { content: ANSWER } }] },
      { error: { message: `Could not parse: ${ANSWER}`, code: 500 } },
    ],
    gate: (frame) => frame === 1 ? received.promise : undefined,
  }]);
  const lines: string[] = [];
  const { chat } = await createTestApp({ upstream: "", yaml: yaml([a.url]), lines });
  const stream = readStream(await chat({ stream: true }));
  await stream.until(({ content }) => content !== "");
  received.resolve();
  await stream.until(({ error }) => error !== undefined);
  const [failed, request] = lines.map((line) => JSON.parse(line));
  assertEquals([failed.cause, failed.detail], ["upstream_error", "Could not …"]);
  assertEquals(failed.retry_in_ms, undefined);
  assertEquals([request.level, request.upstream], ["error", undefined]);
  assertEquals(lines.join().includes(ANSWER), false);
});

Deno.test("a request that only the operator can make succeed is logged as an error", async () => {
  for (const [status, level] of [[401, "error"], [402, "error"], [400, "info"]] as const) {
    await using upstream = startUpstream([failing(status, "No.")]);
    const lines: string[] = [];
    const { chat } = await createTestApp({ upstream: "", yaml: yaml([upstream.url]), lines });
    await (await chat({})).text();
    assertEquals(JSON.parse(lines.at(-1)!).level, level, String(status));
  }
});
