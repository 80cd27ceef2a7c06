import { assert, assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import type { Limiter } from "../../../lib/store/limiter.ts";
import { openSqliteLimiter } from "../../../lib/store/sqlite/limiter.ts";
import { openSqliteStore } from "../../../lib/store/sqlite/store.ts";
import { StoreError } from "../../../lib/store/store.ts";
import { waitFor } from "../../support/wait.ts";

const NOW = Date.UTC(2026, 0, 1);
const limit = { key: "k", amount: 10, windowMs: 60_000, kind: "rate" } as const;

/** Runs `test` while another handle has locked the file for writing. */
function onLocked(
  name: string,
  test: (bench: { limiter: Limiter; path: string; other: DatabaseSync }) => Promise<void>,
): void {
  Deno.test(name, async () => {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/o1-api.db`;
    const limiter = await openSqliteLimiter({ path, now: () => NOW });
    try {
      using other = new DatabaseSync(path);
      other.exec("begin immediate");
      await test({ limiter, path, other });
    } finally {
      await limiter.close();
      await Deno.remove(folder, { recursive: true });
    }
  });
}

onLocked("a charge waits until the file is free, and blocks nothing meanwhile", async (bench) => {
  const { limiter, other } = bench;
  const charged = limiter.take([{ limit, cost: 4 }]);
  // A wait that blocks the process would last until the charge fails.
  await new Promise((resolve) => setTimeout(resolve, 1));
  other.exec("rollback");
  assertEquals((await charged).states[0]!.remaining, 6);
});

onLocked("a charge pauses longer each time, and fails after 5 s", async ({ limiter }) => {
  const { setTimeout } = globalThis;
  const { now } = performance;
  const pauses: number[] = [];
  let time = 0;
  performance.now = () => time;
  globalThis.setTimeout = ((end: () => void, ms: number) => {
    pauses.push(ms);
    time += ms;
    queueMicrotask(end);
  }) as typeof setTimeout;
  try {
    await assertRejects(() => limiter.take([{ limit, cost: 4 }]), StoreError, "locked");
  } finally {
    globalThis.setTimeout = setTimeout;
    performance.now = now;
  }
  assertEquals(pauses.slice(0, 8), [1, 2, 4, 8, 16, 32, 32, 32]);
  assert(time >= 5_000 && time < 5_032, `${time} ms`);
});

Deno.test("reads do not wait for a process that has locked the file for writing", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/o1-api.db`;
  const limiter = await openSqliteLimiter({ path, now: () => NOW });
  const store = await openSqliteStore({ path, now: () => NOW });
  try {
    await limiter.take([{ limit, cost: 4 }]);
    using other = new DatabaseSync(path);
    other.exec("begin immediate");
    const read = Promise.all([
      limiter.take([{ limit, cost: 0 }]),
      store.get([{ collection: "c", id: "a" }]),
      store.list({ collection: "c", limit: 10 }),
    ]);
    // The lock lasts until the reads have ended; a call that needs it would fail after 5 s.
    const [{ states }] = await waitFor("the reads", read);
    assertEquals(states[0]!.remaining, 6);
    other.exec("rollback");
  } finally {
    await limiter.close();
    await store.close();
    await Deno.remove(folder, { recursive: true });
  }
});
