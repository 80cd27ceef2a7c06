import { decodeChatRequest, formatOf } from "../../api/chat/decode.ts";
import { chatWriter, completionHead } from "../../api/chat/encode.ts";
import { answerStream, answerWhole } from "../answering.ts";
import type { Client } from "../client.ts";
import type { Handler } from "../exchange.ts";
import { findModel } from "../models.ts";
import { prepareRun, readRequest, type RunOptions } from "../runs.ts";
import type { KeyClaims } from "../idempotency/key_claims.ts";
import { createSharedRuns } from "../idempotency/shared_runs.ts";

/**
 * Creates the handler of `POST /chat/completions`.
 *
 * @param claims undefined if no other server or worker has the same clients.
 */
export function createChatHandler(options: RunOptions, claims?: KeyClaims): Handler {
  const { settings, clock } = options;
  const sharedRuns = createSharedRuns();

  return async (request, exchange) => {
    const json = await readRequest(request, exchange, options);
    const chat = decodeChatRequest(json, {
      strategy: request.headers.get("x-reasoning-strategy") ?? undefined,
      strict: settings.strict_openai,
    });
    const model = findModel(chat.model, options.models, exchange.client);
    const start = await prepareRun(model, chat.reasoning, exchange, options);
    const ownHead = completionHead(model.reasoning.id, clock.date());
    const key = sharedRunKey(exchange.client, request.headers, json);
    const sharedRun = key === undefined ? undefined : sharedRuns.join(
      key,
      ownHead,
      claims?.exclusive(exchange.client.owner, key, start) ?? start,
    );
    const { signal } = exchange.work;
    const writer = chatWriter(sharedRun?.head ?? ownHead, {
      format: formatOf(chat, model.format),
      statusLines: model.reasoning.statusLines,
      ...chat.flags,
    }, chat.reasoning.choices);
    const answer = chat.reasoning.stream ? answerStream : answerWhole;
    const events = sharedRun?.read(signal) ?? start(signal);
    return await answer({ events, writer, exchange, settings, clock });
  };
}

/** Requests of one owner with the same idempotency key, strategy and body share a run. */
function sharedRunKey({ owner }: Client, headers: Headers, json: unknown): string | undefined {
  const key = headers.get("idempotency-key");
  if (key === null || key === "") return undefined;
  return JSON.stringify([owner, key, headers.get("x-reasoning-strategy"), json]);
}
