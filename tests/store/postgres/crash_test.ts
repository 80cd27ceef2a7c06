import { assert, assertEquals } from "@std/assert";
import { openPostgresStore } from "../../../lib/store/postgres/store.ts";
import { createRandom } from "../../../lib/random.ts";
import { NO_POSTGRES, startPostgres } from "../../support/stores/postgres.ts";
import { skippedFor } from "../../support/skip.ts";
import { acknowledged, problemsOf, startWriter } from "../processes.ts";

const KILLS = 8;

Deno.test({
  ...skippedFor(NO_POSTGRES, "kills of writers and crashes of Postgres lose no acknowledged entry"),
  async fn() {
    await using server = await startPostgres();
    const url = server.urlOf("postgres");
    const ids: string[] = [];
    const random = createRandom(1);
    let next = 0;
    // Two at a time, so that a process is killed while another one writes.
    const lane = async () => {
      while (next < KILLS) {
        const writer = startWriter(url, `${next++}`, 1e9);
        ids.push(...await acknowledged(writer, 1 + Math.floor(random() * 60)));
      }
    };
    await Promise.all([lane(), lane()]);
    // Its writer ends with Postgres.
    let stopped = Promise.resolve();
    const writer = startWriter(url, "last", 1e9);
    ids.push(...await acknowledged(writer, 20, () => void (stopped = server.stop("SIGQUIT"))));
    await stopped;
    await server.start();
    assert(ids.length > KILLS, `only ${ids.length} entries`);
    const store = await openPostgresStore({ url, timeoutMs: 30_000, warn() {} });
    assertEquals(await problemsOf(store, ids), []);
    await store.close();
  },
});
