/**
 * Events to bytes, as fast as the client reads them and no faster.
 *
 * @module
 */
import type { ReasoningEvent } from "../reasoning/events.ts";
import type { Clock } from "../clock.ts";
import type { Encoder } from "./dialect.ts";
import { toApiError } from "./errors.ts";

/** Headers of a stream: nobody on the way may hold it back or change it. */
export const SSE_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

const utf8 = new TextEncoder();

/** A comment, which every client skips. */
const KEEPALIVE = ": keepalive\n\n";

/**
 * Frames that follow others sooner than this, in milliseconds, wait for more: nobody sees the
 * difference, and a write costs more than all else that is done for a token.
 */
const GATHER_MS = 5;

/** How much waits at most, in characters. */
const MAX_HELD = 16_384;

/** What a stream is made from. */
export interface SseBodyOptions {
  /** The events; the reading of them begins with `pending`. */
  events: AsyncIterator<ReasoningEvent>;
  /** The first event, which has been asked for already. */
  pending: Promise<IteratorResult<ReasoningEvent>>;
  /** The first event, where it has come already. */
  first?: IteratorResult<ReasoningEvent> | undefined;
  encoder: Encoder;
  /** Called for each event before it is encoded. */
  onEvent(event: ReasoningEvent): void;
  /** Silence after which a comment is sent, in milliseconds. */
  heartbeatMs: number;
  /** What is sent in silence; default: a comment. */
  keepalive?: string | undefined;
  /** The one clock. */
  clock: Clock;
  /** Called when the stream has failed, before its error frame is sent. */
  onError(error: unknown): void;
  /** Called when the stream is over, also after an error. */
  onEnd(): void;
  /** The client has left. */
  onCancel(): void;
}

/**
 * Makes the body of a streamed answer. It is pulled: a client that does not read stops the
 * reading of the upstream. Nothing of it throws: failures end it with a frame.
 */
export function sseBody(options: SseBodyOptions): ReadableStream<Uint8Array> {
  const { events, encoder, clock, heartbeatMs } = options;
  let pending: Promise<IteratorResult<ReasoningEvent>> | undefined = options.pending;
  /** The first event's frames, where they have to be waited for. */
  let owed: Promise<string> | undefined;
  let begun = false;
  let over = false;
  let held = "";
  let writes = 0;
  let lastWrite = -Infinity;
  let stopHeartbeat = () => {};
  let stopGathering = () => {};

  /** Writes what is held, and frames behind it. */
  function write(controller: ReadableStreamDefaultController<Uint8Array>, frames = ""): void {
    stopGathering();
    lastWrite = clock.now();
    writes++;
    controller.enqueue(utf8.encode(held + frames));
    held = "";
  }

  function end(): void {
    over = true;
    stopHeartbeat();
    stopGathering();
  }

  return new ReadableStream({
    start(controller) {
      const beat = () => {
        const silence = clock.now() - lastWrite;
        // A client that does not read needs no sign of life.
        if (silence >= heartbeatMs && (controller.desiredSize ?? 0) > 0) {
          write(controller, options.keepalive ?? KEEPALIVE);
        }
        const wait = heartbeatMs - (clock.now() - lastWrite);
        stopHeartbeat = clock.timer(wait > 0 ? wait : heartbeatMs, beat);
      };
      stopHeartbeat = clock.timer(heartbeatMs, beat);
      let text = encoder.start();
      if (options.first !== undefined && !options.first.done) {
        pending = undefined;
        begun = true;
        options.onEvent(options.first.value);
        const frames = encoder.encode(options.first.value);
        if (typeof frames !== "string") owed = frames;
        else if (frames !== "") {
          text += frames;
          lastWrite = clock.now();
        }
      }
      // A client that has the first events already gets none of them again.
      if (text !== "") controller.enqueue(utf8.encode(text));
    },
    async pull(controller) {
      const before = writes;
      try {
        for (;;) {
          let frames: string | Promise<string>;
          if (owed === undefined) {
            const { done, value } = await (pending ?? events.next());
            pending = undefined;
            if (over) return;
            if (done) break;
            begun = true;
            options.onEvent(value);
            frames = encoder.encode(value);
          } else frames = owed;
          owed = undefined;
          if (typeof frames !== "string") frames = await frames;
          if (over) return;
          if (frames === "") continue;
          const wait = lastWrite + GATHER_MS - clock.now();
          if (wait <= 0 || held.length > MAX_HELD) return write(controller, frames);
          if (held === "") stopGathering = clock.timer(wait, () => write(controller));
          held += frames;
          // Something has been written meanwhile: whether there is room for more, the stream knows.
          if (writes > before) return;
        }
      } catch (error) {
        // Where the frames could not be written, the work is not over by itself.
        events.return?.()?.catch(() => {});
        if (over) return;
        options.onError(error);
        const frames = await encoder.fail(toApiError(error), begun);
        if (over) return;
        held += frames;
      }
      end();
      if (held !== "") write(controller);
      controller.close();
      options.onEnd();
    },
    cancel() {
      if (over) return;
      end();
      options.onCancel();
      // The abort has to come first: a generator that waits does not hear its return.
      events.return?.()?.catch(() => {});
    },
  });
}
