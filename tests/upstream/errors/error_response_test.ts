import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import {
  cleanMessage,
  errorFromEvent,
  errorFromStatus,
  readErrorBody,
} from "../../../lib/upstream/errors/error_response.ts";

const NO_BODY = { message: "", code: "" };

interface Case {
  upstream: number[];
  status: number;
  code: string;
  retry: boolean;
}

const TABLE: Case[] = [
  { upstream: [401, 403], status: 424, code: "upstream_auth_error", retry: false },
  { upstream: [402], status: 402, code: "insufficient_quota", retry: false },
  { upstream: [404], status: 424, code: "upstream_not_found", retry: false },
  { upstream: [408, 504], status: 504, code: "upstream_timeout", retry: true },
  { upstream: [409, 425], status: 502, code: "upstream_error", retry: true },
  { upstream: [400, 413, 422], status: 400, code: "upstream_rejected", retry: false },
  { upstream: [429], status: 429, code: "rate_limit_exceeded", retry: true },
  { upstream: [500, 502], status: 502, code: "upstream_error", retry: true },
  { upstream: [503, 529], status: 503, code: "upstream_overloaded", retry: true },
  { upstream: [301, 302, 307], status: 502, code: "upstream_error", retry: false },
];

for (const { upstream, status, code, retry } of TABLE) {
  Deno.test(`an upstream's ${upstream.join(", ")} becomes ${status} ${code}`, () => {
    for (const own of upstream) {
      const error = errorFromStatus(own, NO_BODY, { retryAfterMs: 1_500 });
      assertEquals([error.status, error.code, error.isRetryable], [status, code, retry]);
      assertEquals([error.upstreamStatus, error.retryAfterMs], [own, 1_500]);
      assert(error.message !== "");
    }
  });
}

Deno.test("every status becomes an error that is fit for clients", () => {
  for (let status = 100; status < 600; status++) {
    const error = errorFromStatus(status, NO_BODY);
    assert(error.status >= 400 && error.status < 600, String(status));
    assert(error.status !== 401 && error.status !== 403, "the client's own key is fine");
  }
});

for (
  const [name, body] of [
    ["OpenAI", { error: { message: "m", code: "context_length_exceeded", param: "messages" } }],
    ["OpenAI, by its message", {
      error: { message: "This model's maximum context length is 8192 tokens." },
    }],
    ["Groq", { error: { message: "Please reduce the length of the messages or completion." } }],
    ["Anthropic", {
      type: "error",
      error: { type: "invalid_request_error", message: "prompt is too long: 2 tokens > 1 maximum" },
    }],
    ["vLLM", {
      object: "error",
      message: "This model's maximum context length is 4096 tokens. However, you requested 5000.",
      type: "BadRequestError",
      code: 400,
    }],
    ["llama.cpp", {
      error: {
        code: 400,
        message: "the request exceeds the available context size. try increasing it",
        type: "exceed_context_size_error",
      },
    }],
    ["Gemini", [{
      error: { code: 400, message: "The input token count exceeds the context window" },
    }]],
  ] as const
) {
  Deno.test(`a conversation that is too long is recognised: ${name}`, () => {
    for (const status of [400, 413, 422]) {
      const error = errorFromStatus(status, readErrorBody(JSON.stringify(body)));
      assertEquals([error.status, error.code], [400, "context_length_exceeded"]);
      assertEquals(error.isRetryable, false);
    }
  });
}

const OVERFLOWS: [name: string, message: string, tokens?: number, maximum?: number][] = [
  [
    "OpenAI",
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
    9_000,
    8_192,
  ],
  [
    "vLLM",
    "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4500 in the messages, 500 in the completion).",
    5_000,
    4_096,
  ],
  ["Anthropic", "prompt is too long: 215,000 tokens > 200,000 maximum", 215_000, 200_000],
  [
    "Gemini",
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576). Reduce the length.",
    1_200_000,
    1_048_576,
  ],
  [
    "llama.cpp",
    "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it",
    5_000,
    4_096,
  ],
  ["a model with a date in its name", "gpt-4-20250514: maximum context length is 10 tokens"],
  ["no maximum", "Too many tokens: 9000"],
  ["one size only", "This model's maximum context length is 8192 tokens."],
  ["no size", "The input exceeds the context window."],
];

for (const [name, message, tokens, maximum] of OVERFLOWS) {
  Deno.test(`reads by how much a conversation is too long: ${name}`, () => {
    const error = errorFromStatus(400, { message, code: "context_length_exceeded" });
    assertEquals(error.overflow as unknown, tokens && { tokens, maximum });
    assertStringIncludes(error.message, "maximum context length");
    assertEquals(error.message.includes(`${tokens} tokens`), tokens !== undefined);
  });
}

Deno.test("a spent quota is not retryable", () => {
  const body = readErrorBody(
    '{"error":{"message":"You exceeded your quota","type":"insufficient_quota","code":"insufficient_quota"}}',
  );
  const error = errorFromStatus(429, body, { retryAfterMs: 2_000 });
  assertEquals([error.status, error.isRetryable, error.retryAfterMs], [402, false, 2_000]);
  assertEquals(error.code, "insufficient_quota");
  assertEquals(error.message, "The upstream's quota is used up. Check its plan and billing.");
});

