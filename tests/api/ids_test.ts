import { assert, assertMatch } from "@std/assert";
import { randomBase62 } from "../../lib/api/ids.ts";

Deno.test("all characters of a key are equally likely", () => {
  const KEYS = 4_000;
  const LENGTH = 43;
  const counts = new Map<string, number>();
  for (let i = 0; i < KEYS; i++) {
    const key = randomBase62(LENGTH);
    assertMatch(key, /^[0-9A-Za-z]{43}$/);
    for (const character of key) counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  const expected = KEYS * LENGTH / 62;
  const chiSquare = Array.from(counts.values(), (count) => (count - expected) ** 2 / expected)
    .reduce((total, part) => total + part);
  // 61 degrees of freedom: a fair generator exceeds 200 once in 10^15 runs. Bytes modulo 62 would
  // give about 1,100.
  assert(counts.size === 62 && chiSquare < 200, `${counts.size} characters, χ² ${chiSquare}`);
});
