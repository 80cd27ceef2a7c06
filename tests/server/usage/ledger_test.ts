import { assertEquals, assertRejects } from "@std/assert";
import { ApiError } from "../../../lib/api/errors.ts";
import { silentLog } from "../../../lib/server/telemetry/log.ts";
import { createUsageLedger } from "../../../lib/server/usage/ledger.ts";
import { createMemoryStore } from "../../../lib/store/memory/store.ts";
import { type Change, MAX_CHANGES } from "../../../lib/store/store.ts";
import { BACKENDS } from "../../support/stores/backends.ts";
import { fixedDateClock as clock } from "../../support/clock.ts";
import { skippedFor } from "../../support/skip.ts";
import { waitFor } from "../../support/wait.ts";

const TODAY = "2026-01-31";

const SERVERS = 4;
const ROUNDS = 10;

/** What one run used. */
const USED = {
  promptTokens: 10,
  cachedTokens: 4,
  completionTokens: 5,
  reasoningTokens: 0,
  upstream: {
    calls: 1,
    prompt_tokens: 10,
    cached_tokens: 4,
    completion_tokens: 5,
    cost: 0.1,
    estimated: false,
  },
};

for (const { kind, skipReason, prepare, start } of BACKENDS) {
  prepare?.();
  const name = `${SERVERS} servers that write usage at once lose nothing: ${kind}`;
  Deno.test(skippedFor(skipReason, name), async () => {
    await using backend = await start(clock.date);
    const stores = await Promise.all(Array.from({ length: SERVERS }, () => backend.open()));
    const ledgers = stores.map((store) =>
      createUsageLedger({
        store,
        isShared: false,
        clock,
        random: Math.random,
        log: silentLog,
      })
    );
    await waitFor(
      "all writes",
      Promise.all(ledgers.map(async (ledger) => {
        for (let round = 0; round < ROUNDS; round++) {
          for (const owner of ["alice", "bob"]) ledger.add(owner, "m", USED);
          await ledger.read("alice", TODAY, TODAY);
        }
        await ledger.close();
      })),
    );
    const total = SERVERS * ROUNDS;
    const row = {
      day: TODAY,
      model: "m",
      requests: total,
      input_tokens: 10 * total,
      cached_tokens: 4 * total,
      output_tokens: 5 * total,
      cost: total / 10,
    };
    assertEquals(await ledgers[0]!.read(undefined, TODAY, TODAY), [
      { ...row, key: "alice" },
      { ...row, key: "bob" },
    ]);
    assertEquals(await ledgers[1]!.read("bob", TODAY, TODAY), [{ ...row, key: "bob" }]);
    if (kind !== "memory") await Promise.all(stores.map((store) => store.close()));
  });
}

Deno.test("a period with more usage than can be read at once is refused, not cut", async () => {
  const store = createMemoryStore({ now: clock.date, maxEntries: 30_000, maxBytes: 1e9 });
  const ledger = createUsageLedger({
    store,
    isShared: false,
    clock,
    random: Math.random,
    log: silentLog,
  });
  const entry = (day: string, key: number): Change => ({
    key: { collection: "usage", id: `${day} key-${key}` },
    value: "{}",
  });
  const changes = Array.from(
    { length: 20_001 },
    (_, i) => entry(i < 20_000 ? "2026-01-01" : "2026-01-02", i),
  );
  while (changes.length > 0) await store.write(changes.splice(0, MAX_CHANGES));
  assertEquals(await ledger.read(undefined, "2026-01-01", "2026-01-01"), []);
  const error = await assertRejects(
    () => ledger.read(undefined, "2026-01-01", "2026-01-02"),
    ApiError,
    "Choose a shorter one",
  );
  assertEquals([error.status, error.param], [400, "start_date"]);
});
