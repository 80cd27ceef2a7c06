/**
 * An upstream that answers with random bytes, which are mostly those of a model.
 *
 * @module
 */
import { type Chance, createChance } from "./chance.ts";
import { bytes, chunked, joined, mutated, text, value } from "./values.ts";

const CONTENTS = [
  "The answer is 4.\nFINAL: 4",
  "<think>Two and two make four.</think>FINAL: 4",
  '{"title":"Add","content":"2 + 2 = 4","next_action":"continue"}',
  '{"title":"Done","content":"It is 4.","next_action":"final_answer"}',
  '```json\n{"answer": 4, "why": "a"}\n```',
  '{"answer": 4}',
  "ERROR: NONE\nVERDICT: CORRECT\nFINAL: 4",
  'ERROR: "2 + 2 = 5"\nVERDICT: WRONG\nFINAL: 4',
  "[B]",
] as const;

const contentOf = (chance: Chance) =>
  chance.happens(0.6) ? chance.pick(CONTENTS) : text(chance, 200_000);

function fields(chance: Chance, content: string): Record<string, unknown> {
  return {
    role: "assistant",
    content,
    ...(chance.happens(0.2) ? { reasoning_content: text(chance) } : {}),
    ...(chance.happens(0.1)
      ? {
        tool_calls: [{
          index: 0,
          id: "call_1",
          type: "function",
          function: { name: "add", arguments: '{"a":1}' },
        }],
      }
      : {}),
  };
}

const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

const HEAD = { id: "c", object: "chat.completion", created: 1, model: "x" };

function completion(chance: Chance): string {
  const message = fields(chance, contentOf(chance));
  const json = { ...HEAD, choices: [{ index: 0, message, finish_reason: "stop" }], usage: USAGE };
  return JSON.stringify(mutated(chance, json, chance.below(2))) ?? "";
}

function stream(chance: Chance): string {
  const content = contentOf(chance);
  const size = Math.ceil(content.length / chance.size(50));
  const chunks: unknown[] = [];
  for (let at = 0; at < Math.max(1, content.length); at += size) {
    const delta = at === 0
      ? fields(chance, content.slice(0, size))
      : { content: content.slice(at, at + size) };
    chunks.push({ ...HEAD, choices: [{ index: 0, delta, finish_reason: null }] });
  }
  chunks.push(
    { ...HEAD, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
    { ...HEAD, choices: [], usage: USAGE },
  );
  const end = chance.pick(["\n\n", "\n\n", "\r\n\r\n", "\n"]);
  return chunks.map((chunk) => {
    const changed = chance.happens(0.02) ? mutated(chance, chunk, 1) : chunk;
    const noise = chance.happens(0.02) ? `${text(chance)}\n` : "";
    return `${noise}data: ${JSON.stringify(changed)}${end}`;
  }).join("") + (chance.happens(0.9) ? `data: [DONE]${end}` : "");
}

function failure(chance: Chance): string {
  const error = { message: text(chance), type: "a", code: text(chance, 30), param: "messages" };
  return JSON.stringify(chance.happens(0.8) ? mutated(chance, { error }, 1) : value(chance)) ?? "";
}

const STATUSES = [400, 401, 404, 413, 422, 429, 500, 503, 302, 204, 999, 100] as const;

/** The bytes of an answer with its head. */
function answer(chance: Chance, isStream: boolean): Uint8Array<ArrayBuffer> {
  if (chance.happens(0.01)) return bytes(chance, text(chance), 1);
  const isOk = chance.happens(0.85);
  const asStream = chance.happens(0.03) ? !isStream : isStream;
  const status = isOk ? 200 : chance.pick(STATUSES);
  const content = !isOk ? failure(chance) : asStream ? stream(chance) : completion(chance);
  const body = bytes(chance, content, 0.05);
  const isChunked = chance.happens(0.3);
  const head = [
    `HTTP/1.1 ${status} x`,
    `content-type: ${asStream ? "text/event-stream" : "application/json"}`,
    "connection: close",
    isChunked ? "transfer-encoding: chunked" : `content-length: ${body.length}`,
    ...(chance.happens(0.05) ? [`retry-after: ${chance.pick(["0", "1e9", "-1", "x"])}`] : []),
    ...(chance.happens(0.02) ? ["content-encoding: gzip"] : []),
    ...(status === 302 ? ["location: http://127.0.0.1:1/"] : []),
  ];
  return joined(
    bytes(chance, `${head.join("\r\n")}\r\n\r\n`, 0.01),
    isChunked ? chunked(chance, body, chance.happens(0.1) ? 0.1 : 0) : body,
  );
}

export interface FuzzUpstream extends AsyncDisposable {
  url: string;
  readonly calls: number;
  /** The last answers. */
  readonly last: readonly Uint8Array[];
}

/** Number of answers that are kept to reproduce a failure. */
const KEPT = 50;

export function startFuzzUpstream(seed: number): FuzzUpstream {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const last: Uint8Array[] = [];
  let calls = 0;

  async function serve(conn: Deno.Conn): Promise<void> {
    open.add(conn);
    try {
      const isStream = await readRequest(conn);
      if (isStream === undefined) return;
      const chance = createChance(seed + calls++);
      const bytes = answer(chance, isStream);
      last.push(bytes);
      if (last.length > KEPT) last.shift();
      // In a few pieces, so that the server sees parts of lines.
      for (let at = 0; at < bytes.length;) {
        const size = chance.size(bytes.length - at) + 1_000;
        at += await conn.write(bytes.subarray(at, at + size));
      }
    } catch {
      // The server has disconnected.
    } finally {
      open.delete(conn);
      try {
        conn.close();
      } catch {
        // It is closed already.
      }
    }
  }

  const accepting = (async () => {
    for await (const conn of listener) void serve(conn);
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}/v1`,
    get calls() {
      return calls;
    },
    last,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const conn of open) conn.close();
      await accepting;
    },
  };
}

/** Reads a request; returns whether it asks for a stream, or undefined if it is incomplete. */
async function readRequest(conn: Deno.Conn): Promise<boolean | undefined> {
  const decoder = new TextDecoder("latin1");
  const buffer = new Uint8Array(65_536);
  let text = "";
  let end = Infinity;
  while (text.length < end) {
    const count = await conn.read(buffer);
    if (count === null) return undefined;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
    const headEnd = text.indexOf("\r\n\r\n");
    if (end === Infinity && headEnd >= 0) {
      end = headEnd + 4 + Number(/content-length: *(\d+)/i.exec(text)?.[1] ?? 0);
    }
  }
  return text.includes('"stream":true');
}
