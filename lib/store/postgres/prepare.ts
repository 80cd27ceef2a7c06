import type { PostgresAddress } from "./address.ts";
import type { Row, Session } from "./driver.ts";
import { LOCK_OF_MIGRATIONS, MIGRATIONS } from "./migrations.ts";

/** The oldest supported version of Postgres. */
const MIN_VERSION = 13;

/** How long a server waits for one that migrates the tables. */
const MIGRATION_MS = 60_000;

const FACTS = `
select current_setting('server_version_num') as version,
  current_setting('server_encoding') as encoding,
  current_setting('transaction_read_only') as read_only,
  (select count(*) from pg_namespace where nspname = 'o1_api') as schemas,
  has_database_privilege(current_database(), 'create') as can_create
`;

/**
 * Checks the server and the user's rights, and creates or migrates the tables.
 *
 * @param probe statements that need every right
 * @throws {Error} with a sentence that says what to change
 */
export async function prepareDatabase(
  session: Session,
  { user, database }: PostgresAddress,
  probe: (session: Session) => Promise<unknown>,
): Promise<void> {
  const facts = (await session.query(FACTS)).rows[0]!;
  checkServer(facts);
  if (facts.schemas === "0" && facts.can_create === "f") {
    throw new Error(
      `the user may not create the tables; run: GRANT CREATE ON DATABASE ${quoted(database)} TO ${
        quoted(user)
      }`,
    );
  }
  try {
    if (await versionOf(session) < MIGRATIONS.length) await migrate(session);
    await probe(session);
  } catch (error) {
    if ((error as { code?: string }).code !== "42501") throw error;
    const { message } = error as Error;
    throw Object.assign(new Error(`${message}; the user needs all rights to the schema o1_api`), {
      code: "42501",
    });
  }
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

function checkServer({ version, encoding, read_only }: Row): void {
  const major = Math.floor(Number(version) / 10_000);
  if (major < MIN_VERSION) {
    throw new Error(`its version is ${major}, but ${MIN_VERSION} or newer is needed`);
  }
  if (encoding !== "UTF8" && encoding !== "SQL_ASCII") {
    throw new Error(`the encoding of the database is ${encoding}, but UTF8 is needed`);
  }
  if (read_only === "on") {
    throw Object.assign(
      new Error("the server is read-only, as a standby is; use the address of the primary"),
      { code: "25006" },
    );
  }
}

/** @throws {Error} if the tables are newer than this program */
async function versionOf(session: Session): Promise<number> {
  const found = await session.query(
    "select from pg_tables where schemaname = 'o1_api' and tablename = 'migrations'",
  );
  if (found.rows.length === 0) return 0;
  const { rows } = await session.query("select max(version) as version from o1_api.migrations");
  const version = Number(rows[0]!.version);
  if (version > MIGRATIONS.length) {
    throw new Error(
      `a newer o1-api has changed its tables to version ${version}, and this one knows only version ${MIGRATIONS.length}; update this server`,
    );
  }
  return version;
}

/** Servers that start at the same time do this one after another. */
async function migrate(session: Session): Promise<void> {
  await session.query("begin");
  await session.query(`set local statement_timeout = ${MIGRATION_MS}`);
  await session.query({
    text: `select pg_advisory_xact_lock(${LOCK_OF_MIGRATIONS}, 0)`,
    query_timeout: MIGRATION_MS,
  });
  // Not `create schema if not exists`, which needs a right that the user of a schema may lack.
  const { rows } = await session.query("select from pg_namespace where nspname = 'o1_api'");
  if (rows.length === 0) await session.query("create schema o1_api");
  await session.query(
    "create table if not exists o1_api.migrations (version int primary key, applied_at timestamptz not null default now())",
  );
  for (let version = await versionOf(session) + 1; version <= MIGRATIONS.length; version++) {
    await session.query({ text: MIGRATIONS[version - 1]!, query_timeout: MIGRATION_MS });
    await session.query({
      text: "insert into o1_api.migrations (version) values ($1)",
      values: [version],
    });
  }
  await session.query("commit");
}
