import { argumentsOf, isCall } from "../../api/responses/conversation.ts";
import {
  createResponseWriter,
  INCOMPLETE,
  type ResponseWriter,
  type ResponseWriterOptions,
} from "../../api/responses/encode.ts";
import { eventsOfUse, isToolUse } from "../../api/responses/tool_uses.ts";
import { calledTool } from "../../api/responses/tools.ts";
import type { Clock } from "../../clock.ts";
import type { ServerSettings } from "../../config/resolve.ts";
import type { FinishReason, ReasoningEvent } from "../../reasoning/events.ts";
import { answerStream } from "../answering.ts";
import type { Exchange } from "../exchange.ts";
import { goneBeforeResponse, watchSignal } from "../http/client_disconnect.ts";
import { isOutage } from "../store_outage.ts";
import type { BackgroundRuns } from "./background.ts";
import { openSummary, sealSummary } from "./recall.ts";
import { type ResponseStore, storedError, type StoredResponse } from "./response_store.ts";
import type { Vault } from "../../vault.ts";

/** A run in the background has the same limit, and its end must arrive first. In milliseconds. */
const END_MS = 5_000;

export interface StoredStreamOptions {
  responses: ResponseStore;
  background: BackgroundRuns;
  vault: Vault;
  settings: ServerSettings;
  clock: Clock;
}

/** @param more options that replace those of the stored response. */
export function createStoredWriter(
  { vault, clock }: Pick<StoredStreamOptions, "vault" | "clock">,
  owner: string,
  { response, stream: { sealed, ...shown } }: StoredResponse,
  more: Partial<ResponseWriterOptions> = {},
): ResponseWriter {
  return createResponseWriter({
    ...shown,
    head: response,
    sealSummary: (summary) => sealSummary(vault, owner, summary),
    seal: sealed ? (text) => vault.seal(owner, text) : undefined,
    date: clock.date,
    ...more,
  });
}

/**
 * Streams a stored response, which may still be running.
 *
 * @param startingAfter number of the last event that the client has.
 */
export async function streamStored(
  options: StoredStreamOptions,
  stored: StoredResponse,
  request: Request,
  exchange: Exchange,
  startingAfter?: number,
): Promise<Response> {
  const { responses, background, vault, settings, clock } = options;
  const { work, client: { owner } } = exchange;
  const { response } = stored;
  work.limit(settings.stream_timeout_ms + (response.background ? END_MS : 0));
  work.onEnd(watchSignal(request, clock, () => work.abort(goneBeforeResponse())));

  let completedAt = response.completed_at;
  /** Reads the time of completion, so that every stream of the response ends alike. */
  async function* withCompletion(events: AsyncGenerator<ReasoningEvent>) {
    for await (const event of events) {
      if (event.type === "finish") {
        const last = await responses.find(owner, response.id);
        completedAt = last?.stored.response.completed_at ?? null;
      }
      yield event;
    }
  }

  const writer = createStoredWriter(options, owner, stored, {
    head: {
      ...response,
      status: "in_progress",
      output: [],
      usage: null,
      completed_at: null,
      error: null,
      incomplete_details: null,
    },
    startingAfter,
    usage: response.usage,
    date: () => completedAt === null ? clock.date() : completedAt * 1000,
  });
  /**
   * A run has not failed if it continues elsewhere, or if only this stream has reached its limit or
   * can't read the events now. Throws then, which breaks the stream off, so that its client
   * continues it.
   */
  const fail: ResponseWriter["fail"] = (error, begun) => {
    const mayContinue = isOutage(error) || work.signal.aborted &&
        (error.code === "request_timeout" ||
          background.isDurable && error.code === "server_shutdown");
    if (response.background && mayContinue) throw error;
    return writer.fail(error, begun);
  };
  return await answerStream({
    events: response.background
      ? withCompletion(background.read(owner, response.id, work.signal))
      : replay(stored, (blob) => openSummary(vault, owner, blob)),
    writer: { encoder: () => ({ ...writer, fail }), collector: () => writer },
    exchange,
    settings,
    clock,
    begun: true,
  });
}

/**
 * Events that produce the response, each text in one piece. Throws the error of a failed one.
 *
 * @param open returns the summary in a compaction item.
 */
async function* replay(
  { response, thinking = "", stream }: StoredResponse,
  open: (sealed: string) => Promise<string | undefined>,
): AsyncGenerator<ReasoningEvent> {
  let step = 0;
  let calls = 0;
  for (const item of response.output) {
    if (item.type === "reasoning") {
      const texts = (item.summary as { text: string }[]).map(({ text }) => text);
      // Hidden thinking leaves an item as well.
      for (const text of texts.length === 0 ? [""] : texts) {
        step++;
        yield { type: "step_start", step, titled: false };
        if (text !== "") yield { type: "reasoning", step, part: "content", text };
        yield { type: "step_end", step, title: "", content: thinking, seconds: 0 };
      }
    } else if (item.type === "compaction") {
      yield { type: "compaction", summary: await open(item.encrypted_content as string) ?? "" };
    } else if (isToolUse(item.type)) {
      if (stream.shownTools !== undefined) yield* eventsOfUse(item, stream.shownTools);
    } else if (isCall(item.type)) {
      const name = calledTool(item, stream.clientTools);
      const id = item.call_id as string;
      yield { type: "tool_call", index: calls++, id, name, arguments: argumentsOf(item) };
    } else {
      for (const part of item.content as { type: string; text?: string; refusal?: string }[]) {
        if (part.refusal) yield { type: "refusal", text: part.refusal };
        else if (part.text) yield { type: "answer", text: part.text };
      }
    }
  }
  if (response.error !== null) throw storedError(response.error);
  const incomplete = response.incomplete_details?.reason;
  const reasons: readonly FinishReason[] = ["length", "content_filter"];
  yield { type: "finish", reason: reasons.find((key) => INCOMPLETE[key] === incomplete) ?? "stop" };
}
