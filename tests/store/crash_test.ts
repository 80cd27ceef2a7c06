import { assert, assertEquals } from "@std/assert";
import { acknowledged, problemsIn, startWriter } from "./processes.ts";

const KILLS = 100;

/** A reproducible random integer in [0, end) (mulberry32). */
function chance(i: number, end: number): number {
  let n = (i + 1) * 0x6d2b79f5;
  n = Math.imul(n ^ (n >>> 15), n | 1);
  n ^= n + Math.imul(n ^ (n >>> 7), n | 61);
  return ((n ^ (n >>> 14)) >>> 0) % end;
}

Deno.test("100 kills lose no acknowledged entry and corrupt no file", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const path = `${dir}/store.db`;
    const ids: string[] = [];
    let next = 0;
    // Two at a time, so that a process is killed while another one writes.
    const lane = async () => {
      while (next < KILLS) {
        const i = next++;
        ids.push(...await acknowledged(startWriter(path, `${i}`, 1e9), 1 + chance(i, 60)));
        if (i % 10 === 0) assertEquals(await problemsIn(path, [...ids]), []);
      }
    };
    await Promise.all([lane(), lane()]);
    assert(ids.length > KILLS, `only ${ids.length} entries`);
    assertEquals(await problemsIn(path, ids), []);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
