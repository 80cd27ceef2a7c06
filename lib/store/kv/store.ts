/**
 * The store in Deno KV, as Deno Deploy has it.
 *
 * @module
 */
import { commit } from "./commit.ts";
import { PIECE_BYTES, type Pieces, readPieces, removePieces, writePieces } from "./pieces.ts";
import {
  type Change,
  checkChanges,
  checkKeys,
  checkRange,
  type Entry,
  type EntryKey,
  isWanted,
  type Store,
} from "../store.ts";

/** What a store in Deno KV is made of. */
export interface KvOptions {
  /** An open database, which the store closes. */
  kv: Deno.Kv;
  /** The current time, in ms since 1970. */
  now: () => number;
  /**
   * The first part of every key.
   *
   * @default {"o1"}
   */
  prefix?: string;
}

/** What stands under an entry's key. */
interface Head {
  /** The text itself, or… */
  bytes?: Uint8Array;
  /** …where it is. */
  pieces?: Pieces;
  expiresAt?: number;
}

type MaybeHead = Deno.KvEntryMaybe<Head>;

/** Bytes of texts that one write holds in its heads; KV takes 819,200 with the keys. */
const INLINE_BYTES = 500_000;

/** Keys that KV reads at once. */
const KEYS_PER_READ = 10;

/** How often a write begins anew because others were faster. */
const MAX_TRIES = 1_000;

/** Pieces outlive the entry that names them by this. */
const PIECES_GRACE_MS = 3_600_000;

/** Creates a store in an open Deno KV. */
export function createKvStore({ kv, now, prefix = "o1" }: KvOptions): Store {
  const entries = [prefix, "entry"];
  const pieces = [prefix, "piece"];
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const encoder = new TextEncoder();
  let open = true;

  const keyOf = ({ collection, id }: EntryKey) => [...entries, collection, id];
  const isLive = ({ value }: MaybeHead) => value !== null && (value.expiresAt ?? Infinity) > now();

  async function readHeads(keys: readonly EntryKey[]): Promise<MaybeHead[]> {
    const heads: MaybeHead[] = [];
    for (let first = 0; first < keys.length; first += KEYS_PER_READ) {
      const some = keys.slice(first, first + KEYS_PER_READ).map(keyOf);
      heads.push(...await kv.getMany<Head[]>(some));
    }
    return heads;
  }

  /** The entry of a head; if its pieces go while they are read, the entry that replaced it. */
  async function complete(head: MaybeHead, key: EntryKey): Promise<Entry | undefined> {
    while (head.value !== null && isLive(head)) {
      const { value: { bytes, pieces: named }, versionstamp: version } = head;
      const whole = bytes ?? await readPieces(kv, pieces, named!);
      if (whole) {
        const { collection, id } = key;
        return { collection, id, value: decoder.decode(whole), version };
      }
      head = await kv.get<Head>(keyOf(key));
      if (head.versionstamp === version) return undefined;
    }
  }

  const lifeOf = (expiresAt: number | undefined) =>
    expiresAt === undefined ? undefined : Math.max(1, Math.ceil(expiresAt - now()));

  /** What is to stand under each key; writes the pieces of long texts. Null: nothing. */
  async function stage(changes: readonly Change[]): Promise<(Head | null)[]> {
    const heads: (Head | null)[] = [];
    let inline = 0;
    for (const change of changes) {
      if (!("value" in change) || (change.expiresAt ?? Infinity) <= now()) {
        heads.push(null);
        continue;
      }
      const expiry = change.expiresAt === undefined ? {} : { expiresAt: change.expiresAt };
      const bytes = encoder.encode(change.value);
      if (bytes.length <= PIECE_BYTES && inline + bytes.length <= INLINE_BYTES) {
        inline += bytes.length;
        heads.push({ bytes, ...expiry });
      } else {
        const life = lifeOf(change.expiresAt);
        const kept = life && life + PIECES_GRACE_MS;
        heads.push({ pieces: await writePieces(kv, pieces, bytes, kept), ...expiry });
      }
    }
    return heads;
  }

  function replace(changes: readonly Change[], old: readonly MaybeHead[], fresh: (Head | null)[]) {
    const atomic = kv.atomic();
    for (const [i, { key }] of changes.entries()) {
      atomic.check({ key: keyOf(key), versionstamp: old[i]!.versionstamp });
      const head = fresh[i];
      if (head) {
        const expireIn = lifeOf(head.expiresAt);
        atomic.set(keyOf(key), head, expireIn === undefined ? {} : { expireIn });
      } else atomic.delete(keyOf(key));
    }
    return commit(atomic);
  }

  /** What this leaves behind after a fault takes room until it expires, and is never read. */
  async function discard(heads: readonly (Head | null)[]): Promise<void> {
    const named = heads.flatMap((head) => head?.pieces ?? []);
    await removePieces(kv, pieces, named).catch(() => {});
  }

  return {
    kind: "kv",
    async get(keys) {
      checkKeys(keys);
      const heads = await readHeads(keys);
      return await Promise.all(heads.map((head, i) => complete(head, keys[i]!)));
    },
    async list(range) {
      checkRange(range);
      const { collection, after, before, limit, reverse = false } = range;
      if (limit === 0 || after !== undefined && before !== undefined && after >= before) return [];
      const prefix = [...entries, collection];
      // An id holds no NUL, so that this is the first one behind `after`.
      const start = after === undefined ? undefined : [...prefix, `${after}\0`];
      const end = before === undefined ? undefined : [...prefix, before];
      const selector = start && end
        ? { start, end }
        : { prefix, ...start && { start }, ...end && { end } };
      const found: Entry[] = [];
      const batchSize = Math.min(limit, 100);
      for await (
        const head of kv.list<Head>(selector as Deno.KvListSelector, { reverse, batchSize })
      ) {
        const entry = await complete(head, { collection, id: String(head.key.at(-1)) });
        if (entry) found.push(entry);
        if (found.length === limit) break;
      }
      return found;
    },
    async write(changes) {
      checkChanges(changes);
      if (changes.length === 0) return true;
      let fresh: (Head | null)[] | undefined;
      for (let i = 0; i < MAX_TRIES; i++) {
        const old = await readHeads(changes.map((change) => change.key));
        const holds = changes.every((change, i) =>
          isWanted(change, isLive(old[i]!) ? old[i]!.versionstamp! : undefined)
        );
        if (!holds) {
          await discard(fresh ?? []);
          return false;
        }
        fresh ??= await stage(changes);
        // After a fault in here the entries may be written, so that their pieces must stay.
        if (await replace(changes, old, fresh)) {
          await discard(old.map((head) => head.value));
          return true;
        }
      }
      await discard(fresh ?? []);
      throw new Error(`Cannot write to Deno KV: others were faster ${MAX_TRIES} times`);
    },
    close() {
      if (open) kv.close();
      open = false;
      return Promise.resolve();
    },
  };
}
