import { assert, assertEquals } from "@std/assert";
import { contract, key, set, valueOf, versionOf } from "./contract.ts";

const WRITERS = 50;

contract(
  "of 50 writes that expect the same version exactly one succeeds",
  async ({ store, open }) => {
    const other = await open();
    await store.write([set("a", "start")]);
    for (let round = 0; round < 5; round++) {
      const version = (await versionOf(store, "a"))!;
      const won = await Promise.all(
        Array.from({ length: WRITERS }, (_, i) =>
          (i % 2 ? other : store).write([
            { ...set("a", `${round}/${i}`), ifVersion: version },
            set(`mark ${round}/${i}`),
          ])),
      );
      assertEquals(won.filter((success) => success).length, 1);
      const winner = won.indexOf(true);
      assertEquals(await valueOf(store, "a"), `${round}/${winner}`);
      const marks = await store.list({ collection: "c", after: `mark ${round}/`, limit: 1000 });
      assertEquals(marks.map(({ id }) => id), [`mark ${round}/${winner}`]);
    }
  },
);

contract("of 50 writes that expect no entry exactly one succeeds", async ({ store, open }) => {
  const other = await open();
  const won = await Promise.all(
    Array.from(
      { length: WRITERS },
      (_, i) => (i % 2 ? other : store).write([{ ...set("a", String(i)), ifVersion: null }]),
    ),
  );
  assertEquals(won.filter((success) => success).length, 1);
  assertEquals(await valueOf(store, "a"), String(won.indexOf(true)));
});

contract("50 counters that compare and swap lose no count", async ({ store, open }) => {
  const handles = [store, await open()];
  await store.write([set("n", "0")]);
  await Promise.all(Array.from({ length: WRITERS }, async (_, i) => {
    const handle = handles[i % 2]!;
    for (;;) {
      const [entry] = await handle.get([key("n")]);
      const value = String(Number(entry!.value) + 1);
      if (await handle.write([{ ...set("n", value), ifVersion: entry!.version }])) return;
    }
  }));
  assertEquals(await valueOf(store, "n"), String(WRITERS));
});

contract(
  "a reader sees a long text before or after a write, never a mix",
  async ({ store, open }) => {
    const other = await open();
    const text = (i: number) => `${i};`.repeat(60_000 + 30_000 * (i % 3));
    await store.write([set("a", text(0))]);
    let writing = true;
    const writer = (async () => {
      for (let i = 1; i <= 40; i++) await store.write([set("a", text(i))]);
      writing = false;
    })();
    let last = 0;
    do {
      const read = [
        (await other.get([key("a")]))[0],
        (await other.list({ collection: "c", limit: 1 }))[0],
      ];
      for (const entry of read) {
        const i = parseInt(entry!.value);
        assert(entry!.value === text(i), `a mix that starts with ${i}`);
        assert(i >= last, `${i} after ${last}`);
        last = i;
      }
    } while (writing);
    await writer;
    assertEquals(parseInt((await valueOf(other, "a"))!), 40);
  },
);
