import { createDeltaReader, type Delta } from "../../../../lib/upstream/wire/deltas.ts";

export type Json = Record<string, unknown>;

/** Reads chunks as if each arrived in a read of its own. */
export function read(chunks: readonly unknown[]): Delta[] {
  const reader = createDeltaReader();
  return chunks.flatMap((chunk) => {
    reader.add(chunk);
    return reader.take();
  });
}

/** Reads chunks as if all arrived in one read. */
export function readAtOnce(chunks: readonly unknown[]): Delta[] {
  const reader = createDeltaReader();
  for (const chunk of chunks) reader.add(chunk);
  return reader.take();
}

export const chunk = (delta: Json, finish: string | null = null, more: Json = {}): Json => ({
  id: "c",
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta, finish_reason: finish }],
  ...more,
});

export const completion = (message: Json, more: Json = {}, finish = "stop"): Json => ({
  id: "c",
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason: finish }],
  ...more,
});
