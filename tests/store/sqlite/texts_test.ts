import { assert, assertEquals } from "@std/assert";
import { createTexts } from "../../../lib/store/sqlite/texts.ts";

const LONG = 300_000;

for (
  const [name, text] of [
    ["a short text is sent as it is", "ü"],
    ["a long text is sent in pieces", "x".repeat(LONG)],
    ["a pair of surrogates may be split", "x" + "😀".repeat(LONG)],
  ] as const
) {
  Deno.test(name, async () => {
    const receiver = createTexts(() => Promise.reject(new Error("The receiver sends nothing")));
    const pieces: string[] = [];
    const { send } = createTexts((_, ...[id, piece]) => {
      pieces.push(piece);
      // deno-lint-ignore no-explicit-any -- the result of the only method
      return Promise.resolve(receiver.methods.append(id, piece)) as Promise<any>;
    });
    const sent = await Promise.all([send(text), send(`${text}!`)]);
    assertEquals(sent.map(receiver.receive), [text, `${text}!`]);
    assertEquals(pieces.length > 0, text.length > 1);
    assert(pieces.every(({ length }) => length < 100_000));
  });
}
