/** Turns the events of a run into a response, streamed or whole, in any dialect. */
import type { AnswerWriter } from "../api/dialect.ts";
import { ClientGoneError, toApiError } from "../api/errors.ts";
import { SSE_HEADERS, sseBody } from "../api/sse_writer.ts";
import { type Clock, within } from "../clock.ts";
import type { ServerSettings } from "../config/resolve.ts";
import type { ReasoningEvent } from "../reasoning/events.ts";
import type { Exchange } from "./exchange.ts";

const utf8 = new TextEncoder();

/** Time in which a run should end after its client has disconnected, in milliseconds. */
const MAX_END_MS = 1_000;

export interface AnswerOptions {
  events: AsyncGenerator<ReasoningEvent>;
  writer: AnswerWriter;
  exchange: Exchange;
  settings: ServerSettings;
  clock: Clock;
  /** If true, a stream starts at once: its client already knows that the work was accepted. */
  begun?: boolean;
}

/**
 * Answers with one JSON body.
 *
 * @throws what the run throws, unless part of the body was already sent.
 */
export async function answerWhole(options: AnswerOptions): Promise<Response> {
  const { events, writer, exchange, settings } = options;
  const collector = writer.collector();
  const collect = async () => {
    for await (const event of events) {
      const pushed = collector.push(event);
      if (pushed instanceof Promise) await pushed;
      record(event, exchange);
    }
    exchange.work.signal.throwIfAborted();
    return collector.whole();
  };
  if (!settings.json_heartbeat) return Response.json(await collect());
  return await jsonWithHeartbeat(
    collect(),
    // The status has been sent: the client gets what there is.
    (error) => collector.failed?.(toApiError(error)) ?? collector.whole("length"),
    options,
  );
}

/**
 * Answers with JSON and sends spaces, which JSON allows at its start (RFC 8259, section 2), until it
 * is ready: clients and proxies time out on silent connections.
 *
 * @param onError returns the body to send if `json` rejects after the first space.
 * @throws what `json` rejects with before the first space, so that the response can have its status.
 */
async function jsonWithHeartbeat(
  json: Promise<unknown>,
  onError: (error: unknown) => unknown,
  options: AnswerOptions,
): Promise<Response> {
  const { exchange, settings, clock } = options;
  const heartbeatMs = settings.heartbeat_ms;
  const early = await within(clock, heartbeatMs, json);
  if (early !== "late") return Response.json(early);
  exchange.isStreaming = true;
  let stopHeartbeat = () => {};
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const beat = () => {
        controller.enqueue(utf8.encode(" "));
        // The write may have found that the client has disconnected.
        if (!cancelled) stopHeartbeat = clock.timer(heartbeatMs, beat);
      };
      const end = (value: unknown, error?: unknown) => {
        const text = utf8.encode(JSON.stringify(value));
        stopHeartbeat();
        exchange.finish(error);
        if (cancelled) return;
        controller.enqueue(text);
        controller.close();
      };
      beat();
      json.then(end, async (error) => end(await onError(error), error)).catch((error) => {
        stopHeartbeat();
        exchange.finish(error);
        // Ends the connection, so that the client does not wait for the rest.
        if (!cancelled) controller.error(error);
      });
    },
    cancel() {
      cancelled = true;
      stopHeartbeat();
      abandon(options);
    },
  });
  return new Response(body, { headers: { "content-type": "application/json" } });
}

/**
 * Answers with a stream. Waits up to `commit_after_ms` for the first event, so that an early failure
 * keeps its status code.
 *
 * @throws what the run throws before the response has begun.
 */
export async function answerStream(options: AnswerOptions): Promise<Response> {
  const { events, writer, exchange, settings, clock, begun = false } = options;
  const pending = events.next();
  const first = begun ? "late" : await within(clock, settings.commit_after_ms, pending);
  // The stream reports a failure when it reads the event.
  pending.catch(() => {});
  exchange.isStreaming = true;
  const body = sseBody({
    events,
    pending,
    first: first === "late" ? undefined : first,
    encoder: writer.encoder(),
    heartbeatMs: settings.heartbeat_ms,
    keepalive: writer.keepalive,
    clock,
    signal: exchange.work.signal,
    onEvent: (event) => record(event, exchange),
    onError: (error) => exchange.finish(error),
    onEnd: () => exchange.finish(),
    onCancel: () => abandon(options),
  });
  return new Response(body, { headers: SSE_HEADERS });
}

/**
 * Ends the work and the request of a client that has disconnected: the request after its run, so
 * that its line has what the run used.
 */
function abandon({ events, exchange, clock }: AnswerOptions): void {
  const gone = new ClientGoneError("The client disconnected during the response");
  exchange.work.abort(gone);
  const ended = events.return(undefined).catch(() => {});
  within(clock, MAX_END_MS, ended).then(() => exchange.finish(gone));
}

/** Adds an event to metrics, traces and the log line, which holds counts but no texts. */
function record(event: ReasoningEvent, { logFields, observer }: Exchange): void {
  observer?.event?.(event);
  if (event.type === "finish") logFields.finish = event.reason;
}
