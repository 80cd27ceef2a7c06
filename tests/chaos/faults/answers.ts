/**
 * What a healthy upstream writes, in pieces from which faulty ones are made.
 *
 * @module
 */
import { type Action, close, type FaultyCall, type Script } from "../faulty_upstream.ts";

/** The answer to every question. */
export const ANSWER = "The answer is 4.";

const HEAD = { id: "up-1", created: 1, model: "scripted" };

/** Token counts. */
export const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

/** The two halves of what a healthy upstream writes for a call; the first has something to show. */
export function halves(call: FaultyCall): [string, string] {
  if (call.kind === "answer") return ["The answer", " is 4."];
  const next = call.step >= 2 ? "final_answer" : "continue";
  return [
    `{"title":"Step ${call.step}","content":"Thought ${call.step}`,
    ` goes well.","next_action":"${next}"}`,
  ];
}

/** What a client reads of the first half. */
export function shownHalf(call: FaultyCall): string {
  return call.kind === "answer" ? "The answer" : `Thought ${call.step}`;
}

/** The reasoning of steps, as a client reads it: whole steps, or the numbers of those cut. */
export function reasoning(steps: number, cut: readonly number[] = []): string {
  return Array.from({ length: steps }, (_, i) => {
    const end = cut.includes(i + 1) ? "" : " goes well.";
    return `**Step ${i + 1}**\n\nThought ${i + 1}${end}\n\n`;
  }).join("");
}

/** A chunk of a stream. */
export function chunk(
  delta: object,
  finish: string | null = null,
  more: object = {},
): Record<string, unknown> {
  return {
    ...HEAD,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...more,
  };
}

/** A chunk with the first thing that a stream says. */
export const roleChunk = chunk({ role: "assistant", content: "" });

/** A chunk with the reason why the stream ends. */
export const finishChunk = chunk({}, "stop");

/** A chunk with nothing but token counts. */
export const usageChunk = { ...HEAD, choices: [], usage: USAGE };

/** A whole completion. */
export function completion(content: string | null, finish = "stop"): Record<string, unknown> {
  return {
    ...HEAD,
    object: "chat.completion",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: finish }],
    usage: USAGE,
  };
}

/** An event of a stream. */
export const frame = (json: unknown) => `data: ${JSON.stringify(json)}\n\n`;

/** The end of a stream. */
export const DONE = "data: [DONE]\n\n";

const SSE = "text/event-stream";
const JSON_TYPE = "application/json";

/** The content type that a call asks for. */
export const typeFor = (call: FaultyCall) => call.stream ? SSE : JSON_TYPE;

/** Writes the status line and the headers of an answer whose length only its end tells. */
export function head(
  options: {
    status?: number;
    type?: string;
    headers?: Record<string, string>;
    framing?: "chunked" | "close" | "1.0";
  } = {},
): Action {
  const { status = 200, type, headers = {}, framing = "chunked" } = options;
  return (wire) => {
    const lines = [
      `HTTP/1.${framing === "1.0" ? 0 : 1} ${status} Status`,
      `content-type: ${type ?? typeFor(wire.call)}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      ...framing === "chunked"
        ? ["transfer-encoding: chunked"]
        : framing === "close"
        ? ["connection: close"]
        : [],
    ];
    return wire.write(`${lines.join("\r\n")}\r\n\r\n`);
  };
}

/** Writes bytes as they are. */
export const raw = (data: string | Uint8Array): Action => (wire) => wire.write(data);

/** Writes a piece of a chunked body, in one go. */
export function piece(data: string | Uint8Array | Record<string, unknown>): Action {
  const body = data instanceof Uint8Array
    ? data
    : new TextEncoder().encode(typeof data === "string" ? data : frame(data));
  return (wire) => {
    const before = new TextEncoder().encode(`${body.length.toString(16)}\r\n`);
    const all = new Uint8Array(before.length + body.length + 2);
    all.set(before);
    all.set(body, before.length);
    all.set([13, 10], before.length + body.length);
    return wire.write(all);
  };
}

/** Ends a chunked body. */
export const end: Action = (wire) => wire.write("0\r\n\r\n");

/** Waits on the real clock, in milliseconds. */
export const wait = (ms: number): Action => (wire) => wire.wait(ms);

/** Waits until the client of a stream has read the first half of this call. */
export const halfSeen: Action = (wire) => wire.seen(shownHalf(wire.call));

/** A whole answer with its length given in advance. */
export function body(
  data: string | Uint8Array | object,
  options: { status?: number; type?: string; headers?: Record<string, string> } = {},
): Script {
  const bytes = data instanceof Uint8Array
    ? data
    : new TextEncoder().encode(typeof data === "string" ? data : JSON.stringify(data));
  const { status = 200, type = JSON_TYPE, headers = {} } = options;
  const lines = [
    `HTTP/1.1 ${status} Status`,
    `content-type: ${type}`,
    `content-length: ${bytes.length}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return [raw(`${lines.join("\r\n")}\r\n\r\n`), raw(bytes)];
}

/** An answer with a status and an error object of OpenAI's. */
export function failure(
  status: number,
  error: object = { message: "Secret words of the upstream's", type: "some_error" },
  headers: Record<string, string> = {},
): Script {
  return body({ error }, { status, headers });
}

/** The frames of a healthy stream. */
export function frames(call: FaultyCall): Record<string, unknown>[] {
  const texts = halves(call).map((content) => chunk({ content }));
  return [roleChunk, ...texts, finishChunk, usageChunk];
}

/** A healthy answer. */
export function healthy(call: FaultyCall): Script {
  if (!call.stream) return body(completion(halves(call).join("")));
  return [head(), ...frames(call).map(piece), piece(DONE), end];
}

/** An answer with this text in these pieces, and the chunks behind it. */
export function says(
  pieces: readonly string[],
  last: readonly object[] = [finishChunk, usageChunk],
) {
  return (call: FaultyCall): Script =>
    call.stream
      ? [
        head(),
        ...pieces.map((content) => piece(chunk({ content }))),
        ...last.map((each) => piece({ ...each })),
        piece(DONE),
        end,
      ]
      : body(completion(pieces.join("")));
}

/** A healthy stream whose text is written in another way; a JSON call is answered as usual. */
export function written(write: (frames: string[]) => string | Uint8Array) {
  return (call: FaultyCall): Script => {
    if (!call.stream) return healthy(call);
    const text = write([...frames(call).map(frame), DONE]);
    return [head(), piece(text), end];
  };
}

/**
 * The first half of an answer, read by the client where it reads a stream, and then what breaks
 * it.
 */
export function halfThen(...broken: Script) {
  return (call: FaultyCall): Script => {
    const [half] = halves(call);
    if (call.stream) {
      return [head(), piece(roleChunk), piece(chunk({ content: half })), halfSeen, ...broken];
    }
    const text = JSON.stringify(completion(half));
    return [head(), piece(text.slice(0, text.indexOf(',"finish_reason'))), ...broken];
  };
}

/** The same with an end of the connection in place of a length, so that a cut looks like an end. */
export function halfThenClose(more: string) {
  return (call: FaultyCall): Script => {
    const [half] = halves(call);
    const start = head({ framing: "close" });
    if (call.stream) {
      return [start, raw(frame(chunk({ content: half }))), halfSeen, raw(more), close];
    }
    const text = JSON.stringify(completion(half));
    return [start, raw(text.slice(0, text.indexOf(',"finish_reason'))), close];
  };
}
