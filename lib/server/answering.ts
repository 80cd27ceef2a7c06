/**
 * From a run's events to the response, whatever the dialect: streamed or whole.
 *
 * @module
 */
import type { AnswerWriter } from "../api/dialect.ts";
import { ClientGoneError, toApiError } from "../api/errors.ts";
import { SSE_HEADERS, sseBody } from "../api/sse_writer.ts";
import type { ServerSettings } from "../config/resolve.ts";
import type { ReasoningEvent } from "../reasoning/events.ts";
import { type Clock, within } from "../clock.ts";
import type { Exchange } from "./exchange.ts";
import { jsonWithHeartbeat } from "./http/json_with_heartbeat.ts";

/** A run, and how its answer is written. */
export interface AnswerOptions {
  /** The run's events. */
  events: AsyncGenerator<ReasoningEvent>;
  /** How the dialect writes them. */
  writer: AnswerWriter;
  /** The request. */
  exchange: Exchange;
  /** The server's settings. */
  settings: ServerSettings;
  /** The one clock. */
  clock: Clock;
  /** Whether the client knows of the work already: a stream then begins at once, and all it tells. */
  begun?: boolean;
}

/**
 * Answers with one JSON object.
 *
 * @throws what the run throws, as long as nothing was sent.
 */
export async function answerWhole(
  { events, writer, exchange, settings, clock }: AnswerOptions,
): Promise<Response> {
  const collector = writer.collector();
  const collect = async () => {
    for await (const event of events) {
      const waiting = collector.push(event);
      if (waiting instanceof Promise) await waiting;
      note(event, exchange);
    }
    exchange.work.signal.throwIfAborted();
    return collector.whole();
  };
  if (!settings.json_heartbeat) return Response.json(await collect());
  return await jsonWithHeartbeat({
    whole: collect(),
    // Once spaces have gone out, no error can: the best that there is has to do.
    draft: (error) => collector.failed?.(toApiError(error)) ?? collector.whole("length"),
    heartbeatMs: settings.heartbeat_ms,
    clock,
    exchange,
  });
}

/**
 * Answers with a stream. Waits for the first event, so that an early failure keeps its status,
 * but no longer than `commit_after_ms`; then the stream has begun.
 *
 * @throws what the run throws before that.
 */
export async function answerStream(
  { events, writer, exchange, settings, clock, begun = false }: AnswerOptions,
): Promise<Response> {
  const encoder = writer.encoder();
  const pending = events.next();
  const first = begun ? "late" : await within(clock, settings.commit_after_ms, pending);
  // A failure is told by the stream, as soon as that is read.
  pending.catch(() => {});
  exchange.isStreaming = true;
  const body = sseBody({
    events,
    pending,
    first: first === "late" ? undefined : first,
    heartbeatMs: settings.heartbeat_ms,
    keepalive: writer.keepalive,
    clock,
    encoder: {
      start: encoder.start,
      encode(event) {
        note(event, exchange);
        return encoder.encode(event);
      },
    },
    onError(error, begun) {
      exchange.finish(error);
      return encoder.fail(toApiError(error), begun);
    },
    onEnd: () => exchange.finish(),
    onCancel() {
      const gone = new ClientGoneError("The client left during the stream");
      exchange.work.abort(gone);
      exchange.finish(gone);
    },
  });
  return new Response(body, { headers: SSE_HEADERS });
}

/** What the log tells of a run: counts, never texts; the rest is the observer's. */
function note(event: ReasoningEvent, { fields, observer }: Exchange): void {
  observer?.event(event);
  if (event.type === "usage") {
    fields.calls = event.usage.upstream.calls;
    fields.prompt_tokens = event.usage.promptTokens;
    fields.completion_tokens = event.usage.completionTokens;
  } else if (event.type === "finish") fields.finish = event.reason;
}
