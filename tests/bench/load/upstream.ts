/**
 * A fast upstream in a separate process that sends prepared bytes over raw sockets, so that it uses
 * little CPU time. The name of the model selects the answer:
 *
 * - `json`: a short completion;
 * - `stream-N`: N events, each written separately;
 * - `bulk-N`: N events in large writes;
 * - `paced-N-MS`: N events, one per MS milliseconds, each with the time at which it was sent; the
 *   first half is thinking if the prompt asks for `<think>`;
 * - `prompt`: the `paced-N-MS` that the prompt names;
 * - `step-N`: one JSON step of about N tokens in large writes, then the final step;
 * - `wait-MS`: a completion after MS milliseconds, streamed or not.
 *
 * @module
 */

const utf8 = new TextEncoder();
const decoder = new TextDecoder();

/** Event of a token as OpenAI-compatible servers send it. */
function event(content: string, finish: string | null = null): string {
  const delta = content === "" ? "{}" : `{"content":${JSON.stringify(content)}}`;
  const reason = finish === null ? "null" : `"${finish}"`;
  return `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${reason}}]}\n\n`;
}

const USAGE =
  'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[],"usage":{"prompt_tokens":20,"completion_tokens":23,"total_tokens":43}}\n\n';
const END = event("", "stop") + USAGE + "data: [DONE]\n\n";
const COMPLETION = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1700000000,
  model: "m",
  choices: [{
    index: 0,
    message: { role: "assistant", content: "The answer is 42." },
    logprobs: null,
    finish_reason: "stop",
  }],
  usage: { prompt_tokens: 20, completion_tokens: 23, total_tokens: 43 },
});

const JSON_ANSWER = utf8.encode(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${COMPLETION.length}\r\n\r\n${COMPLETION}`,
);
const STREAM_HEAD = utf8.encode(
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
);
const LAST_CHUNK = utf8.encode("0\r\n\r\n");

function chunk(text: string): Uint8Array {
  const bytes = utf8.encode(text);
  const head = utf8.encode(`${bytes.length.toString(16)}\r\n`);
  const out = new Uint8Array(head.length + bytes.length + 2);
  out.set(head);
  out.set(bytes, head.length);
  out.set([13, 10], head.length + bytes.length);
  return out;
}

/** Events per write of a bulk answer. */
const WRITE_EVENTS = 100;

function bulkChunks(texts: readonly string[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let i = 0; i < texts.length; i += WRITE_EVENTS) {
    chunks.push(chunk(texts.slice(i, i + WRITE_EVENTS).map((text) => event(text)).join("")));
  }
  return [...chunks, chunk(END)];
}

/** Chunks of a step's JSON, with four characters per token. */
function stepTexts(tokens: number): string[] {
  const content = "abc ".repeat(tokens).trim();
  const json = JSON.stringify({ title: "Work", content, next_action: "final_answer" });
  return json.match(/[\s\S]{1,4}/g) ?? [];
}

const canned = new Map<string, Uint8Array[]>();
function once(key: string, make: () => Uint8Array[]): Uint8Array[] {
  let chunks = canned.get(key);
  if (chunks === undefined) canned.set(key, chunks = make());
  return chunks;
}

const TOKEN = " token";
const PACED = chunk(event(` ${"0".repeat(13)}`));
const TIME_AT = decoder.decode(PACED).indexOf("0".repeat(13));
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

async function answer(conn: Deno.Conn, body: string): Promise<void> {
  const name = /paced-\d+-\d+/.exec(body)?.[0] ?? /"model":"([^"]*)"/.exec(body)?.[1] ?? "json";
  const [kind, first, second] = name.split("-");
  const count = Number(first ?? 0);
  const stream = body.includes('"stream":true');
  if (kind === "wait") await sleep(count);
  if (!stream) return await writeAll(conn, JSON_ANSWER);
  await writeAll(conn, STREAM_HEAD);
  if (kind === "stream") {
    const [token] = once("token", () => [chunk(event(TOKEN))]);
    for (let i = 0; i < count; i++) await writeAll(conn, token!);
    await writeAll(conn, chunk(END));
  } else if (kind === "paced") {
    const gap = Number(second);
    // A random offset, so that the streams do not all send at once.
    await sleep(Math.random() * gap);
    const thinks = body.includes("<think>");
    if (thinks) await writeAll(conn, chunk(event("<think>")));
    for (let i = 0; i < count; i++) {
      if (thinks && i === count >> 1) await writeAll(conn, chunk(event("</think>")));
      const bytes = PACED.slice();
      utf8.encodeInto(String(Date.now()), bytes.subarray(TIME_AT));
      await writeAll(conn, bytes);
      await sleep(gap);
    }
    await writeAll(conn, chunk(END));
  } else if (kind === "step") {
    const isStep = !body.includes("Please provide the final answer");
    const texts = isStep ? stepTexts(count) : [TOKEN];
    for (const bytes of once(`${name}-${isStep}`, () => bulkChunks(texts))) {
      await writeAll(conn, bytes);
    }
  } else {
    const texts = kind === "bulk" ? Array.from({ length: count }, () => TOKEN) : ["FINAL: 42"];
    for (const bytes of once(name, () => bulkChunks(texts))) await writeAll(conn, bytes);
  }
  await writeAll(conn, LAST_CHUNK);
}

async function serve(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(65_536);
  let text = "";
  try {
    for (;;) {
      const end = text.indexOf("\r\n\r\n");
      if (end >= 0) {
        const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
        // Bodies are ASCII, so a character is a byte.
        if (text.length >= end + 4 + length) {
          const body = text.slice(end + 4, end + 4 + length);
          text = text.slice(end + 4 + length);
          await answer(conn, body);
          continue;
        }
      }
      const read = await conn.read(buffer);
      if (read === null) return;
      text += decoder.decode(buffer.subarray(0, read));
    }
  } catch {
    // The client has disconnected.
  } finally {
    try {
      conn.close();
    } catch {
      // Already closed.
    }
  }
}

if (import.meta.main) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  console.log(JSON.stringify({ port: (listener.addr as Deno.NetAddr).port }));
  for await (const conn of listener) {
    (conn as Deno.TcpConn).setNoDelay();
    void serve(conn);
  }
}
