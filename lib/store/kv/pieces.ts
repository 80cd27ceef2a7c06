/**
 * Texts that exceed KV's maximum value size, split into pieces. Pieces are written once and never
 * changed, so that a reader finds all of them or notices that some are gone.
 */
import { commit, expiry } from "./update.ts";

/** The pieces of one text. */
export interface Pieces {
  /** Unique id, part of their keys. */
  generation: string;
  count: number;
}

/** Size of a piece; KV allows 65,536 bytes including its own encoding. */
export const PIECE_BYTES = 60_000;

/** KV allows 819,200 bytes in one write. */
const PIECES_PER_WRITE = 10;

/** KV allows 1,000 mutations in one write. */
const DELETIONS_PER_WRITE = 500;

/** Writes a text under a new generation; `expireIn` is in ms. */
export async function writePieces(
  kv: Deno.Kv,
  prefix: Deno.KvKey,
  bytes: Uint8Array,
  expireIn: number | undefined,
): Promise<Pieces> {
  const pieces = { generation: crypto.randomUUID(), count: Math.ceil(bytes.length / PIECE_BYTES) };
  await inBatches(kv, keysOf(prefix, pieces), PIECES_PER_WRITE, (atomic, key, index) => {
    const piece = bytes.slice(index * PIECE_BYTES, (index + 1) * PIECE_BYTES);
    atomic.set(key, piece, expiry(expireIn));
  });
  return pieces;
}

/** The text of the pieces, or undefined if some of them are gone. */
export async function readPieces(
  kv: Deno.Kv,
  prefix: Deno.KvKey,
  { generation, count }: Pieces,
): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(count * PIECE_BYTES);
  let found = 0;
  let length = 0;
  const pieces = kv.list<Uint8Array>({ prefix: [...prefix, generation] }, { batchSize: 20 });
  for await (const { value } of pieces) {
    bytes.set(value, length);
    length += value.length;
    found++;
  }
  return found === count ? bytes.subarray(0, length) : undefined;
}

export async function deletePieces(
  kv: Deno.Kv,
  prefix: Deno.KvKey,
  texts: readonly Pieces[],
): Promise<void> {
  const keys = texts.flatMap((pieces) => keysOf(prefix, pieces));
  await inBatches(kv, keys, DELETIONS_PER_WRITE, (atomic, key) => atomic.delete(key));
}

function keysOf(prefix: Deno.KvKey, { generation, count }: Pieces): Deno.KvKey[] {
  return Array.from({ length: count }, (_, index) => [...prefix, generation, index]);
}

/** Calls `add` for each key, with an operation that is committed after every `size` keys. */
async function inBatches(
  kv: Deno.Kv,
  keys: readonly Deno.KvKey[],
  size: number,
  add: (atomic: Deno.AtomicOperation, key: Deno.KvKey, index: number) => void,
): Promise<void> {
  for (let first = 0; first < keys.length; first += size) {
    const atomic = kv.atomic();
    keys.slice(first, first + size).forEach((key, i) => add(atomic, key, first + i));
    await commit(atomic);
  }
}
