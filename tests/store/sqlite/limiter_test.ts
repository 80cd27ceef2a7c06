import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { openSqliteLimiter } from "../../../lib/store/sqlite/limiter.ts";
import { openSqliteStore } from "../../../lib/store/sqlite/store.ts";
import { waitFor } from "../../support/wait.ts";

const NOW = Date.UTC(2026, 0, 1);
const limit = { key: "k", amount: 10, windowMs: 60_000, kind: "rate" } as const;

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
    const [{ states }] = await waitFor("the reads", read, 3_000);
    assertEquals(states[0]!.remaining, 6);
    other.exec("rollback");
  } finally {
    await limiter.close();
    await store.close();
    await Deno.remove(folder, { recursive: true });
  }
});
