import { assert, assertEquals } from "@std/assert";
import { createRandom } from "../../lib/random.ts";
import { acknowledged, problemsIn, startWriter } from "./processes.ts";

const KILLS = 100;

Deno.test("100 kills lose no acknowledged entry and corrupt no file", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const path = `${dir}/store.db`;
    const ids: string[] = [];
    const random = createRandom(1);
    let next = 0;
    // Two at a time, so that a process is killed while another one writes.
    const lane = async () => {
      while (next < KILLS) {
        const i = next++;
        ids.push(
          ...await acknowledged(startWriter(path, `${i}`, 1e9), 1 + Math.floor(random() * 60)),
        );
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
