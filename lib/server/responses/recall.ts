/**
 * What requests leave behind for later ones: responses, conversations, and runs that go on.
 *
 * @module
 */
import { ApiError, ClientGoneError } from "../../api/errors.ts";
import type { Item, ResponsesBody } from "../../api/responses/body.ts";
import { ownItems, type ResponsesContext } from "../../api/responses/decode.ts";
import { createResponseWriter } from "../../api/responses/encode.ts";
import type { ServerSettings } from "../../config/resolve.ts";
import type { ReasoningEvent } from "../../reasoning/events.ts";
import type { Change, Store } from "../../store/store.ts";
import type { Clock } from "../../clock.ts";
import { answerStream } from "../answering.ts";
import { type BackgroundRuns, createBackgroundRuns } from "./background.ts";
import { type Conversations, createConversations } from "./conversations.ts";
import type { Exchange } from "../exchange.ts";
import { createKeptResponses, type KeptResponse, type KeptResponses } from "./stored.ts";
import type { Log } from "../telemetry/log.ts";
import { replay } from "./replay.ts";
import type { Vault } from "./vault.ts";

/** What a request refers to. */
export interface Recalled {
  /** For the decoding of the request. */
  known: ResponsesContext;
  /** Ids of the responses before this one, oldest first. */
  ids: string[];
}

/** What a stream is answered with once more. */
export interface AgainOptions {
  /** The request that asks. */
  request: Request;
  /** The request on its way. */
  exchange: Exchange;
  /** The server's settings. */
  settings: ServerSettings;
  /** The one clock. */
  clock: Clock;
  /** The last event that the client has. */
  startingAfter?: number | undefined;
}

/** What outlives requests. */
export interface Memory {
  /** Responses. */
  responses: KeptResponses;
  /** Conversations. */
  conversations: Conversations;
  /** Runs without clients. */
  background: BackgroundRuns;
  /** Makes the blob that brings private thinking back. */
  seal(thinking: string): Promise<string>;
  /**
   * Looks up all that a request refers to.
   *
   * @throws {ApiError} 404 for an earlier response or a conversation that is not there.
   * @internal the body's type is zod's
   */
  recall(owner: string, body: ResponsesBody): Promise<Recalled>;
  /**
   * Keeps a response that has ended, and what it adds to its conversation.
   *
   * @param changes what is changed with it.
   * @param version what has to be kept now, as in a change.
   * @returns whether that was so.
   */
  keep(
    owner: string,
    kept: KeptResponse,
    changes?: readonly Change[],
    version?: string,
  ): Promise<boolean>;
  /** Forgets a response. */
  forget(owner: string, id: string): Promise<void>;
  /** Streams a response that is kept, or still being made, from any of its events on. */
  answerAgain(owner: string, kept: KeptResponse, options: AgainOptions): Promise<Response>;
}

/** What the memory needs from outside. */
export interface MemoryOptions {
  /** Where all is kept. */
  store: Store;
  /** How long, in milliseconds. */
  ttlMs: number;
  /** How many runs may go on at once without clients. */
  maxBackground: number;
  /** The runs that go on already; default: none. */
  background?: BackgroundRuns | undefined;
  /** Seals private thinking. */
  vault: Vault;
  /** The one clock. */
  clock: Clock;
  /** Where trouble is told. */
  log: Log;
}

