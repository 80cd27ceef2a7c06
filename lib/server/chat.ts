/**
 * Answers Chat Completions requests: streamed or whole.
 *
 * @module
 */
import {
  completionHead,
  type CompletionOptions,
  createChunkEncoder,
  createCompletionCollector,
} from "../api/chat_completions.ts";
import { type ChatRequest, decodeChatRequest, formatOf } from "../api/chat_request.ts";
import { ApiError, ClientGoneError, errorFrame, toApiError } from "../api/errors.ts";
import { SSE_HEADERS, sseBody } from "../api/sse_writer.ts";
import type { PublishedModel } from "../config/published_models.ts";
import type { ServerSettings } from "../config/resolve.ts";
import type { ReasoningEvent } from "../reasoning/events.ts";
import { run, strategyName } from "../reasoning/run.ts";
import type { Clock } from "../upstream/clock.ts";
import type { UpstreamClient } from "../upstream/client.ts";
import { readJson } from "./body.ts";
import type { Exchange } from "./exchange.ts";
import { patientJson } from "./patient_json.ts";
import { createSharedRuns, type SharedRun } from "./shared_runs.ts";
import type { LogFields } from "./log.ts";

/** What the answering of requests needs from outside. */
export interface ChatOptions {
  /** The server's settings. */
  settings: ServerSettings;
  /** The published models; the first one serves requests that name none. */
  models: ReadonlyMap<string, PublishedModel>;
  /** Calls upstream models. */
  client: UpstreamClient;
  /** The one clock. */
  clock: Clock;
  /** The one source of chance, 0 to 1. */
  random: () => number;
}

/** Answers `POST /chat/completions`. Throws what `toApiError` understands. */
export type ChatHandler = (request: Request, exchange: Exchange) => Promise<Response>;

/** Creates the handler. */
export function createChatHandler(options: ChatOptions): ChatHandler {
  const { settings, clock } = options;
  const shared = createSharedRuns();

  return async (request, exchange) => {
    const { work, fields } = exchange;
    const json = await readJson(request, settings.max_body_bytes);
    const chat = decodeChatRequest(json, {
      strategy: request.headers.get("x-reasoning-strategy") ?? undefined,
      strict: settings.strict_openai,
    });
    const model = findModel(chat, options.models);
    const { stream } = chat.reasoning;
    fields.model = model.reasoning.id;
    fields.strategy = strategyName(model.reasoning, chat.reasoning);
    fields.stream = stream;
    const deadline = work.limit(stream ? settings.stream_timeout_ms : settings.request_timeout_ms);
    const gone = () => work.abort(new ClientGoneError("The client left before the answer"));
    if (request.signal.aborted) gone();
    request.signal.addEventListener("abort", gone, { once: true });
    const start = (signal: AbortSignal) =>
      run(model.reasoning, chat.reasoning, {
        client: options.client,
        clock,
        random: options.random,
        signal,
        deadline,
        maxRetries: settings.max_retries,
        onRetry: () => fields.retries = Number(fields.retries ?? 0) + 1,
      });
    const ownHead = completionHead(model.reasoning.id, clock.date());
    const key = joinKey(request.headers, json);
    const joined: SharedRun | undefined = key === undefined
      ? undefined
      : shared.join(key, ownHead, start);
    const answer: Answer = {
      head: joined?.head ?? ownHead,
      events: joined?.read(work.signal) ?? start(work.signal),
      how: {
        format: formatOf(chat, model.format),
        statusLines: model.reasoning.statusLines,
        includeUsage: chat.includeUsage,
        progress: chat.progress,
        legacyFunctions: chat.legacyFunctions,
      },
      exchange,
      options,
    };
    return stream ? await answerStream(answer) : await answerWhole(answer);
  };
}

/** Requests of one client with the same key and body are one request, asked again. */
function joinKey(headers: Headers, json: unknown): string | undefined {
  const key = headers.get("idempotency-key");
  if (key === null || key === "") return undefined;
  const client = headers.get("authorization") ?? headers.get("api-key") ?? headers.get("x-api-key");
  return JSON.stringify([client, key, json]);
}

interface Answer {
  head: ReturnType<typeof completionHead>;
  events: AsyncGenerator<ReasoningEvent>;
  how: CompletionOptions;
  exchange: Exchange;
  options: ChatOptions;
}

function findModel(
  chat: ChatRequest,
  models: ReadonlyMap<string, PublishedModel>,
): PublishedModel {
  const [first] = models.values();
  const model = chat.model === undefined ? first : models.get(chat.model);
  if (model !== undefined) return model;
  throw modelNotFound(chat.model ?? "", models);
}

/** 404 for an id that is not published, naming those that are. */
export function modelNotFound(id: string, models: ReadonlyMap<string, unknown>): ApiError {
  const known = [...models.keys()].map((key) => `'${key}'`).join(", ");
  const shown = id.length > 100 ? `${id.slice(0, 100)}…` : id;
  return new ApiError(
    404,
    `The model \`${shown}\` does not exist or you do not have access to it. Known models are: ${known}.`,
    { code: "model_not_found" },
  );
}

async function answerWhole({ events, head, how, exchange, options }: Answer): Promise<Response> {
  const { settings, clock } = options;
  const collector = createCompletionCollector(head, how);
  const collect = async () => {
    for await (const event of events) {
      collector.push(event);
      note(event, exchange.fields);
    }
    exchange.work.signal.throwIfAborted();
    return collector.completion();
  };
  if (!settings.json_heartbeat) return Response.json(await collect());
  return await patientJson({
    whole: collect(),
    // Once spaces have gone out, no error can: the best that there is has to do.
    draft: () => collector.completion("length"),
    heartbeatMs: settings.heartbeat_ms,
    clock,
    exchange,
  });
}

/**
 * Waits for the first event, so that an early failure keeps its status, but no longer than
 * `commit_after_ms`; then the stream has begun.
 */
async function answerStream({ events, head, how, exchange, options }: Answer): Promise<Response> {
  const { settings, clock } = options;
  const encoder = createChunkEncoder(head, how);
  const pending = events.next();
  let cancel = () => {};
  const commit = new Promise<undefined>((resolve) => {
    cancel = clock.timer(settings.commit_after_ms, () => resolve(undefined));
  });
  const first = await Promise.race([pending, commit]).finally(cancel);
  exchange.isStreaming = true;
  const body = sseBody({
    events,
    pending,
    first,
    heartbeatMs: settings.heartbeat_ms,
    clock,
    encoder: {
      start: encoder.start,
      encode(event) {
        note(event, exchange.fields);
        return encoder.encode(event);
      },
    },
    onError(error, begun) {
      exchange.done(error);
      return errorFrame(toApiError(error), begun);
    },
    onEnd: () => exchange.done(),
    onCancel() {
      const gone = new ClientGoneError("The client left during the stream");
      exchange.work.abort(gone);
      exchange.done(gone);
    },
  });
  return new Response(body, { headers: SSE_HEADERS });
}

/** What the log tells of a run: counts, never texts. */
function note(event: ReasoningEvent, fields: LogFields): void {
  if (event.type === "usage") {
    fields.calls = event.usage.upstream.calls;
    fields.prompt_tokens = event.usage.promptTokens;
    fields.completion_tokens = event.usage.completionTokens;
  } else if (event.type === "finish") fields.finish = event.reason;
}
