import { Buffer } from "node:buffer";
import { createStore, notified } from "../backend.ts";
import type { Change, Entry, Range, Store } from "../store.ts";
import { openPool, type PostgresOptions } from "./connection.ts";
import { parsePostgresUrl } from "./address.ts";
import type { Row, Session } from "./driver.ts";
import { createNotifications } from "./notifications.ts";
import { prepareDatabase } from "./prepare.ts";
import { decodeText, encodeText } from "./texts.ts";

/** Connections for entries; each statement takes one for a round trip. */
const CONNECTIONS = 4;

const TIMEOUT_MS = 5_000;

const LIVE =
  "(e.expires_at is null or e.expires_at > coalesce(to_timestamp($1::float8 / 1000), now()))";

const NOW = "select floor(extract(epoch from clock_timestamp()) * 1000) as present";

const GET = `
select k.position, e.value, e.version
from unnest($2::text[], $3::text[]) with ordinality as k(collection, id, position)
cross join lateral (
  select * from o1_api.entries e
  where e.collection = k.collection and e.id = k.id and ${LIVE} offset 0
) e
`;

/**
 * Opens a store in Postgres, for servers on several machines. It creates and migrates its tables. Each
 * call is one round trip, and Postgres keeps the time.
 *
 * @throws {Error} if Postgres cannot be reached, refuses the connection or lacks a right
 */
export async function openPostgresStore(options: PostgresOptions): Promise<Store> {
  const { timeoutMs = TIMEOUT_MS, warn, ca } = options;
  const address = parsePostgresUrl(options.url);
  const notifications = createNotifications({ address, timeoutMs, ca });
  const now = () => options.now?.() ?? null;

  async function write(session: Session, changes: readonly Change[]): Promise<boolean> {
    const texts = changes.map((change) => encodeText("value" in change ? change.value : ""));
    const { rows } = await session.query({
      name: "write_entries",
      text: "select o1_api.write_entries($1, $2, $3, $4, $5, $6, $7, $8, $9) as written",
      values: [
        now(),
        changes.map(({ key }) => key.collection),
        changes.map(({ key }) => key.id),
        changes.map(({ ifVersion }) => ifVersion === null ? "" : ifVersion),
        changes.map((change) =>
          "value" in change ? "set" : "delete" in change ? "delete" : "check"
        ),
        Buffer.concat(texts),
        texts.map(({ length }) => length),
        changes.map((change) => "value" in change ? change.ttlMs : null),
        [...notified(changes)].map(notifications.payloadFor),
      ],
    });
    return rows[0]!.written === "t";
  }

  const { use, close } = await openPool({
    address,
    ca,
    timeoutMs,
    warn,
    connections: CONNECTIONS,
    prepare: (session) =>
      prepareDatabase(session, address, async (session) => {
        const key = { collection: "check", id: "" };
        await session.query("begin");
        await write(session, [{ key, value: "" }]);
        await write(session, [{ key, delete: true }]);
        await session.query("rollback");
      }),
  });

  return createStore({
    kind: "postgres",
    async get(keys) {
      const { rows } = await use((session) =>
        session.query({
          name: "get_entries",
          text: GET,
          values: [now(), keys.map(({ collection }) => collection), keys.map(({ id }) => id)],
        })
      );
      const found = new Map(rows.map((row) => [Number(row.position), row]));
      return keys.map((key, i) => {
        const row = found.get(i + 1);
        return row && entryOf(key.collection, { ...row, id: key.id });
      });
    },
    async list(range) {
      const { rows } = await use((session) => session.query(listStatement(range, now())));
      return rows.map((row) => entryOf(range.collection, row));
    },
    write: (changes) => use((session) => write(session, changes)),
    watch: notifications.watch,
    async now() {
      if (options.now !== undefined) return options.now();
      const { rows } = await use((session) => session.query(NOW));
      return Number(rows[0]!.present);
    },
    async close() {
      await Promise.all([notifications.close(), close()]);
    },
  });
}

function entryOf(collection: string, { id, value, version }: Row): Entry {
  return { collection, id: id!, value: decodeText(value!), version: version! };
}

/** One statement per kind of range: the index is used only if every bound is present. */
function listStatement(
  { collection, after, before, limit, reverse = false }: Range,
  now: number | null,
) {
  const bounds = [after, before].filter((id) => id !== undefined);
  return {
    name: `list_entries ${after === undefined} ${before === undefined} ${reverse}`,
    text: `select e.id, e.value, e.version from o1_api.entries e
      where e.collection = $2 and ${LIVE}
        ${after === undefined ? "" : "and e.id > $4"}
        ${before === undefined ? "" : `and e.id < $${3 + bounds.length}`}
      order by e.id ${reverse ? "desc" : "asc"} limit $3`,
    values: [now, collection, limit, ...bounds],
  };
}
