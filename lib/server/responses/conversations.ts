/**
 * Conversations: items in order that responses read and add to.
 *
 * @see {@link https://platform.openai.com/docs/api-reference/conversations}
 * @module
 */
import { ApiError } from "../../api/errors.ts";
import { newHexId } from "../../api/ids.ts";
import type { Item } from "../../api/responses/body.ts";
import { itemId, numberOf, ownerOf, storedItem } from "../../api/responses/items.ts";
import {
  type Change,
  type Entry,
  type EntryKey,
  MAX_CHANGES,
  type Store,
} from "../../store/store.ts";
import { deleteAll } from "./delete_all.ts";

/** A conversation in OpenAI's shape. */
export interface Conversation {
  /** `conv_` and 48 hexadecimal digits. */
  id: string;
  /** Always `conversation`. */
  object: "conversation";
  /** Seconds since 1970. */
  created_at: number;
  /** Pairs of the client's. */
  metadata: Record<string, string>;
}

/** What is kept of a conversation. */
interface Kept {
  created_at: number;
  metadata: Record<string, string>;
  /** Number of the next item. */
  next: number;
}

/** Which part of a list is wanted. */
export interface ListQuery {
  /** The item after which the part begins. */
  after?: string | undefined;
  /** How many items. */
  limit: number;
  /** The newest first, or the oldest. */
  order: "asc" | "desc";
}

/** Where conversations are kept. */
export interface Conversations {
  /** Begins a conversation. */
  create(
    owner: string,
    metadata: Record<string, string>,
    items: readonly Item[],
  ): Promise<Conversation>;
  /** The conversation of this id. @throws {ApiError} 404 */
  get(owner: string, id: string): Promise<Conversation>;
  /** Replaces the pairs. @throws {ApiError} 404 */
  update(owner: string, id: string, metadata: Record<string, string>): Promise<Conversation>;
  /** Forgets it with its items. @throws {ApiError} 404 */
  delete(owner: string, id: string): Promise<void>;
  /** All its items, oldest first. @throws {ApiError} 404 */
  items(owner: string, id: string): Promise<Item[]>;
  /** A part of its items. @throws {ApiError} 404 */
  list(owner: string, id: string, query: ListQuery): Promise<{ items: Item[]; hasMore: boolean }>;
  /** One item. @throws {ApiError} 404 */
  item(owner: string, id: string, item: string): Promise<Item>;
  /** Takes an item out. @throws {ApiError} 404 */
  deleteItem(owner: string, id: string, item: string): Promise<Conversation>;
  /**
   * Adds items at the end, and makes the other changes with it, or none of them; items that are
   * more than one write takes come before, in writes of their own.
   *
   * @returns the items as they are kept, or undefined where another change's condition failed.
   * @throws {ApiError} 404
   */
  append(
    owner: string,
    id: string,
    items: readonly Item[],
    others?: readonly Change[],
  ): Promise<Item[] | undefined>;
  /** The item of this id, where it was made for a conversation of this owner. */
  find(owner: string, item: string): Promise<Item | undefined>;
}

/** Items that are read at once. */
const PAGE = 1_000;

/** Two responses that end at the same moment both get their place. */
const MAX_TRIES = 50;

