/**
 * Conversations: lists of items that responses read and append to.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/conversations}
 */
import { ApiError } from "../../api/errors.ts";
import { newHexId } from "../../api/ids.ts";
import type { Item } from "../../api/responses/body.ts";
import { itemId, numberOf, ownerOf, storedItem } from "../../api/responses/items.ts";
import type { Clock } from "../../clock.ts";
import { listAll } from "../../store/list_all.ts";
import {
  type Change,
  type Entry,
  type EntryKey,
  MAX_CHANGES,
  type Store,
} from "../../store/store.ts";
import type { ListQuery } from "./json_route.ts";
import { createSetJson, deleteAll } from "../../store/entries.ts";
import { conversationIsFull, type LoadQuota, MAX_ITEMS } from "./load_quota.ts";

interface StoredConversation {
  /** Seconds since 1970. */
  created_at: number;
  metadata: Record<string, string>;
  /** Number that the next item gets. */
  next: number;
  /** Number of the items, and their length in characters. */
  items: number;
  length: number;
}

/** A conversation in OpenAI's format. */
type Conversation =
  & Pick<StoredConversation, "created_at" | "metadata">
  & { id: string; object: "conversation" };

/** How often a change starts over because another request changed the conversation. */
const MAX_TRIES = 50;

/**
 * Conversations, each stored for the client that created it, its owner. A missing conversation or
 * item is an ApiError 404.
 */
export type ConversationStore = ReturnType<typeof createConversationStore>;

export interface ConversationStoreOptions {
  store: Store;
  /** How long conversations are stored after their last change. */
  ttlMs: number;
  /** Length in characters from which a conversation takes no more items. */
  maxLength: number;
  clock: Clock;
}

