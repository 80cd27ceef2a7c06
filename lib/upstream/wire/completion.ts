/**
 * The body of an upstream's answer, streamed or whole, as deltas.
 *
 * @module
 */
import type { ByteReader } from "./bytes.ts";
import { createDeltaReader, type Delta, malformed, saysSomething } from "./deltas.ts";
import { UpstreamError } from "../errors.ts";
import { createEventReader, type EventReader, tryParse } from "./event_json.ts";
import { createSseParser, type SseEvent } from "./sse.ts";
import type { Watchdog } from "../timeouts.ts";

const MAX_BODY_BYTES = 33_554_432;

/** Reads the body of an answer. */
export interface CompletionReader {
  /**
   * What the next read of the body brought, which may be nothing; undefined at its end.
   *
   * @throws {UpstreamError} for what is no completion, and for one that is cut.
   */
  read(): Promise<Delta[] | undefined>;
}

/**
 * Reads the body by its type, whichever was asked for.
 *
 * @param maxLineLength the longest line of a stream, in characters.
 * @throws {UpstreamError} for what is no completion.
 */
export function readCompletion(
  response: Response,
  reader: ByteReader,
  maxLineLength: number,
  watchdog: Watchdog,
): CompletionReader {
  const type = response.headers.get("content-type") ?? "";
  if (/\bjson\b/.test(type)) return readWhole(reader);
  if (!/event-stream|octet-stream|text\/plain/.test(type) && type !== "") throw malformed();
  return readStream(reader, maxLineLength, watchdog);
}

function readWhole(reader: ByteReader): CompletionReader {
  let over = false;
  return {
    async read() {
      if (over) return undefined;
      over = true;
      return readJson(await reader.text(MAX_BODY_BYTES));
    },
  };
}

function readJson(text: string): Delta[] {
  const json = tryParse(text);
  // What begins like a completion was cut; what does not is none, now and later.
  if (json === undefined) throw /^\s*(\{|$)/.test(text) ? cutOff() : malformed();
  const deltas = createDeltaReader();
  deltas.add(json);
  if (!deltas.finished()) throw malformed();
  return deltas.take();
}

function readStream(
  reader: ByteReader,
  maxLineLength: number,
  watchdog: Watchdog,
): CompletionReader {
  // In stream mode the decoder would drop a mark at the start of every chunk.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const parser = createSseParser(maxLineLength);
  const json = createEventReader();
  const deltas = createDeltaReader();
  let waiting = true;
  let trailing = false;
  let done = false;
  let ended = false;

  function end(): undefined {
    if (!deltas.finished() && (!done || waiting)) throw cutOff();
    return undefined;
  }

  return {
    async read() {
      if (ended) return end();
      watchdog.reading();
      let bytes: Uint8Array | undefined;
      try {
        bytes = await reader.read();
      } catch (error) {
        // A completion that is whole loses nothing by the end of its connection.
        if (deltas.finished() || done) return undefined;
        throw error;
      }
      watchdog.read();
      ended = bytes === undefined;
      const events = bytes === undefined
        ? [...parser.push(decoder.decode()), ...parser.end()].filter(isWhole)
        : parser.push(decoder.decode(bytes, { stream: true }));
      for (const event of events) {
        if (done) break;
        if (event.data === "[DONE]") done = true;
        else readEvent(event, json, deltas.add);
      }
      const ready = deltas.take();
      if (ended && ready.length === 0) return end();
      if (waiting && ready.some(saysSomething)) {
        waiting = false;
        watchdog.firstToken();
      }
      // Reading on to the end of the body, which is mostly there, keeps the connection for reuse.
      if (done) watchdog.done();
      else if (deltas.finished() && !trailing) {
        trailing = true;
        watchdog.finished();
      }
      return ready;
    },
  };
}

/** The last event of a body may have been cut within its line. */
function isWhole({ data }: SseEvent): boolean {
  return data === "[DONE]" || tryParse(data) !== undefined;
}

function readEvent(event: SseEvent, reader: EventReader, add: (json: unknown) => void): void {
  if (event.data === "") return;
  const json = reader.read(event.data);
  if (event.event === "error") {
    const isWrapped = typeof json === "object" && json !== null && "error" in json;
    return add(isWrapped ? json : { error: json ?? event.data });
  }
  if (json !== undefined) return add(json);
  // Some servers leave out the blank line between events.
  for (const line of event.data.split("\n")) {
    const each = line === "[DONE]" ? {} : tryParse(line);
    if (each === undefined) throw malformed();
    if (line !== "[DONE]") add(each);
  }
}

function cutOff(): UpstreamError {
  return new UpstreamError(
    "upstream_error",
    "The upstream's answer ended before it was complete.",
    { isRetryable: true },
  );
}