/** Creates the keeper of conversations. */
export function createConversations(
  store: Store,
  { ttlMs, now }: { ttlMs: number; now: () => number },
): Conversations {
  const keyOf = (owner: string, id: string): EntryKey => ({
    collection: `conversation/${encodeURIComponent(owner)}`,
    id,
  });
  const itemsOf = (owner: string, id: string) =>
    `conversation-items/${encodeURIComponent(owner)}/${id}`;

  async function read(owner: string, id: string): Promise<{ kept: Kept; entry: Entry }> {
    const [entry] = isId(id) ? await store.get([keyOf(owner, id)]) : [];
    if (entry === undefined) throw notFound("Conversation", id);
    return { kept: JSON.parse(entry.value), entry };
  }

  const put = (key: EntryKey, value: unknown, ifVersion?: string | null): Change => ({
    key,
    value: JSON.stringify(value),
    expiresAt: now() + ttlMs,
    ...(ifVersion === undefined ? {} : { ifVersion }),
  });

  function adding(owner: string, id: string, first: number, items: readonly Item[]) {
    const kept = items.map((item, index) =>
      storedItem(item, (type) => itemId(type, id, first + index))
    );
    const changes = kept.map((item, index) =>
      put({ collection: itemsOf(owner, id), id: digits(first + index) }, item)
    );
    return { kept, changes };
  }

  async function all(owner: string, id: string): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (;;) {
      const after = entries.at(-1)?.id;
      const more = await store.list({
        collection: itemsOf(owner, id),
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      });
      entries.push(...more);
      if (more.length < PAGE) return entries;
    }
  }

  async function locate(owner: string, id: string, item: string): Promise<Entry> {
    if (ownerOf(item) === id.slice("conv_".length)) {
      const [entry] = await store.get([{ collection: itemsOf(owner, id), id: numberOf(item) }]);
      if (entry !== undefined) return entry;
    }
    const entry = (await all(owner, id)).find(({ value }) => JSON.parse(value).id === item);
    if (entry === undefined) throw notFound("Item", item);
    return entry;
  }

  /** Changes a conversation as it stands, however many others do the same. */
  async function change<T>(
    owner: string,
    id: string,
    make: (kept: Kept) => { kept: Kept; changes: readonly Change[]; result: T },
  ): Promise<{ kept: Kept; result: T } | undefined> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const { kept: before, entry } = await read(owner, id);
      const { kept, changes, result } = make(before);
      if (await store.write([put(keyOf(owner, id), kept, entry.version), ...changes])) {
        return { kept, result };
      }
      // Did another one change the conversation, or does another condition not hold?
      const [now] = await store.get([keyOf(owner, id)]);
      if (now?.version === entry.version) return undefined;
    }
    throw new ApiError(409, "The conversation is being changed by too many requests. Try again.");
  }

  return {
    async create(owner, metadata, items) {
      const id = newHexId("conv_", 48);
      const { changes } = adding(owner, id, 0, items);
      const kept = { created_at: Math.floor(now() / 1000), metadata, next: items.length };
      await store.write([put(keyOf(owner, id), kept, null), ...changes]);
      return conversation(id, kept);
    },
    get: async (owner, id) => conversation(id, (await read(owner, id)).kept),
    async update(owner, id, metadata) {
      const changed = await change(owner, id, (kept) => ({
        kept: { ...kept, metadata },
        changes: [],
        result: undefined,
      }));
      return conversation(id, changed!.kept);
    },
    async delete(owner, id) {
      for (;;) {
        const { entry: { version: ifVersion } } = await read(owner, id);
        // What is added at the same moment is forgotten too.
        if (await store.write([{ key: keyOf(owner, id), delete: true, ifVersion }])) break;
      }
      await deleteAll(store, itemsOf(owner, id), (await all(owner, id)).map((entry) => entry.id));
    },
    async items(owner, id) {
      await read(owner, id);
      return (await all(owner, id)).map(({ value }) => JSON.parse(value));
    },
    async list(owner, id, { after, limit, order }) {
      await read(owner, id);
      const bound = after === undefined ? undefined : (await locate(owner, id, after)).id;
      const entries = await store.list({
        collection: itemsOf(owner, id),
        limit: limit + 1,
        reverse: order === "desc",
        ...(bound === undefined ? {} : order === "desc" ? { before: bound } : { after: bound }),
      });
      const items = entries.slice(0, limit).map(({ value }) => JSON.parse(value) as Item);
      return { items, hasMore: entries.length > limit };
    },
    async item(owner, id, item) {
      await read(owner, id);
      return JSON.parse((await locate(owner, id, item)).value);
    },
    async deleteItem(owner, id, item) {
      const { kept } = await read(owner, id);
      const entry = await locate(owner, id, item);
      await store.write([{
        key: { collection: itemsOf(owner, id), id: entry.id },
        delete: true,
      }]);
      return conversation(id, kept);
    },
    async append(owner, id, items, others = []) {
      const room = MAX_CHANGES - 1 - others.length;
      const added: Item[] = [];
      do {
        const some = items.slice(added.length, added.length + room);
        const isLast = added.length + some.length === items.length;
        const changed = await change(owner, id, (before) => {
          const { kept, changes } = adding(owner, id, before.next, some);
          return {
            kept: { ...before, next: before.next + some.length },
            changes: [...changes, ...isLast ? others : []],
            result: kept,
          };
        });
        if (changed === undefined) return undefined;
        added.push(...changed.result);
      } while (added.length < items.length);
      return added;
    },
    async find(owner, item) {
      const tail = ownerOf(item);
      if (tail === undefined) return undefined;
      const collection = itemsOf(owner, `conv_${tail}`);
      const [entry] = await store.get([{ collection, id: numberOf(item) }]);
      return entry && JSON.parse(entry.value);
    },
  };
}

function conversation(id: string, { created_at, metadata }: Kept): Conversation {
  return { id, object: "conversation", created_at, metadata };
}

const isId = (id: string) => /^conv_[0-9a-f]{48}$/.test(id);

const digits = (number: number) => number.toString(16).padStart(8, "0");

function notFound(what: "Conversation" | "Item", id: string): ApiError {
  return new ApiError(404, `${what} with id '${id.slice(0, 100)}' not found.`);
}