Deno.test("error bodies of all providers are read", () => {
  for (
    const [body, message] of [
      [{ error: { message: "m" } }, "m"],
      [{ error: "m" }, "m"],
      [{ message: "m" }, "m"],
      [{ detail: "m" }, "m"],
      [[{ error: { message: "m" } }], "m"],
      ["m", "m"],
      [{ error: { error: { message: "m" } } }, "m"],
      [{ detail: [{ msg: "m" }] }, "m"],
      [{ detail: [{ loc: ["body", "a"], msg: "m" }, { loc: ["b"], msg: "n" }] }, "body.a: m; b: n"],
      [
        { message: { detail: [{ loc: ["body", "messages", 0, "a"], msg: "m" }] } },
        "body.messages.0.a: m",
      ],
      [{}, ""],
      [null, ""],
      [[], ""],
      [5, ""],
    ] as const
  ) assertEquals(readErrorBody(JSON.stringify(body)).message, message);
  assertEquals(readErrorBody("<html>502</html>"), NO_BODY);
  assertEquals(readErrorBody(""), NO_BODY);
});

Deno.test("a long message is cut after a word, because part of a key is not recognised", () => {
  const messageOf = (message: string) => readErrorBody(JSON.stringify({ message })).message;
  assertEquals(messageOf("word ".repeat(300)).trimEnd(), "word ".repeat(200).trimEnd());
  assertEquals(messageOf(`key: ${"k".repeat(2_000)}`).trimEnd(), "key:");
  assertEquals(messageOf("k".repeat(2_000)), "");
});

Deno.test("any error body can be read", () => {
  fc.assert(fc.property(fc.json(), fc.integer({ min: 300, max: 599 }), (body, status) => {
    const error = errorFromStatus(status, readErrorBody(body));
    assert(error.status >= 400);
    errorFromEvent(JSON.parse(body));
  }));
});

Deno.test("only a rejection, a 403 and a 404 forward the upstream's message, cleaned", () => {
  const said = "Bad field 'x' at https://secret.example/v1 for key sk-abcdef123456\nStack trace";
  const body = { message: said, code: "bad" };
  const refusal = errorFromStatus(400, body);
  assertEquals(
    refusal.message,
    "The upstream rejected the request: Bad field 'x' at [url] for key [key]",
  );
  assertStringIncludes(refusal.upstreamMessage!, said);
  for (const status of [403, 404]) {
    const { message } = errorFromStatus(status, body);
    assertStringIncludes(message, ": Bad field 'x' at [url] for key [key]");
    assertMatch(errorFromStatus(status, { message: "", code: "" }).message, /\w\)?\.$/);
  }
  for (const status of [401, 402, 408, 409, 429, 500, 503]) {
    assert(!errorFromStatus(status, body).message.includes("Bad field"));
  }
});

for (
  const [message, clean] of [
    ["plain words", "plain words"],
    ["first\nsecond", "first"],
    ["first\r\nsecond", "first"],
    ["see https://a.example/b?c=d.", "see [url]"],
    ["see HTTP://A.EXAMPLE and wss://b", "see [url] and [url]"],
    ["postgres://user:password@host/db failed", "[url] failed"],
    ["key sk-proj-AbCdEf123456_x is wrong", "key [key] is wrong"],
    ["gsk_abcdefgh123456 hf_abcdefgh xai-abcdefgh", "[key] [key] [key]"],
    ["AIzaSyA1234567890abcdefghijklmnopqrstuv", "[id]"],
    ["Authorization: Bearer abc.def.ghi", "Authorization: Bearer [key]"],
    ["authorization: bearer short", "authorization: Bearer [key]"],
    ["request 0123456789abcdef0123456789abcdef failed", "request [id] failed"],
    ["a\u0000b\u0007c\u001b[31md\u007fe\u0085f\u009bg", "a b c [31md e f g"],
    ["tab\there", "tab here"],
    ["  spaces  ", "spaces"],
    ["", ""],
    ["\nsecond", "second"],
    ["'response_format' of type 'json_schema' is not supported", undefined],
    ["max_completion_tokens is too large: 100000", undefined],
    ["Ungültige Größe 中文 😀", undefined],
  ] as [string, string?][]
) {
  Deno.test(`cleanMessage() makes ${JSON.stringify(message)} safe to show`, () => {
    assertEquals(cleanMessage(message), clean ?? message);
  });
}

Deno.test("cleanMessage() returns one short line without control characters", () => {
  const wild = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom("😀", "a"), minLength: 290, maxLength: 320 }),
  );
  fc.assert(fc.property(wild, (message) => {
    const clean = cleanMessage(message);
    assert(clean.length <= 300);
    assert(!/\p{Cc}/u.test(clean));
    assert(clean.isWellFormed());
  }));
});

for (
  const [error, status, code] of [
    [{ message: "m", code: 429 }, 429, "rate_limit_exceeded"],
    [{ message: "m", code: "429" }, 429, "rate_limit_exceeded"],
    [{ message: "Rate limit reached" }, 429, "rate_limit_exceeded"],
    [{ message: "m", type: "insufficient_quota" }, 402, "insufficient_quota"],
    [{ message: "m", type: "overloaded_error" }, 503, "upstream_overloaded"],
    [{ message: "Service unavailable" }, 503, "upstream_overloaded"],
    [{ message: "m", type: "authentication_error" }, 424, "upstream_auth_error"],
    [{ message: "Invalid API key" }, 424, "upstream_auth_error"],
    [{ message: "timed out" }, 504, "upstream_timeout"],
    [{ message: "m", code: "context_length_exceeded" }, 400, "context_length_exceeded"],
    [{ message: "m", type: "invalid_request_error" }, 400, "upstream_rejected"],
    [{ message: "m", code: 404 }, 424, "upstream_not_found"],
    [{ message: "m", type: "server_error" }, 502, "upstream_error"],
    ["boom", 502, "upstream_error"],
    [{}, 502, "upstream_error"],
    [undefined, 502, "upstream_error"],
  ] as const
) {
  Deno.test(`the error ${JSON.stringify(error)} in a stream becomes ${status} ${code}`, () => {
    const got = errorFromEvent(error);
    assertEquals([got.status, got.code], [status, code]);
  });
}
