/**
 * Writes to a SQLite file or a Postgres: `writer.ts PATH|URL NAME COUNT`. Each write contains an entry and the
 * number of all entries; its id is printed once it is acknowledged.
 *
 * @module
 */
import { openPostgresStore } from "../../lib/store/postgres/store.ts";
import { openSqliteStore } from "../../lib/store/sqlite/store.ts";

const [target, name, count] = Deno.args as [string, string, string];
const store = target.startsWith("postgres:")
  ? await openPostgresStore({ url: target, warn: console.error })
  : await openSqliteStore({ path: target, now: Date.now });
const total = { collection: "total", id: "" };
const encoder = new TextEncoder();

for (let i = 0; i < Number(count); i++) {
  const id = `${name}-${i}`;
  for (;;) {
    const [entry] = await store.get([total]);
    const done = await store.write([
      { key: { collection: "entries", id }, value: id.padEnd(1 + (i * 997) % 8_000, ".") },
      {
        key: total,
        value: String(Number(entry?.value ?? 0) + 1),
        ifVersion: entry?.version ?? null,
      },
    ]);
    if (done) break;
  }
  Deno.stdout.writeSync(encoder.encode(`${id}\n`));
}
await store.close();