export function createConversationStore(options: ConversationStoreOptions) {
  const { store, ttlMs, maxLength, clock } = options;
  const setJson = createSetJson(ttlMs);
  const keyOf = (owner: string, id: string): EntryKey => ({
    collection: `conversation/${owner}`,
    id,
  });
  const itemsOf = (owner: string, id: string) => `conversation-items/${owner}/${id}`;

  async function read(owner: string, id: string) {
    const [entry] = isId(id) ? await store.get([keyOf(owner, id)]) : [];
    if (entry === undefined) throw notFound("Conversation", id);
    return { stored: JSON.parse(entry.value) as StoredConversation, version: entry.version };
  }

  /** The items as they are stored from the number `first` on, and the changes that store them. */
  function numbered(owner: string, id: string, first: number, items: readonly Item[]) {
    const stored = items.map((item, index) =>
      storedItem(item, (type) => itemId(type, id, first + index))
    );
    const changes = stored.map((item, index) => {
      const number = (first + index).toString(16).padStart(8, "0");
      return setJson({ collection: itemsOf(owner, id), id: number }, item);
    });
    const length = changes.reduce((sum, { value }) => sum + value.length, 0);
    return { stored, changes, length };
  }

  async function findEntry(owner: string, id: string, item: string): Promise<Entry> {
    const collection = itemsOf(owner, id);
    if (ownerOf(item) === id.slice("conv_".length)) {
      const [entry] = await store.get([{ collection, id: numberOf(item) }]);
      if (entry !== undefined) return entry;
    }
    // Clients may have given the item an id of their own.
    for await (const entry of listAll(store, { collection })) {
      if (entry.value.includes(item) && JSON.parse(entry.value).id === item) return entry;
    }
    throw notFound("Item", item);
  }

  /** Applies a change to the current state, again if another request changes it meanwhile. */
  async function change<T>(
    owner: string,
    id: string,
    make: (stored: StoredConversation) => {
      stored: StoredConversation;
      changes: readonly Change[];
      result: T;
    },
  ): Promise<T | undefined> {
    const key = keyOf(owner, id);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const { stored, version } = await read(owner, id);
      const next = make(stored);
      if (await store.write([setJson(key, next.stored, version), ...next.changes])) {
        return next.result;
      }
      // If the conversation has not changed, another condition failed.
      const [entry] = await store.get([key]);
      if (entry?.version === version) return undefined;
    }
    throw new ApiError(409, "Too many requests are changing the conversation. Try again.");
  }

  /** @throws {ApiError} 400 if the conversation is full. */
  function checkRoom(id: string, { items, length }: StoredConversation): void {
    if (items >= MAX_ITEMS || length >= maxLength) throw conversationIsFull(id);
  }

  return {
    async create(owner: string, metadata: Record<string, string>, items: readonly Item[]) {
      const id = newHexId("conv_");
      const { changes, length } = numbered(owner, id, 0, items);
      const created_at = Math.floor(clock.date() / 1000);
      const { length: count } = items;
      const stored = { created_at, metadata, next: count, items: count, length };
      await store.write([setJson(keyOf(owner, id), stored, null), ...changes]);
      return conversation(id, stored);
    },
    async get(owner: string, id: string): Promise<Conversation> {
      return conversation(id, (await read(owner, id)).stored);
    },
    /** Replaces the metadata. */
    async update(owner: string, id: string, metadata: Record<string, string>) {
      const updated = await change(owner, id, (before) => {
        const stored = { ...before, metadata };
        return { stored, changes: [], result: conversation(id, stored) };
      });
      return updated!;
    },
    async delete(owner: string, id: string): Promise<void> {
      for (;;) {
        const { version: ifVersion } = await read(owner, id);
        // Includes items that are appended at the same moment.
        if (await store.write([{ key: keyOf(owner, id), delete: true, ifVersion }])) break;
      }
      await deleteAll(store, itemsOf(owner, id));
    },
    /**
     * All items, oldest first.
     *
     * @throws {ApiError} 400 if no item could be added, or the quota is exceeded.
     */
    async items(owner: string, id: string, quota: LoadQuota): Promise<Item[]> {
      checkRoom(id, (await read(owner, id)).stored);
      return await Array.fromAsync(
        listAll(store, { collection: itemsOf(owner, id) }),
        ({ value }) => {
          quota.add(value);
          return JSON.parse(value);
        },
      );
    },
    async list(owner: string, id: string, { after, limit, order }: ListQuery) {
      await read(owner, id);
      const last = after === undefined ? undefined : (await findEntry(owner, id, after)).id;
      const entries = await store.list({
        collection: itemsOf(owner, id),
        limit: limit + 1,
        reverse: order === "desc",
        ...(last === undefined ? {} : order === "desc" ? { before: last } : { after: last }),
      });
      const items = entries.slice(0, limit).map(({ value }) => JSON.parse(value) as Item);
      return { items, hasMore: entries.length > limit };
    },
    async item(owner: string, id: string, item: string): Promise<Item> {
      await read(owner, id);
      return JSON.parse((await findEntry(owner, id, item)).value);
    },
    async deleteItem(owner: string, id: string, item: string): Promise<Conversation> {
      await read(owner, id);
      const { collection, id: number, version, value } = await findEntry(owner, id, item);
      const key = { collection, id: number };
      const deletion: Change = { key, delete: true, ifVersion: version };
      const deleted = await change(owner, id, (before) => {
        const { items, length } = before;
        const stored = { ...before, items: items - 1, length: length - value.length };
        return { stored, changes: [deletion], result: conversation(id, stored) };
      });
      if (deleted === undefined) throw notFound("Item", item);
      return deleted;
    },
    /**
     * Appends items and makes the other changes in the same write, or none of them. Items that do
     * not fit into that write are written before it.
     *
     * @returns the items as they are stored, or undefined if a condition of `others` failed.
     * @throws {ApiError} 400 if the conversation is full.
     */
    async append(
      owner: string,
      id: string,
      items: readonly Item[],
      others: readonly Change[] = [],
    ): Promise<Item[] | undefined> {
      const batchSize = MAX_CHANGES - 1 - others.length;
      const appended: Item[] = [];
      do {
        const batch = items.slice(appended.length, appended.length + batchSize);
        const isLast = appended.length + batch.length === items.length;
        const written = await change(owner, id, (before) => {
          if (appended.length === 0) checkRoom(id, before);
          const { stored, changes, length } = numbered(owner, id, before.next, batch);
          return {
            stored: {
              ...before,
              next: before.next + batch.length,
              items: before.items + batch.length,
              length: before.length + length,
            },
            changes: [...changes, ...isLast ? others : []],
            result: stored,
          };
        });
        if (written === undefined) return undefined;
        appended.push(...written);
      } while (appended.length < items.length);
      return appended;
    },
    /** Finds an item by the conversation in its id. */
    async find(owner: string, item: string, quota: LoadQuota): Promise<Item | undefined> {
      const digits = ownerOf(item);
      if (digits === undefined) return undefined;
      const collection = itemsOf(owner, `conv_${digits}`);
      const [entry] = await store.get([{ collection, id: numberOf(item) }]);
      quota.add(entry?.value);
      return entry && JSON.parse(entry.value);
    },
  };
}

function conversation(id: string, { created_at, metadata }: StoredConversation): Conversation {
  return { id, object: "conversation", created_at, metadata };
}

const isId = (id: string) => /^conv_[0-9a-f]{48}$/.test(id);

function notFound(type: "Conversation" | "Item", id: string): ApiError {
  return new ApiError(404, `${type} with id '${id.slice(0, 100)}' not found.`);
}
