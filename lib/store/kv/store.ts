import { createStore, pollForChanges, versionMatches } from "../backend.ts";
import type { Change, Entry, EntryKey, Store } from "../store.ts";
import { deletePieces, PIECE_BYTES, type Pieces, readPieces, writePieces } from "./pieces.ts";
import { readKeys, updateKeys } from "./update.ts";

/** The value of an entry's key: the text itself, or where its pieces are. */
interface Head {
  bytes?: Uint8Array;
  pieces?: Pieces;
  expiresAt?: number;
}

type MaybeHead = Deno.KvEntryMaybe<Head>;

/** Bytes of text that the heads of one write hold; KV allows 819,200 including the keys. */
const INLINE_BYTES = 500_000;

/** Pieces outlive the entry that refers to them by this. */
const PIECES_GRACE_MS = 3_600_000;

/**
 * Creates a store in a Deno KV, which `close` closes.
 *
 * @param now returns ms since 1970
 */
export function createKvStore({ kv, now }: { kv: Deno.Kv; now: () => number }): Store {
  const entries = ["o1", "entry"];
  const pieces = ["o1", "piece"];
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const encoder = new TextEncoder();

  const keyOf = ({ collection, id }: EntryKey) => [...entries, collection, id];
  const isLive = ({ value }: MaybeHead) => value !== null && (value.expiresAt ?? Infinity) > now();
  const lifeOf = (expiresAt: number | undefined) =>
    expiresAt === undefined ? undefined : Math.max(1, Math.ceil(expiresAt - now()));

  /** The entry of a head. If its pieces are deleted during the read, the entry that replaced it. */
  async function complete(head: MaybeHead, key: EntryKey): Promise<Entry | undefined> {
    while (head.value !== null && isLive(head)) {
      const { value, versionstamp: version } = head;
      const bytes = value.bytes ?? await readPieces(kv, pieces, value.pieces!);
      if (bytes) {
        return { collection: key.collection, id: key.id, value: decoder.decode(bytes), version };
      }
      head = await kv.get<Head>(keyOf(key));
      if (head.versionstamp === version) return undefined;
    }
  }

  /** The new heads: null for a deletion, undefined for no change. Writes the pieces of long texts. */
  async function stage(changes: readonly Change[]): Promise<(Head | null | undefined)[]> {
    const heads: (Head | null | undefined)[] = [];
    let inline = 0;
    for (const change of changes) {
      if (!("value" in change) || (change.ttlMs ?? Infinity) <= 0) {
        heads.push("check" in change ? undefined : null);
        continue;
      }
      const expiry = change.ttlMs === undefined ? {} : { expiresAt: now() + change.ttlMs };
      const bytes = encoder.encode(change.value);
      if (bytes.length <= PIECE_BYTES && inline + bytes.length <= INLINE_BYTES) {
        inline += bytes.length;
        heads.push({ bytes, ...expiry });
      } else {
        const expireIn = change.ttlMs && Math.ceil(change.ttlMs) + PIECES_GRACE_MS;
        heads.push({ pieces: await writePieces(kv, pieces, bytes, expireIn), ...expiry });
      }
    }
    return heads;
  }

  /** Pieces that remain after a failure are never read, and expire with their entry. */
  async function discardPieces(heads: readonly (Head | null | undefined)[]): Promise<void> {
    await deletePieces(kv, pieces, heads.flatMap((head) => head?.pieces ?? [])).catch(() => {});
  }

  return createStore({
    kind: "kv",
    async get(keys) {
      const heads = await readKeys<Head>(kv, keys.map(keyOf));
      return await Promise.all(heads.map((head, i) => complete(head, keys[i]!)));
    },
    async list({ collection, after, before, limit, reverse = false }) {
      if (limit === 0 || after !== undefined && before !== undefined && after >= before) return [];
      const prefix = [...entries, collection];
      // Ids contain no NUL, so this is the first possible one behind `after`.
      const start = after === undefined ? undefined : [...prefix, `${after}\0`];
      const end = before === undefined ? undefined : [...prefix, before];
      const selector = start && end
        ? { start, end }
        : { prefix, ...start && { start }, ...end && { end } };
      const found: Entry[] = [];
      const heads = kv.list<Head>(selector as Deno.KvListSelector, {
        reverse,
        batchSize: Math.min(limit, 100),
      });
      for await (const head of heads) {
        const entry = await complete(head, { collection, id: String(head.key.at(-1)) });
        if (entry) found.push(entry);
        if (found.length === limit) break;
      }
      return found;
    },
    async write(changes) {
      let staged: (Head | null | undefined)[] | undefined;
      let replaced: readonly (Head | null)[] = [];
      // If this throws, the entries may have been written, so their pieces must stay.
      const written = await updateKeys<Head, boolean>(
        kv,
        changes.map(({ key }) => keyOf(key)),
        async (found) => {
          const isAllowed = changes.every((change, i) =>
            versionMatches(change, isLive(found[i]!) ? found[i]!.versionstamp! : undefined)
          );
          if (!isAllowed) return { result: false, updates: [] };
          replaced = found.map(({ value }, i) => "check" in changes[i]! ? null : value);
          staged ??= await stage(changes);
          const updates = staged.map((head) =>
            head && { value: head, expireIn: lifeOf(head.expiresAt) }
          );
          return { result: true, updates };
        },
      );
      await discardPieces(written ? replaced : staged ?? []);
      return written;
    },
    watch: pollForChanges,
    now,
    close: () => kv.close(),
  });
}
