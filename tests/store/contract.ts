/**
 * Runs one test over every back end of the store.
 *
 * @module
 */
import type { Change, EntryKey, Store } from "../../lib/store/store.ts";
import { BACKENDS } from "./backends.ts";

/** What a test of the contract works with. */
export interface Bench {
  /** An empty store. */
  store: Store;
  /** Opens the same data once more. */
  open(): Promise<Store>;
  /** The injected time. */
  now(): number;
  /** Lets ms of it pass. */
  pass(ms: number): void;
}

/** Long enough that no back end's own clock ends an entry that the injected one lets live. */
export const HOUR = 3_600_000;

/** Runs `test` over every back end, or those of some kinds. */
export function contract(
  name: string,
  test: (bench: Bench) => Promise<void>,
  kinds: readonly Store["kind"][] = ["memory", "sqlite", "kv", "redis"],
): void {
  for (const { kind, ignore, start } of BACKENDS.filter(({ kind }) => kinds.includes(kind))) {
    Deno.test({
      name: `${kind}: ${name}`,
      ignore,
      async fn() {
        let time = Date.UTC(2026, 0, 1);
        const now = () => time;
        await using backend = await start(now);
        const open = () => backend.open();
        await test({ store: await open(), open, now, pass: (ms) => void (time += ms) });
      },
    });
  }
}

/** A key. */
export const key = (id: string, collection = "c"): EntryKey => ({ collection, id });

/** A write of an entry, by default of its own id. */
export const set = (id: string, value = id): Change => ({ key: key(id), value });

/** One entry's text. */
export async function valueOf(store: Store, id: string): Promise<string | undefined> {
  return (await store.get([key(id)]))[0]?.value;
}

/** One entry's version. */
export async function versionOf(store: Store, id: string): Promise<string | undefined> {
  return (await store.get([key(id)]))[0]?.version;
}
