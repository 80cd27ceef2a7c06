import { assert, assertEquals, assertRejects } from "@std/assert";
import { openPostgresLimiter } from "../../../lib/store/postgres/limiter.ts";
import { openPostgresStore } from "../../../lib/store/postgres/store.ts";
import { freePort } from "../../support/port.ts";
import { NO_POSTGRES, type PostgresServer, startPostgres } from "../../support/stores/postgres.ts";
import { skippedFor } from "../../support/skip.ts";
import { set, valueOf } from "../contract.ts";

const PASSWORD = "geh/eim&1";

/** Encoded as in a URL. */
const USER = `app:${encodeURIComponent(PASSWORD)}`;

function optionsOf(url: string) {
  // Only for a server that never answers; others may take long on a busy machine.
  return { url, timeoutMs: 30_000, warn() {} };
}

/** Creates a database that belongs to `app`, and returns its name. */
async function createOwned(server: PostgresServer): Promise<string> {
  return await server.createDatabase("owner app");
}

async function startWithUser(): Promise<PostgresServer> {
  const server = await startPostgres();
  await server.sql("postgres", `create role app login password '${PASSWORD}'`);
  return server;
}

async function answerInHttp(listener: Deno.TcpListener): Promise<void> {
  for await (const client of listener) {
    await client.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
    client.close();
  }
}

/** Returns the reason why neither the store nor the limits open; it contains no secret. */
async function reasonOf(url: string): Promise<string> {
  const errors = [
    await assertRejects(() => openPostgresStore(optionsOf(url)), Error),
    await assertRejects(() => openPostgresLimiter(optionsOf(url)), Error),
  ];
  const text = Deno.inspect(errors, { depth: 9, showHidden: true });
  assert(!text.includes("geh") && !text.includes(encodeURIComponent(PASSWORD)), text);
  return errors[0]!.message;
}

Deno.test({
  ...skippedFor(
    NO_POSTGRES,
    "Postgres opens for a user with the rights, and else says what is wrong",
  ),
  async fn(t) {
    await using server = await startWithUser();
    const { sql } = server;
    using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    void answerInHttp(other);
    const tests: readonly [name: string, reason: string, url: () => Promise<string>][] = [
      [
        "a wrong password",
        'password authentication failed for user "app"',
        async () => server.urlOf(await createOwned(server), `${USER}2`),
      ],
      [
        "no password",
        "password must be a non-empty string",
        async () => server.urlOf(await createOwned(server), "app"),
      ],
      [
        "an unknown user",
        'password authentication failed for user "nobody"',
        () => Promise.resolve(server.urlOf("postgres", `nobody:${encodeURIComponent(PASSWORD)}`)),
      ],
      [
        "an unknown database",
        'database "unknown" does not exist',
        () => Promise.resolve(server.urlOf("unknown", USER)),
      ],
      [
        "no server",
        "ECONNREFUSED",
        () => Promise.resolve(`postgres://${USER}@127.0.0.1:${freePort()}/db`),
      ],
      [
        "a server that speaks another protocol",
        "Connection terminated unexpectedly",
        () => Promise.resolve(`postgres://${USER}@127.0.0.1:${other.addr.port}/db`),
      ],
      [
        "a user who may not create the schema",
        'run: GRANT CREATE ON DATABASE "',
        async () => server.urlOf(await server.createDatabase(), USER),
      ],
      ["a user who may not use the schema", "the user needs all rights to the schema", async () => {
        const database = await server.createDatabase();
        await (await openPostgresStore(optionsOf(server.urlOf(database)))).close();
        return server.urlOf(database, USER);
      }],
      ["tables of a newer program", "a newer o1-api has changed its tables", async () => {
        const database = await createOwned(server);
        await (await openPostgresStore(optionsOf(server.urlOf(database, USER)))).close();
        await sql(database, "insert into o1_api.migrations values (1000)");
        return server.urlOf(database, USER);
      }],
      ["another encoding", "the encoding of the database is LATIN1", async () =>
        server.urlOf(
          await server.createDatabase("owner app template template0 encoding 'LATIN1'"),
          USER,
        )],
      ["a server that only reads", "the server is read-only", async () => {
        const database = await createOwned(server);
        await sql(database, `alter database ${database} set default_transaction_read_only = on`);
        return server.urlOf(database, USER);
      }],
      ["an old version", "its version is 12, but 13 or newer is needed", async () => {
        const database = await createOwned(server);
        // Shadows the function that knows the version.
        await sql(
          database,
          `create schema old;
           create function old.current_setting(text) returns text language sql as $$
             select case $1 when 'server_version_num' then '120010' else pg_catalog.current_setting($1) end
           $$;
           grant usage on schema old to app;
           alter database ${database} set search_path = old, pg_catalog`,
        );
        return server.urlOf(database, USER);
      }],
    ];
    for (const [name, reason, url] of tests) {
      await t.step(name, async () => {
        const message = await reasonOf(await url());
        assert(message.startsWith("store: Cannot use Postgres at 127.0.0.1:"), message);
        assert(message.includes(reason), message);
      });
    }

    await t.step("an empty database of the user", async () => {
      const url = server.urlOf(await createOwned(server), USER);
      for (const scheme of ["postgres:", "postgresql:"]) {
        const store = await openPostgresStore(optionsOf(url.replace("postgres:", scheme)));
        assert(await store.write([set("a")]));
        await store.close();
      }
    });

    await t.step("a database without an encoding", async () => {
      const database = await server.createDatabase(
        "owner app template template0 encoding 'SQL_ASCII'",
      );
      const store = await openPostgresStore(optionsOf(server.urlOf(database, USER)));
      await store.write([set("漢", "🙂\0")]);
      assertEquals(await valueOf(store, "漢"), "🙂\0");
      await store.close();
    });

    await t.step("ten servers that create the tables at once", async () => {
      const url = server.urlOf(await createOwned(server), USER);
      const stores = await Promise.all(
        Array.from({ length: 10 }, () => openPostgresStore(optionsOf(url))),
      );
      for (const [i, store] of stores.entries()) assert(await store.write([set(`${i}`)]));
      for (const store of stores) await store.close();
    });
  },
});
