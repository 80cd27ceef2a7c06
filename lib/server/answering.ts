/**
 * Turns the events of a run into a response, streamed or whole, in any dialect.
 *
 * @module
 */
import type { AnswerWriter } from "../api/dialect.ts";
import { ClientGoneError, toApiError } from "../api/errors.ts";
import { SSE_HEADERS, sseBody } from "../api/sse_writer.ts";
import { type Clock, within } from "../clock.ts";
import type { ServerSettings } from "../config/resolve.ts";
import type { ReasoningEvent } from "../reasoning/events.ts";
import type { Exchange } from "./exchange.ts";
import { jsonWithHeartbeat } from "./http/json_with_heartbeat.ts";

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
export async function answerWhole(
  { events, writer, exchange, settings, clock }: AnswerOptions,
): Promise<Response> {
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
  return await jsonWithHeartbeat({
    json: collect(),
    // The status has been sent: the client gets what there is.
    onError: (error) => collector.failed?.(toApiError(error)) ?? collector.whole("length"),
    heartbeatMs: settings.heartbeat_ms,
    clock,
    exchange,
  });
}

/**
 * Answers with a stream. Waits up to `commit_after_ms` for the first event, so that an early failure
 * keeps its status code.
 *
 * @throws what the run throws before the response has begun.
 */
export async function answerStream(
  { events, writer, exchange, settings, clock, begun = false }: AnswerOptions,
): Promise<Response> {
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
    onEvent: (event) => record(event, exchange),
    onError: exchange.finish,
    onEnd: exchange.finish,
    onCancel() {
      const gone = new ClientGoneError("The client disconnected during the stream");
      exchange.work.abort(gone);
      exchange.finish(gone);
    },
  });
  return new Response(body, { headers: SSE_HEADERS });
}

/** Adds an event to metrics, traces and the log line, which holds counts but no texts. */
function record(event: ReasoningEvent, { logFields, observer }: Exchange): void {
  observer?.event(event);
  if (event.type === "usage") {
    logFields.calls = event.usage.upstream.calls;
    logFields.prompt_tokens = event.usage.promptTokens;
    logFields.completion_tokens = event.usage.completionTokens;
  } else if (event.type === "finish") logFields.finish = event.reason;
}
