import { fileURLToPath } from "node:url";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore } from "../../lib/store/sqlite/store.ts";
import type { Store } from "../../lib/store/store.ts";

const CONFIG = fileURLToPath(new URL("../deno.json", import.meta.url));
const WRITER = fileURLToPath(new URL("writer.ts", import.meta.url));

/** Starts a process that writes `count` entries to a SQLite file or the URL of a Postgres. */
export function startWriter(target: string, name: string, count: number): Deno.ChildProcess {
  const options = target.startsWith("postgres:")
    ? [`--config=${CONFIG}`, "--allow-env", "--allow-read", "--allow-net=127.0.0.1"]
    : ["--no-config", "-RW"];
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", ...options, WRITER, target, name, `${count}`],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/**
 * Collects the ids that a writer prints. Calls `end` in the middle of its work, once it has printed
 * `lines` of them; by default the writer is killed.
 */
export async function acknowledged(
  writer: Deno.ChildProcess,
  lines = Infinity,
  end = () => writer.kill("SIGKILL"),
): Promise<string[]> {
  let text = "";
  let printed = 0;
  for await (const chunk of writer.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    printed += chunk.split("\n").length - 1;
    if (printed >= lines) {
      end();
      lines = Infinity;
    }
  }
  await writer.status;
  return text.split("\n").slice(0, -1);
}

/** Checks a SQLite file in which `ids` were acknowledged; returns what is wrong with it. */
export async function problemsIn(path: string, ids: readonly string[]): Promise<string[]> {
  const store = await openSqliteStore({ path, now: Date.now });
  const problems = await problemsOf(store, ids);
  await store.close();
  using database = new DatabaseSync(path);
  const { integrity_check } = database.prepare("pragma integrity_check").get()!;
  return [...problems, ...integrity_check === "ok" ? [] : [`integrity: ${integrity_check}`]];
}

/** As `problemsIn`, for a store. */
export async function problemsOf(store: Store, ids: readonly string[]): Promise<string[]> {
  const count = async () => Number((await store.get([{ collection: "total", id: "" }]))[0]?.value);
  const before = await count();
  const entries = await store.list({ collection: "entries", limit: 1_000_000 });
  const after = await count();
  const stored = new Set(entries.map(({ id }) => id));
  const lost = ids.filter((id) => !stored.has(id));
  const cut = entries.filter(({ id, value }) => !value.startsWith(id.slice(0, value.length)));
  return [
    ...lost.map((id) => `${id} is lost`),
    ...cut.map(({ id }) => `${id} has a wrong value`),
    ...before <= stored.size && stored.size <= after
      ? []
      : [`${after} counted, ${stored.size} stored`],
  ];
}
