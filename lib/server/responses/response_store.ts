import { ApiError, invalidRequest } from "../../api/errors.ts";
import type { Item } from "../../api/responses/body.ts";
import { ownerOf } from "../../api/responses/items.ts";
import { isRunning, type ResponseObject } from "../../api/responses/object.ts";
import type { Change, EntryKey, Store } from "../../store/store.ts";
import type { ConversationStore } from "./conversation_store.ts";
import { createSetJson, type Retention } from "./entries.ts";

export interface StoredResponse {
  response: ResponseObject;
  /** The request's own input; every item has an id. */
  input: Item[];
  /** Ids of the previous responses, oldest first. */
  ancestors: string[];
  /** The upstream's private thinking, which some models need back together with tool results. */
  thinking?: string;
  /** How its stream was written, if it can be replayed. */
  stream?: { summaries: boolean; statusLines: boolean; sealed: boolean };
}

export interface VersionedResponse {
  stored: StoredResponse;
  /** Version for conditional changes. */
  version: string;
}

/** An item of a stored response. */
export interface HistoryItem {
  item: Item;
  /** The private thinking behind a reasoning item. */
  thinking?: string;
}

/** Responses, each stored for the client that created it, its owner. */
export type ResponseStore = ReturnType<typeof createResponseStore>;

export function createResponseStore(
  store: Store,
  conversations: ConversationStore,
  retention: Retention,
) {
  const setJson = createSetJson(retention);
  const keyOf = (owner: string, id: string): EntryKey => ({
    collection: `response/${encodeURIComponent(owner)}`,
    id,
  });

  /** Builds the change that stores a response; `ifVersion` is as in {@link Change}. */
  function put(owner: string, stored: StoredResponse, ifVersion?: string | null): Change {
    return setJson(keyOf(owner, stored.response.id), stored, ifVersion);
  }

  async function read(owner: string, ids: readonly string[]) {
    const entries = await store.get(ids.map((id) => keyOf(owner, id)));
    return entries.map((entry) => entry && JSON.parse(entry.value) as StoredResponse);
  }

  async function find(owner: string, id: string): Promise<VersionedResponse | undefined> {
    const [entry] = isId(id) ? await store.get([keyOf(owner, id)]) : [];
    return entry && { stored: JSON.parse(entry.value), version: entry.version };
  }

  return {
    find,
    put,
    /**
     * Stores a response that has ended, unless it has `store: false`, and appends it to its
     * conversation if it succeeded, all in one write.
     *
     * @param others changes to make in the same write.
     * @returns false if the response does not have the version `ifVersion`.
     */
    async save(
      owner: string,
      stored: StoredResponse,
      others: readonly Change[] = [],
      ifVersion?: string,
    ): Promise<boolean> {
      const { response, input } = stored;
      const { conversation, status } = response;
      const changes = [...response.store ? [put(owner, stored, ifVersion)] : [], ...others];
      if (conversation && (status === "completed" || status === "incomplete")) {
        const { id } = conversation as { id: string };
        const items = [...input, ...response.output];
        try {
          return await conversations.append(owner, id, items, changes) !== undefined;
        } catch (error) {
          // The conversation was deleted meanwhile; the client still gets its response.
          if (!(error instanceof ApiError) || error.status !== 404) throw error;
        }
      }
      return changes.length === 0 || await store.write(changes);
    },
    async delete(owner: string, id: string): Promise<void> {
      await store.write([{ key: keyOf(owner, id), delete: true }]);
    },
    /**
     * The items of a response and its ancestors, and the ids of these responses, oldest first.
     *
     * @throws {ApiError} 404 if one of the responses is missing, 400 if the last one is running.
     */
    async history(owner: string, id: string): Promise<{ ids: string[]; items: HistoryItem[] }> {
      const last = await find(owner, id);
      if (last === undefined) throw notFound(id);
      if (isRunning(last.stored.response)) throw stillRunning(id);
      const { ancestors } = last.stored;
      const earlier = await read(owner, ancestors);
      const missing = earlier.indexOf(undefined);
      if (missing >= 0) throw notFound(ancestors[missing]!, id);
      const line = [...earlier as StoredResponse[], last.stored];
      return { ids: [...ancestors, id], items: line.flatMap(itemsOf) };
    },
    /** Finds an item by the response in its id. */
    async item(owner: string, id: string): Promise<HistoryItem | undefined> {
      const digits = ownerOf(id);
      if (digits === undefined) return undefined;
      const [stored] = await read(owner, [`resp_${digits}`]);
      return stored && itemsOf(stored).find(({ item }) => item.id === id);
    },
  };
}

/** The response at its end. */
export function ended(
  stored: StoredResponse,
  response: ResponseObject,
  thinking: string,
): StoredResponse {
  return { ...stored, response, ...(thinking === "" ? {} : { thinking }) };
}

/** The error of a failed response, as it was thrown. */
export function storedError({ code, message }: { code: string; message: string }): ApiError {
  const status = code === "rate_limit_exceeded" ? 429 : code === "invalid_prompt" ? 400 : 500;
  return new ApiError(status, message, { code });
}

const isId = (id: string) => /^resp_[0-9a-f]{48}$/.test(id);

function itemsOf({ input, response, thinking }: StoredResponse): HistoryItem[] {
  return [
    ...input.map((item) => ({ item })),
    ...response.output.map((item) =>
      item.type === "reasoning" && thinking ? { item, thinking } : { item }
    ),
  ];
}

function stillRunning(id: string): ApiError {
  const message = `Response '${id}' is still in progress. Wait until it is completed.`;
  return invalidRequest("previous_response_id", message);
}

/** @param last the response whose ancestor is missing; the model would lack a part of the history */
function notFound(id: string, last?: string): ApiError {
  const shown = id.slice(0, 100);
  const message = last === undefined
    ? `Previous response with id '${shown}' not found.`
    : `Response with id '${shown}', an ancestor of '${last}', was deleted or has expired.`;
  return new ApiError(404, message, {
    code: "previous_response_not_found",
    param: "previous_response_id",
  });
}
