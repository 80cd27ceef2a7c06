import { ApiError, invalidRequest } from "../../api/errors.ts";
import type { Item } from "../../api/responses/body.ts";
import { ownerOf } from "../../api/responses/items.ts";
import { isRunning, type ResponseObject } from "../../api/responses/object.ts";
import type { ShownTools } from "../../api/responses/tool_uses.ts";
import type { ClientTools } from "../../api/responses/tools.ts";
import type { Change, Entry, EntryKey, Store } from "../../store/store.ts";
import { approvalKey, askedChanges } from "../tools/approvals.ts";
import type { ConversationStore } from "./conversation_store.ts";
import { createSetJson } from "../../store/entries.ts";
import type { LoadQuota } from "./load_quota.ts";

export interface StoredResponse {
  response: ResponseObject;
  /** The request's own input; every item has an id. */
  input: Item[];
  /** Ids of the previous responses, oldest first. */
  ancestors: string[];
  /** The upstream's private thinking, which some models need back together with tool results. */
  thinking?: string;
  /** How its stream was written. */
  stream: {
    summaries: boolean;
    statusLines: boolean;
    sealed: boolean;
    clientTools: ClientTools;
    shownTools?: ShownTools;
  };
}

export interface VersionedResponse {
  stored: StoredResponse;
  /** Version for conditional changes. */
  version: string;
}

export interface HistoryItem {
  item: Item;
  /** The private thinking behind a reasoning item. */
  thinking?: string;
}

/** Time within which a write that failed may be repeated, in milliseconds. */
const REPEAT_MS = 60_000;

/** Number of responses of a history that are loaded together. */
const HISTORY_BATCH = 16;

/** Responses, each stored for the client that created it, its owner. */
export type ResponseStore = ReturnType<typeof createResponseStore>;

export function createResponseStore(
  store: Store,
  conversations: ConversationStore,
  ttlMs: number,
) {
  const setJson = createSetJson(ttlMs);
  const keyOf = (owner: string, id: string): EntryKey => ({
    collection: `response/${owner}`,
    id,
  });

  /** Builds the change that stores a response; `ifVersion` is as in {@link Change}. */
  function put(owner: string, stored: StoredResponse, ifVersion?: string | null): Change {
    return setJson(keyOf(owner, stored.response.id), stored, ifVersion);
  }

  async function find(owner: string, id: string): Promise<VersionedResponse | undefined> {
    const [entry] = isId(id) ? await store.get([keyOf(owner, id)]) : [];
    return entry && { stored: JSON.parse(entry.value), version: entry.version };
  }

  /**
   * Stores a response that has ended, unless it has `store: false`, and appends it to its
   * conversation if it succeeded, all in one write.
   *
   * @param others changes to make in the same write.
   * @returns false if the response does not have the version `ifVersion`.
   */
  async function save(
    owner: string,
    stored: StoredResponse,
    others: readonly Change[] = [],
    ifVersion?: string | null,
  ): Promise<boolean> {
    const { response, input, stream } = stored;
    const { conversation, status } = response;
    const changes = [
      ...response.store ? [put(owner, stored, ifVersion)] : [],
      ...await askedChanges(owner, response, stream.clientTools, setJson),
      ...others,
    ];
    if (conversation && (status === "completed" || status === "incomplete")) {
      const { id } = conversation as { id: string };
      const items = [...input, ...response.output];
      try {
        return await conversations.append(owner, id, items, changes) !== undefined;
      } catch (error) {
        // The conversation was deleted or filled meanwhile; the client still gets its response.
        if (!(error instanceof ApiError) || ![400, 404].includes(error.status)) throw error;
      }
    }
    return changes.length === 0 || await store.write(changes);
  }

  return {
    find,
    put,
    save,
    /**
     * As `save`, for a response that did not run in the background. Can be repeated if it failed:
     * nothing is appended twice, if one write is enough.
     */
    async saveNew(owner: string, stored: StoredResponse): Promise<void> {
      const { id, store, conversation } = stored.response;
      const key = { collection: `appended/${owner}`, id };
      const mark = { key, value: "", ttlMs: REPEAT_MS, ifVersion: null };
      await save(owner, stored, conversation && !store ? [mark] : [], null);
    },
    async delete(owner: string, id: string): Promise<void> {
      const keys = [keyOf(owner, id), approvalKey(owner, id)];
      await store.write(keys.map((key) => ({ key, delete: true })));
    },
    /**
     * The items of a response and its ancestors, and the ids of these responses, oldest first.
     *
     * @throws {ApiError} 404 if one of the responses is missing, 400 if the last one is running or
     *   the quota is exceeded.
     */
    async history(owner: string, id: string, quota: LoadQuota) {
      const [last] = isId(id) ? await store.get([keyOf(owner, id)]) : [];
      if (last === undefined) throw notFound(id);
      const stored: StoredResponse = JSON.parse(last.value);
      if (isRunning(stored.response)) throw stillRunning(id);
      const { ancestors } = stored;
      const items: HistoryItem[] = [];
      const add = (stored: StoredResponse, { value }: Entry) => {
        const found = itemsOf(stored);
        quota.add(value, found.length + 1);
        items.push(...found);
      };
      for (let first = 0; first < ancestors.length; first += HISTORY_BATCH) {
        const batch = ancestors.slice(first, first + HISTORY_BATCH);
        const entries = await store.get(batch.map((id) => keyOf(owner, id)));
        for (const [index, entry] of entries.entries()) {
          if (entry === undefined) throw notFound(batch[index]!, id);
          add(JSON.parse(entry.value), entry);
        }
      }
      add(stored, last);
      return { ids: [...ancestors, id], items };
    },
    /**
     * Returns a function that finds items by the response in their id. It loads each response once,
     * and must not be called again before it has ended.
     */
    reader(owner: string, quota: LoadQuota): (id: string) => Promise<HistoryItem | undefined> {
      const loaded = new Map<string, ReadonlyMap<string | undefined, HistoryItem>>();
      return async (id) => {
        const digits = ownerOf(id);
        if (digits === undefined) return undefined;
        let items = loaded.get(digits);
        if (items === undefined) {
          const [entry] = await store.get([keyOf(owner, `resp_${digits}`)]);
          quota.add(entry?.value);
          const found = entry === undefined ? [] : itemsOf(JSON.parse(entry.value));
          // Of items with the same id, the first counts.
          items = new Map(found.toReversed().map((item) => [item.item.id, item]));
          loaded.set(digits, items);
        }
        return items.get(id);
      };
    },
  };
}

export function ended(
  stored: StoredResponse,
  response: ResponseObject,
  thinking: string,
): StoredResponse {
  return { ...stored, response, ...(thinking === "" ? {} : { thinking }) };
}

const STATUSES: Readonly<Record<string, number>> = {
  context_length_exceeded: 400,
  insufficient_quota: 429,
  invalid_prompt: 400,
  rate_limit_exceeded: 429,
};

/** The error of a failed response, as it was thrown. */
export function storedError({ code, message }: { code: string; message: string }): ApiError {
  const status = STATUSES[code] ?? 500;
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