/** Creates the memory over a store. */
export function createMemory(options: MemoryOptions): Memory {
  const { store, vault, clock } = options;
  const keeping = { ttlMs: options.ttlMs, now: clock.date };
  const responses = createKeptResponses(store, keeping);
  const conversations = createConversations(store, keeping);
  const background = options.background ?? createBackgroundRuns({
    ...options,
    responses,
    max: options.maxBackground,
  });

  /** Private thinking is wanted back only where a tool was called after it. */
  async function recallThinking(
    owner: string,
    items: readonly Item[],
    thinking: Map<Item, string>,
  ): Promise<void> {
    await Promise.all(items.map(async (item, index) => {
      if (item.type !== "reasoning" || thinking.has(item)) return;
      if (!leadsToCall(items, index)) return;
      const sealed = typeof item.encrypted_content === "string"
        ? await vault.open(item.encrypted_content)
        : undefined;
      const text = sealed ?? (item.id && (await responses.item(owner, item.id))?.thinking);
      if (text) thinking.set(item, text);
    }));
  }

  return {
    responses,
    conversations,
    background,
    seal: vault.seal,
    async recall(owner, body) {
      const thinking = new Map<Item, string>();
      const found = new Map<string, Item>();
      let history: readonly Item[] = [];
      let ids: string[] = [];
      if (body.previous_response_id) {
        const line = await responses.history(owner, body.previous_response_id);
        ids = line.ids;
        history = line.items.map(({ item }) => item);
        for (const each of line.items) if (each.thinking) thinking.set(each.item, each.thinking);
      } else if (body.conversation) {
        history = await conversations.items(owner, conversationOf(body)!);
        await recallThinking(owner, history, thinking);
      }
      const own = ownItems(body);
      await Promise.all(own.map(async ({ type, id }) => {
        if (type !== "item_reference" || !id) return;
        const known = await responses.item(owner, id);
        const item = known?.item ?? await conversations.find(owner, id);
        if (item === undefined) return;
        found.set(id, item);
        if (known?.thinking) thinking.set(item, known.thinking);
      }));
      await recallThinking(owner, own, thinking);
      return {
        ids,
        known: {
          own,
          history,
          item: (id) => found.get(id),
          thinking: (item) => thinking.get(item),
        },
      };
    },
    async keep(owner, kept, changes = [], version) {
      const { response, input } = kept;
      const saving = response.store ? [responses.saving(owner, kept, version)] : [];
      const all = [...saving, ...changes];
      const { conversation, status } = response;
      if (conversation && (status === "completed" || status === "incomplete")) {
        const { id } = conversation as { id: string };
        const items = [...input, ...response.output];
        try {
          return await conversations.append(owner, id, items, all) !== undefined;
        } catch (error) {
          // Whoever deleted the conversation meanwhile still gets the answer.
          if (!(error instanceof ApiError) || error.status !== 404) throw error;
        }
      }
      return all.length === 0 || await store.write(all);
    },
    async forget(owner, id) {
      await store.write([responses.deleting(owner, id)]);
      await background.forget(id);
    },
    async answerAgain(owner, kept, { request, exchange, settings, clock, startingAfter }) {
      const { work } = exchange;
      const { response, stream } = kept;
      const deadline = settings.stream_timeout_ms;
      work.limit(deadline);
      const gone = () => work.abort(new ClientGoneError("The client left before the answer"));
      if (request.signal.aborted) gone();
      request.signal.addEventListener("abort", gone, { once: true });
      const head = { ...response, status: "in_progress" as const, output: [], usage: null };
      let completedAt = response.completed_at;
      /** All that read a response say the same of its end. */
      async function* untilKept(events: AsyncGenerator<ReasoningEvent>) {
        for await (const event of events) {
          if (event.type === "finish") {
            const last = await responses.find(owner, response.id);
            completedAt = last?.kept.response.completed_at ?? null;
          }
          yield event;
        }
      }
      const writer = createResponseWriter({
        head: { ...head, completed_at: null, error: null, incomplete_details: null },
        summaries: stream?.summaries ?? true,
        statusLines: stream?.statusLines ?? true,
        seal: stream?.sealed ? vault.seal : undefined,
        startingAfter,
        usage: response.usage,
        date: () => completedAt === null ? clock.date() : completedAt * 1000,
      });
      const events = response.background
        ? untilKept(background.read(owner, response.id, work.signal))
        : replay(kept);
      return await answerStream({
        events,
        writer: { encoder: () => writer, collector: () => writer },
        exchange,
        settings,
        clock,
        begun: true,
      });
    },
  };
}

/** Whether a function was called after an item, with no more than the same turn's words between. */
function leadsToCall(items: readonly Item[], index: number): boolean {
  const next = items.slice(index + 1).find(({ type, role }) =>
    type !== "message" || role !== "assistant"
  );
  return next?.type === "function_call" || next?.type === "item_reference";
}

/** The id of the conversation that a request belongs to. @internal the body's type is zod's */
export function conversationOf({ conversation }: ResponsesBody): string | undefined {
  if (!conversation) return undefined;
  return typeof conversation === "string" ? conversation : conversation.id;
}
