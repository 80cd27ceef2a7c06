import { assertEquals } from "@std/assert";
import { systemClock } from "../../../lib/clock.ts";
import { silentLog } from "../../../lib/server/telemetry/log.ts";
import { createUsageLedger } from "../../../lib/server/usage/ledger.ts";
import { BACKENDS } from "../../support/backends.ts";
import { skippedFor } from "../../support/skip.ts";
import { waitFor } from "../../support/wait.ts";

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

for (const { kind, skipReason, start } of BACKENDS) {
  const name = `${SERVERS} servers that write usage at once lose nothing: ${kind}`;
  Deno.test(skippedFor(skipReason, name), async () => {
    await using backend = await start(Date.now);
    const stores = await Promise.all(Array.from({ length: SERVERS }, () => backend.open()));
    const ledgers = stores.map((store) =>
      createUsageLedger({
        store,
        isShared: false,
        clock: systemClock,
        random: Math.random,
        log: silentLog,
      })
    );
    const today = new Date().toISOString().slice(0, 10);
    await waitFor(
      "all writes",
      Promise.all(ledgers.map(async (ledger) => {
        for (let round = 0; round < ROUNDS; round++) {
          for (const owner of ["alice", "bob"]) ledger.add(owner, "m", USED);
          await ledger.read("alice", today, today);
        }
        await ledger.close();
      })),
    );
    const total = SERVERS * ROUNDS;
    const row = {
      day: today,
      model: "m",
      requests: total,
      input_tokens: 10 * total,
      cached_tokens: 4 * total,
      output_tokens: 5 * total,
      cost: total / 10,
    };
    assertEquals(await ledgers[0]!.read(undefined, today, today), [
      { ...row, key: "alice" },
      { ...row, key: "bob" },
    ]);
    assertEquals(await ledgers[1]!.read("bob", today, today), [{ ...row, key: "bob" }]);
    if (kind !== "memory") await Promise.all(stores.map((store) => store.close()));
  });
}
