/**
 * Texts between two threads. Cloning one of 20 MB blocks the event loop for 100 ms, so long ones
 * are sent in pieces: 0.1 ms each.
 */
import type { Call } from "../../thread_calls.ts";

/** Length of a piece of a text, in characters. */
const PIECE = 65_536;

/** A short text, or the id of a long one whose pieces have arrived. */
type SentText = string | number;

/** An entry or a change with a sent text. */
export type Sent<T> = T extends { value: string } ? Omit<T, "value"> & { value: SentText } : T;

export type TextMethods = { append(id: number, piece: string): void };

export function createTexts(call: Call<TextMethods>) {
  const arrived = new Map<number, string>();
  let lastId = 0;
  return {
    methods: {
      append: (id, piece) => void arrived.set(id, (arrived.get(id) ?? "") + piece),
    } satisfies TextMethods,
    async send(text: string): Promise<SentText> {
      if (text.length <= PIECE) return text;
      const id = ++lastId;
      for (let start = 0; start < text.length; start += PIECE) {
        await call("append", id, text.slice(start, start + PIECE));
      }
      return id;
    },
    /** Can be called once for each text. */
    receive(sent: SentText): string {
      if (typeof sent === "string") return sent;
      const text = arrived.get(sent)!;
      arrived.delete(sent);
      return text;
    },
  };
}
