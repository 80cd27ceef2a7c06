import { tryParse } from "../../json.ts";
import { UpstreamError } from "../errors/upstream_error.ts";
import type { UpstreamOptions } from "../options.ts";
import type { Watchdog } from "../timeouts.ts";
import { type ByteReader, createStreamDecoder, putBack } from "./bytes.ts";
import {
  createDeltaReader,
  type Delta,
  type DeltaReader,
  hasOutput,
  MAX_PARTS_CHARACTERS,
  notACompletion,
} from "./deltas.ts";
import { createSamplesReader } from "./samples.ts";
import { createEventReader, type EventReader } from "./event_json.ts";
import { createSseParser, type SseEvent } from "./sse.ts";

/** Bytes of JSON for each character of an answer that is escaped, and for all other fields. */
const ESCAPED_BYTES = 6;
const OTHER_BYTES = 1_048_576;

export interface CompletionOptions {
  upstream: Pick<UpstreamOptions, "max_line_bytes">;
  /** Whether the body of the request asks for a stream. */
  stream: boolean;
  /** Number of samples that it asks for. */
  samples: number;
  /** Longest answer of one sample, reasoning and tool calls included. */
  maxCharacters: number;
  /** Whether the text of a longer one is cut; otherwise it is an error. */
  cuts: boolean;
}

/** Reads the body of a 200 response. */
export interface CompletionReader {
  /**
   * Returns the deltas of the next read of the body, possibly none, or undefined at its end.
   *
   * @throws {UpstreamError} if the body is not a completion, or is incomplete.
   */
  read(): Promise<Delta[] | undefined>;
}

/** Returns the form of a body, if its first byte after white space shows it. */
function formOf(bytes: Uint8Array): "json" | "stream" | undefined {
  const byte = bytes.find((byte) => byte > 0x20 && !BOM.includes(byte));
  if (byte === undefined) return undefined;
  const character = String.fromCharCode(byte);
  // The fields of a stream are `data`, `event`, `id` and `retry`.
  return "{[".includes(character) ? "json" : "deir:".includes(character) ? "stream" : undefined;
}

const BOM = [0xef, 0xbb, 0xbf];

/**
 * Reads the body of a completion. If a stream was requested, or the type is a stream's, the first
 * bytes decide whether it is one, because some gateways send the wrong type.
 *
 * @throws {UpstreamError} if it has another type.
 */
export function readCompletion(
  response: Response,
  reader: ByteReader,
  watchdog: Watchdog,
  { upstream, stream, samples, maxCharacters, cuts }: CompletionOptions,
): CompletionReader {
  const createReader = () =>
    samples === 1
      ? createDeltaReader(maxCharacters, cuts)
      : createSamplesReader(samples, maxCharacters, cuts);
  const maxBytes = samples * maxCharacters * ESCAPED_BYTES + MAX_PARTS_CHARACTERS + OTHER_BYTES;
  const type = response.headers.get("content-type") ?? "";
  const isJson = /\bjson\b/.test(type);
  if (!isJson && !/event-stream|octet-stream|text\/plain|^$/.test(type)) throw notACompletion();
  if (isJson && !stream) return readJson(reader, createReader(), maxBytes);
  let completion: CompletionReader | undefined;

  async function open(): Promise<Delta[] | undefined> {
    watchdog.readStarted();
    const bytes = await reader.read();
    watchdog.readEnded();
    const form = formOf(bytes ?? new Uint8Array()) ?? (isJson ? "json" : "stream");
    const whole = bytes === undefined ? reader : putBack(bytes, reader);
    completion = form === "json"
      ? readJson(whole, createReader(), maxBytes)
      : readStream(whole, createReader(), upstream.max_line_bytes, watchdog);
    return await completion.read();
  }

  return { read: () => completion?.read() ?? open() };
}

function readJson(reader: ByteReader, deltas: DeltaReader, maxBytes: number): CompletionReader {
  let isOver = false;
  return {
    async read() {
      if (isOver) return undefined;
      isOver = true;
      const text = await reader.text(maxBytes);
      const json = tryParse(text) ??
        tryParse(text.slice(0, Math.max(0, text.lastIndexOf("data:"))));
      if (json !== undefined) deltas.add(json);
      else if (/^\s*(data|event|id|retry)?:/.test(text.slice(0, 1_000))) {
        const parser = createSseParser(text.length);
        const events = createEventReader();
        for (const event of [...parser.push(text), ...parser.end()]) {
          if (event.data !== "[DONE]") readEvent(event, events, deltas.add);
        }
      } // Invalid JSON that starts as an object was cut off; a retry may help.
      else throw /^\s*(\{|$)/.test(text.slice(0, 1_000)) ? incomplete() : notACompletion();
      if (!deltas.isFinished()) throw notACompletion();
      return deltas.take();
    },
  };
}

function readStream(
  reader: ByteReader,
  deltas: DeltaReader,
  maxLineLength: number,
  watchdog: Watchdog,
): CompletionReader {
  const decoder = createStreamDecoder();
  const parser = createSseParser(maxLineLength);
  const json = createEventReader();
  let hasToken = false;
  let inTrailer = false;
  let isDone = false;
  let isOver = false;

  function end(): undefined {
    if (!deltas.isFinished() && !(isDone && hasToken)) throw incomplete();
  }

  return {
    async read() {
      if (isOver) return end();
      watchdog.readStarted();
      let bytes: Uint8Array | undefined;
      try {
        bytes = await reader.read();
      } catch (error) {
        // A complete answer does not need its connection any more.
        if (isDone || deltas.isFinished() && !deltas.hasFalseFinish()) return end();
        throw error;
      }
      watchdog.readEnded();
      isOver = bytes === undefined;
      const events = bytes === undefined
        ? [...parser.push(decoder.decode()), ...parser.end()].filter(isWhole)
        : parser.push(decoder.decode(bytes, { stream: true }));
      for (const event of events) {
        if (isDone || deltas.isFull()) break;
        if (event.data === "[DONE]") isDone = true;
        else readEvent(event, json, deltas.add);
      }
      if (deltas.isFull()) {
        isOver = true;
        reader.close();
      }
      if (isDone || isOver) deltas.end();
      const ready = deltas.take();
      if (isOver && ready.length === 0) return end();
      if (!hasToken && ready.some(hasOutput)) {
        hasToken = true;
        watchdog.firstTokenReceived();
      }
      // Reading to the end of the body, which usually follows at once, lets the connection be reused.
      if (isDone) watchdog.streamDone();
      else if (inTrailer !== (deltas.isFinished() && !deltas.hasFalseFinish())) {
        inTrailer = !inTrailer;
        if (inTrailer) watchdog.answerComplete(deltas.hasEarlyFinish());
        else watchdog.answerContinues();
      }
      return ready;
    },
  };
}

/** The last event of a body may end within its line. */
function isWhole({ data }: SseEvent): boolean {
  return data === "[DONE]" || tryParse(data) !== undefined;
}

function readEvent(event: SseEvent, reader: EventReader, add: (json: unknown) => void): void {
  if (event.data === "") return;
  const json = reader.read(event.data);
  if (event.event === "error") return add({ error: json ?? event.data });
  if (json !== undefined) return add(json);
  // Some servers omit the blank line between events.
  for (const line of event.data.split("\n")) {
    if (line === "[DONE]") continue;
    const json = tryParse(line);
    if (json === undefined) throw notACompletion();
    add(json);
  }
}

function incomplete(): UpstreamError {
  const message = "The upstream's answer ended before it was complete.";
  return new UpstreamError("upstream_error", message, { isRetryable: true });
}
