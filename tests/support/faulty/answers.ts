/**
 * The answers of a healthy upstream, and the parts from which faulty ones are made.
 *
 * @module
 */
import { type Action, close, type FaultyCall, type Script } from "./upstream.ts";

/** The answer to every question. */
export const ANSWER = "The answer is 4.";

const HEAD = { id: "up-1", created: 1, model: "scripted" };

export const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

/** The two halves of a healthy answer; the first contains visible text. */
export function halves(call: FaultyCall): [string, string] {
  if (call.kind === "answer") return ["The answer", " is 4."];
  const next = call.step >= 2 ? "final_answer" : "continue";
  return [
    `{"title":"Step ${call.step}","content":"Thought ${call.step}`,
    ` goes well.","next_action":"${next}"}`,
  ];
}

/** The visible text of the first half. */
export function shownHalf(call: FaultyCall): string {
  return call.kind === "answer" ? "The answer" : `Thought ${call.step}`;
}

/** The reasoning of steps as a client reads it; `cut` has the numbers of incomplete steps. */
export function reasoning(steps: number, cut: readonly number[] = []): string {
  return Array.from({ length: steps }, (_, i) => {
    const end = cut.includes(i + 1) ? "" : " goes well.";
    return `**Step ${i + 1}**\n\nThought ${i + 1}${end}\n\n`;
  }).join("");
}

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

export const roleChunk = chunk({ role: "assistant", content: "" });

export const finishChunk = chunk({}, "stop");

export const usageChunk = { ...HEAD, choices: [], usage: USAGE };

export function completion(content: string | null, finish = "stop"): Record<string, unknown> {
  return {
    ...HEAD,
    object: "chat.completion",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: finish }],
    usage: USAGE,
  };
}

export const frame = (json: unknown) => `data: ${JSON.stringify(json)}\n\n`;

export const DONE = "data: [DONE]\n\n";

const SSE = "text/event-stream";
const JSON_TYPE = "application/json";

export const typeFor = (call: FaultyCall) => call.stream ? SSE : JSON_TYPE;

/** Writes the status line and the headers of an answer without a content-length. */
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

export const raw = (data: string | Uint8Array): Action => (wire) => wire.write(data);

/** Writes one chunk of a chunked body in a single write. */
export function piece(data: string | Uint8Array | Record<string, unknown>): Action {
  const body = data instanceof Uint8Array
    ? data
    : new TextEncoder().encode(typeof data === "string" ? data : frame(data));
  return (wire) => {
    const before = new TextEncoder().encode(`${body.length.toString(16)}\r\n`);
    const bytes = new Uint8Array(before.length + body.length + 2);
    bytes.set(before);
    bytes.set(body, before.length);
    bytes.set([13, 10], before.length + body.length);
    return wire.write(bytes);
  };
}

/** Ends a chunked body. */
export const end: Action = (wire) => wire.write("0\r\n\r\n");

/** Waits on the system clock. */
export const wait = (ms: number): Action => (wire) => wire.wait(ms);

/** Waits until the client of a stream has read the first half of this call. */
export const halfSeen: Action = (wire) => wire.seen(shownHalf(wire.call));

/** A complete answer with a content-length. */
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

/** An answer with an error object as OpenAI writes it. */
export function failure(
  status: number,
  error: object = { message: "Secret words of the upstream", type: "some_error" },
  headers: Record<string, string> = {},
): Script {
  return body({ error }, { status, headers });
}

export function frames(call: FaultyCall): Record<string, unknown>[] {
  const texts = halves(call).map((content) => chunk({ content }));
  return [roleChunk, ...texts, finishChunk, usageChunk];
}

export function healthy(call: FaultyCall): Script {
  if (!call.stream) return body(completion(halves(call).join("")));
  return [head(), ...frames(call).map(piece), piece(DONE), end];
}

/** An answer with this text in these pieces, followed by the last chunks. */
export function textAnswer(
  pieces: readonly string[],
  last: readonly object[] = [finishChunk, usageChunk],
) {
  return (call: FaultyCall): Script =>
    call.stream
      ? [
        head(),
        ...pieces.map((content) => piece(chunk({ content }))),
        ...last.map((chunk) => piece({ ...chunk })),
        piece(DONE),
        end,
      ]
      : body(completion(pieces.join("")));
}

/** A healthy stream that is written in another way; a call without a stream is answered as usual. */
export function written(write: (frames: string[]) => string | Uint8Array) {
  return (call: FaultyCall): Script => {
    if (!call.stream) return healthy(call);
    const text = write([...frames(call).map(frame), DONE]);
    return [head(), piece(text), end];
  };
}

/** The first half of an answer, then a fault. The client of a stream has read the first half. */
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

/** The same without a length, so that a lost connection looks like the end of the answer. */
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
