import { Client } from "pg";
import { freePort } from "../port.ts";
import { findProgram, reasonWithout } from "../skip.ts";
import { waitUntil } from "../wait.ts";

export interface PostgresServer extends AsyncDisposable {
  /** On 127.0.0.1. */
  port: number;
  /** Folder of its files. */
  data: string;
  /** Returns a URL of a database, by default for the superuser, who needs no password. */
  urlOf(database: string, user?: string): string;
  /** Creates an empty database, and returns its name. */
  createDatabase(options?: string): Promise<string>;
  /** Runs statements as the superuser. */
  sql(database: string, statements: string): Promise<Record<string, unknown>[]>;
  /** Stops it without waiting for its clients: with SIGQUIT as in a crash. */
  stop(signal?: Deno.Signal): Promise<void>;
  start(): Promise<void>;
  /** Sends a signal to all of its processes. */
  signalAll(signal: Deno.Signal): Promise<void>;
}

/** Name of the superuser. */
const ADMIN = "admin";

const ACCESS = `
host all ${ADMIN} 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
`;

/** Postgres refuses to run as root. */
const AS_NOBODY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"];
const NOBODY = 65_534;

/** Debian keeps the programs out of the PATH. */
function findServerProgram(name: string): string | undefined {
  const debian = "/usr/lib/postgresql";
  try {
    for (const { name: version } of Deno.readDirSync(debian)) {
      const path = `${debian}/${version}/bin/${name}`;
      if (Deno.statSync(path).isFile) return path;
    }
  } catch {
    // Postgres is not installed, or not by Debian.
  }
  return findProgram(name);
}

/** Why tests with Postgres are skipped, or undefined if they run. */
export const NO_POSTGRES = findServerProgram("postgres") === undefined
  ? reasonWithout("postgres")
  : undefined;

/**
 * Starts a new server in a temporary folder. Without `fsync`, a crash of the machine could lose what
 * was committed; one of Postgres can't.
 *
 * @param settings settings of Postgres, such as `max_connections=10`
 */
export async function startPostgres(settings: readonly string[] = []): Promise<PostgresServer> {
  const dir = await Deno.makeTempDir();
  const data = `${dir}/data`;
  const isRoot = (await Deno.stat(dir)).uid === 0;
  if (isRoot) await Deno.chown(dir, NOBODY, NOBODY);
  const commandLine = (program: string, ...args: string[]) => [
    ...isRoot ? AS_NOBODY : [],
    findServerProgram(program)!,
    ...args,
  ];
  const options = ["--no-sync", "--no-locale", "--encoding=UTF8", "--auth=trust"];
  const [initdb, ...rest] = commandLine("initdb", "-D", data, "-U", ADMIN, ...options);
  const made = await new Deno.Command(initdb!, { args: rest }).output();
  if (!made.success) throw new Error(new TextDecoder().decode(made.stderr));
  await Deno.writeTextFile(`${data}/pg_hba.conf`, ACCESS);
  let port = freePort();
  let child: Deno.ChildProcess | undefined;
  let databases = 0;

  const urlOf = (database: string, user = ADMIN) =>
    `postgres://${user}@127.0.0.1:${port}/${database}`;

  async function start(): Promise<void> {
    const all = [
      `port=${port}`,
      `unix_socket_directories=${dir}`,
      "fsync=off",
      "password_encryption=scram-sha-256",
      ...settings,
    ];
    await Deno.remove(`${dir}/log`).catch(() => {});
    const line = commandLine("postgres", "-D", data, ...all.flatMap((pair) => ["-c", pair]));
    // Not a pipe, which would be read in one of several tests that share the server.
    const args = ["-c", `exec "$@" 2>"${dir}/log"`, "sh", ...line];
    child = new Deno.Command("sh", { args, stdin: "null", stdout: "null" }).spawn();
    let isRunning = true;
    void child.status.then(() => isRunning = false);
    const log = () => Deno.readTextFile(`${dir}/log`);
    await waitUntil("Postgres to start", async () => {
      const text = await log().catch(() => "");
      if (!isRunning) throw new Error(`Postgres did not start:\n${text}`);
      return text.includes("ready to accept connections");
    });
  }

  async function stop(signal: Deno.Signal = "SIGINT"): Promise<void> {
    child?.kill(signal);
    await child?.status;
    child = undefined;
  }

  async function sql(database: string, statements: string) {
    const client = new Client({ connectionString: urlOf(database) });
    await client.connect();
    try {
      return (await client.query(statements)).rows;
    } finally {
      await client.end();
    }
  }

  // Another test may take the free port before Postgres does.
  for (let tries = 1;; tries++) {
    try {
      await start();
      break;
    } catch (error) {
      if (!`${error}`.includes("Address already in use") || tries === 5) throw error;
      port = freePort();
    }
  }
  return {
    port,
    data,
    urlOf,
    sql,
    start,
    stop,
    async createDatabase(options = "") {
      const name = `db${++databases}`;
      await sql("postgres", `create database ${name} ${options}`);
      return name;
    },
    async signalAll(signal) {
      const children = await new Deno.Command("ps", {
        args: ["-o", "pid=", "--ppid", `${child!.pid}`],
      }).output();
      const pids = new TextDecoder().decode(children.stdout).trim().split(/\s+/).map(Number);
      for (const pid of [child!.pid, ...pids]) Deno.kill(pid, signal);
    },
    async [Symbol.asyncDispose]() {
      await stop("SIGQUIT");
      await Deno.remove(dir, { recursive: true });
    },
  };
}

let shared: PostgresServer | undefined;
let isShared = false;

/** Starts a server before the tests of this file, and stops it after them. */
export function sharePostgres(): void {
  if (isShared || NO_POSTGRES !== undefined) return;
  isShared = true;
  Deno.test.beforeAll(async () => {
    shared = await startPostgres();
  });
  Deno.test.afterAll(async () => {
    await shared?.[Symbol.asyncDispose]();
  });
}

/** Returns an empty database of the shared server, or of a new one. */
export async function createDatabase(): Promise<
  { url: string; server: PostgresServer } & AsyncDisposable
> {
  const server = shared ?? await startPostgres();
  // Four times as fast as another database.
  await server.sql("postgres", "drop schema if exists o1_api cascade");
  return {
    url: server.urlOf("postgres"),
    server,
    async [Symbol.asyncDispose]() {
      if (server !== shared) await server[Symbol.asyncDispose]();
    },
  };
}
