/**
 * Texts that exceed KV's maximum value size, split into pieces. Pieces are written once and never
 * changed, so that a reader finds all of them or notices that some are gone.
 *
 * @module
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
  for (const keys of chunks(keysOf(prefix, pieces), PIECES_PER_WRITE)) {
    const atomic = kv.atomic();
    for (const { key, index } of keys) {
      const piece = bytes.slice(index * PIECE_BYTES, (index + 1) * PIECE_BYTES);
      atomic.set(key, piece, expiry(expireIn));
    }
    await commit(atomic);
  }
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
  for (const some of chunks(keys, DELETIONS_PER_WRITE)) {
    const atomic = kv.atomic();
    for (const { key } of some) atomic.delete(key);
    await commit(atomic);
  }
}

function keysOf(
  prefix: Deno.KvKey,
  { generation, count }: Pieces,
): { key: Deno.KvKey; index: number }[] {
  return Array.from({ length: count }, (_, index) => ({
    key: [...prefix, generation, index],
    index,
  }));
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from(
    { length: Math.ceil(items.length / size) },
    (_, i) => items.slice(i * size, (i + 1) * size),
  );
}
