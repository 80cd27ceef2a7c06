/**
 * Conversations in this browser's IndexedDB. Keys are never stored here.
 *
 * @module
 */
import type { Turn } from "../chat/turns.ts";
import { translate } from "../language/translate.ts";

export interface Conversation {
  id: string;
  title: string;
  /** When it changed last, in milliseconds since 1970. */
  at: number;
  /** The last turn that was shown. */
  leaf: string;
  /** The start of its questions, for searching. */
  words: string;
}

const MAX_WORDS = 2_000;

export interface Conversations {
  /** Newest first. */
  list(): Promise<Conversation[]>;
  turns(id: string): Promise<Map<string, Turn>>;
  /** Stores a turn, and its conversation, which it may begin. */
  add(turn: Turn): Promise<void>;
  change(id: string, fields: Partial<Pick<Conversation, "title" | "leaf">>): Promise<void>;
  remove(id: string): Promise<void>;
  clear(): Promise<void>;
}

/** Opens the database; rejects where the browser allows none, as in some private windows. */
export async function openConversations(): Promise<Conversations> {
  const opening = indexedDB.open("o1-api", 1);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore("conversations", { keyPath: "id" });
    opening.result.createObjectStore("turns", { keyPath: "id" })
      .createIndex("conversation", "conversation");
  };
  const database = await done(opening);

  /** The two stores in one transaction, and its end. */
  function begin(mode: IDBTransactionMode) {
    const transaction = database.transaction(["conversations", "turns"], mode);
    const ended = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
    return {
      conversations: transaction.objectStore("conversations"),
      turns: transaction.objectStore("turns"),
      ended,
    };
  }

  return {
    async list() {
      const all: Conversation[] = await done(begin("readonly").conversations.getAll());
      return all.sort((a, b) => b.at - a.at);
    },
    async turns(id) {
      const turns: Turn[] = await done(begin("readonly").turns.index("conversation").getAll(id));
      return new Map(turns.map((turn) => [turn.id, turn]));
    },
    async add(turn) {
      const { conversations, turns, ended } = begin("readwrite");
      turns.put(turn);
      const { id, conversation, at, question: { text } } = turn;
      const stored: Conversation | undefined = await done(conversations.get(conversation));
      conversations.put({
        id: conversation,
        title: stored?.title ?? titleOf(text),
        at,
        leaf: id,
        words: `${stored?.words ?? ""} ${text}`.slice(0, MAX_WORDS),
      });
      await ended;
    },
    async change(id, fields) {
      const { conversations, ended } = begin("readwrite");
      const stored: Conversation | undefined = await done(conversations.get(id));
      if (stored !== undefined) conversations.put({ ...stored, ...fields });
      await ended;
    },
    async remove(id) {
      const { conversations, turns, ended } = begin("readwrite");
      conversations.delete(id);
      for (const key of await done(turns.index("conversation").getAllKeys(id))) turns.delete(key);
      await ended;
    },
    async clear() {
      const { conversations, turns, ended } = begin("readwrite");
      conversations.clear();
      turns.clear();
      await ended;
    },
  };
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function titleOf(text: string): string {
  const line = text.trim().split("\n", 1)[0] ?? "";
  return line.length > 60 ? `${line.slice(0, 59)}…` : line || translate("Pictures");
}
