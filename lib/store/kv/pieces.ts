/**
 * Texts over what one value of Deno KV may hold, cut into pieces that are written once and never
 * changed: a reader finds all of them or knows that some are gone.
 *
 * @module
 */
import { commit } from "./commit.ts";

/** Where the pieces of one text lie. */
export interface Pieces {
  /** No other text's. */
  generation: string;
  /** How many there are. */
  count: number;
}

/** Bytes of a piece; KV takes 65,536 after its own encoding. */
export const PIECE_BYTES = 60_000;

/** Pieces written at once; KV takes 819,200 bytes. */
const PIECES_PER_WRITE = 10;

/** Keys removed at once; KV takes 1,000. */
const REMOVALS_PER_WRITE = 500;

/** Writes a text under a new generation; `expireIn` is in ms. */
export async function writePieces(
  kv: Deno.Kv,
  prefix: Deno.KvKey,
  bytes: Uint8Array,
  expireIn: number | undefined,
): Promise<Pieces> {
  const generation = crypto.randomUUID();
  const count = Math.ceil(bytes.length / PIECE_BYTES);
  for (let first = 0; first < count; first += PIECES_PER_WRITE) {
    const atomic = kv.atomic();
    for (let i = first; i < Math.min(count, first + PIECES_PER_WRITE); i++) {
      const piece = bytes.slice(i * PIECE_BYTES, (i + 1) * PIECE_BYTES);
      atomic.set([...prefix, generation, i], piece, expireIn === undefined ? {} : { expireIn });
    }
    await commit(atomic);
  }
  return { generation, count };
}

/** The text of the pieces, or undefined where some of them are gone. */
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

/** Removes the pieces of texts that no entry names any more. */
export async function removePieces(
  kv: Deno.Kv,
  prefix: Deno.KvKey,
  removed: readonly Pieces[],
): Promise<void> {
  const keys = removed.flatMap(({ generation, count }) =>
    Array.from({ length: count }, (_, i) => [...prefix, generation, i])
  );
  for (let first = 0; first < keys.length; first += REMOVALS_PER_WRITE) {
    const atomic = kv.atomic();
    for (const key of keys.slice(first, first + REMOVALS_PER_WRITE)) atomic.delete(key);
    await commit(atomic);
  }
}
