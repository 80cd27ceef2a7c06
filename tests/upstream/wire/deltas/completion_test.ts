import { assertEquals, assertRejects } from "@std/assert";
import { UpstreamError } from "../../../../lib/upstream/errors/upstream_error.ts";
import type { Watchdog } from "../../../../lib/upstream/timeouts.ts";
import { readBody } from "../../../../lib/upstream/wire/bytes.ts";
import { readCompletion } from "../../../../lib/upstream/wire/completion.ts";
import type { Delta } from "../../../../lib/upstream/wire/deltas.ts";
import { chunk, completion } from "./chunks.ts";

const watchdog: Watchdog = new Proxy({} as Watchdog, { get: () => () => {} });

/** Reads a body to its end. */
async function readAll(body: string, { stream = true, type = "text/event-stream" } = {}) {
  const response = new Response(body, { headers: { "content-type": type } });
  const reader = readBody(response, new AbortController().signal);
  const deltas: Delta[] = [];
  try {
    const source = readCompletion(response, reader, watchdog, {
      upstream: { max_line_bytes: 10_000 },
      stream,
      samples: 1,
      maxCharacters: 10_000,
      cuts: false,
    });
    for (let read; (read = await source.read()) !== undefined;) deltas.push(...read);
  } finally {
    reader.close();
  }
  return deltas.map(({ content = "" }) => content).join("");
}

const event = (json: unknown) => `data: ${JSON.stringify(json)}\n\n`;
const DONE = "data: [DONE]\n\n";
const TEXT = event(chunk({ content: "4" }));
const END = event(chunk({}, "stop"));
const WHOLE = JSON.stringify(completion({ content: "4" }));
const json = { stream: false, type: "application/json" };

for (
  const [name, body, options] of [
    ["a finish reason and [DONE]", TEXT + END + DONE],
    ["a finish reason alone", TEXT + END],
    ["[DONE] alone", TEXT + DONE],
    ["a last line without its end", TEXT + END.trim()],
    ["one line without its end", event(chunk({ content: "4" }, "stop")).trim()],
    ["the bytes of a JSON answer", WHOLE],
    ["a JSON answer, which was requested", WHOLE, json],
    ["a stream of the type of JSON, which was not requested", TEXT + END, json],
    ["a JSON answer with [DONE] behind it", `${WHOLE}\n${DONE}`, json],
    ["a byte order mark before the stream", `\ufeff${TEXT}${END}`],
    ["the type of JSON, but the bytes of a stream", `\ufeff${TEXT}${END}`, { type: json.type }],
    ["the type of a stream, but the bytes of JSON", `\ufeff${WHOLE}`],
    ["what follows [DONE], unread", TEXT + END + DONE + event({ error: { message: "late" } })],
    ["events without blank lines", `data: {"choices":[]}\n${TEXT}${END}`],
    ["an unfinished last line after its finish reason", `${TEXT}${END}data: {"usa`],
  ] as const
) {
  Deno.test(`an answer is complete with ${name}`, async () => {
    assertEquals(await readAll(body, options), "4");
  });
}

for (
  const [name, body, isRetryable, options] of [
    ["a stream that ends within the text", TEXT, true],
    ["a stream that ends within a line", `${TEXT}data: {"choices":[{"delta":{"con`, true],
    ["a stream of nothing", "", true],
    ["a stream of [DONE] alone", DONE, true],
    ["JSON that was cut off", WHOLE.slice(0, -9), true, json],
    ["an empty JSON body", "", true, json],
    ["a page", "<html>", false, json],
    ["a page instead of a stream", "<html>", false, { type: "text/html" }],
    ["JSON without an answer", '{"status":"ok"}', false, json],
    ["a stream of other text", "data: busy\n\n", false],
  ] as const
) {
  Deno.test(`an answer is an error, ${isRetryable ? "" : "not "}to be retried: ${name}`, async () => {
    const error = await assertRejects(() => readAll(body, options), UpstreamError);
    assertEquals([error.code, error.isRetryable], ["upstream_error", isRetryable]);
  });
}

for (
  const data of [
    '{"error":{"message":"Busy","code":503}}',
    '{"message":"Busy","code":503}',
    "overloaded",
  ]
) {
  Deno.test(`an event of the type error is an error, with the data ${data}`, async () => {
    const body = `${TEXT}event: error\ndata: ${data}\n\n`;
    const error = await assertRejects(() => readAll(body), UpstreamError);
    assertEquals(error.code, "upstream_overloaded");
  });
}
