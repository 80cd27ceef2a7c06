/**
 * Answers Chat Completions requests.
 *
 * @module
 */
import { chatWriter, completionHead } from "../../api/chat/encode.ts";
import { decodeChatRequest, formatOf } from "../../api/chat/decode.ts";
import { answerStream, answerWhole } from "../answering.ts";
import type { Exchange } from "../exchange.ts";
import { findModel } from "../models.ts";
import { prepareRun, readRequest, type RunOptions } from "../runs.ts";
import { createSharedRuns, type SharedRun } from "../shared_runs.ts";

/** Answers `POST /chat/completions`. Throws what `toApiError` understands. */
export type ChatHandler = (request: Request, exchange: Exchange) => Promise<Response>;

/** Creates the handler. */
export function createChatHandler(options: RunOptions): ChatHandler {
  const { settings, clock } = options;
  const shared = createSharedRuns();

  return async (request, exchange) => {
    const json = await readRequest(request, exchange, options);
    const chat = decodeChatRequest(json, {
      strategy: request.headers.get("x-reasoning-strategy") ?? undefined,
      strict: settings.strict_openai,
    });
    const model = findModel(chat.model, options.models, exchange.client);
    const start = await prepareRun(model, chat.reasoning, exchange, options);
    const ownHead = completionHead(model.reasoning.id, clock.date());
    const key = joinKey(request.headers, json);
    const joined: SharedRun | undefined = key === undefined
      ? undefined
      : shared.join(key, ownHead, start);
    const { signal } = exchange.work;
    const writer = chatWriter(joined?.head ?? ownHead, {
      format: formatOf(chat, model.format),
      statusLines: model.reasoning.statusLines,
      ...chat.flags,
    });
    const answer = chat.reasoning.stream ? answerStream : answerWhole;
    const events = joined?.read(signal) ?? start(signal);
    return await answer({ events, writer, exchange, settings, clock });
  };
}

/** Requests of one client with the same key and body are one request, asked again. */
function joinKey(headers: Headers, json: unknown): string | undefined {
  const key = headers.get("idempotency-key");
  if (key === null || key === "") return undefined;
  const client = headers.get("authorization") ?? headers.get("api-key") ?? headers.get("x-api-key");
  return JSON.stringify([client, key, json]);
}
