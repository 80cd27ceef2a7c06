import type { Change, EntryKey, Store } from "../../lib/store/store.ts";
import { backendsOf } from "../support/stores/backends.ts";
import { skippedFor } from "../support/skip.ts";

export interface Bench {
  /** An empty store. */
  store: Store;
  /** Opens another handle on the same data. */
  open(): Promise<Store>;
  now(): number;
  /** Advances the injected time by ms. */
  pass(ms: number): void;
}

/** Long enough that no entry expires by the back end's own clock during a test. */
export const HOUR = 3_600_000;

/** Runs a test on every back end, or on those of some kinds. */
export function contract(
  name: string,
  test: (bench: Bench) => Promise<void>,
  kinds: readonly Store["kind"][] = ["memory", "sqlite", "kv", "redis", "postgres"],
): void {
  for (const { name: backend, skipReason, prepare, start } of backendsOf(kinds)) {
    prepare?.();
    Deno.test({
      ...skippedFor(skipReason, `${backend}: ${name}`),
      async fn() {
        let time = Date.UTC(2026, 0, 1);
        const now = () => time;
        await using started = await start(now);
        const open = () => started.open();
        await test({ store: await open(), open, now, pass: (ms) => void (time += ms) });
      },
    });
  }
}

export const key = (id: string, collection = "c"): EntryKey => ({ collection, id });

/** A change that sets an entry; its value defaults to its id. */
export const set = (id: string, value = id): Change => ({ key: key(id), value });

export async function valueOf(store: Store, id: string): Promise<string | undefined> {
  return (await store.get([key(id)]))[0]?.value;
}

export async function versionOf(store: Store, id: string): Promise<string | undefined> {
  return (await store.get([key(id)]))[0]?.version;
}
