/** Reasoning to send back with tool results, whichever server received it. */
import { type Clock, DAY_MS, within } from "../../clock.ts";
import { sha256 } from "../../sha256.ts";
import type { Store } from "../../store/store.ts";
import type { ToolReasoning } from "../../upstream/tool_reasoning.ts";
import type { Vault } from "../../vault.ts";

export interface SharedToolReasoningOptions {
  /** Memory of this server. */
  local: ToolReasoning;
  /** Memory of all servers. */
  store: Pick<Store, "get" | "write">;
  /** Returns the current vault; servers with another secret cannot read what it has sealed. */
  vault: () => Vault;
  clock: Clock;
}

/** Maximum number of entries per owner. The hash of a key is its place, where it replaces others. */
const PLACES = 4_096;

/** Longer texts are only stored in the memory of this server. */
const MAX_CHARACTERS = 262_144;

const TTL_MS = DAY_MS;

/** Number of messages of a conversation whose reasoning is loaded: the last ones. */
const MAX_LOADED = 100;

/**
 * How long a request waits for the store, in milliseconds, before a call and after it. A call without
 * the reasoning that it needs fails.
 */
const WAIT_MS = 1_000;

/** How long requests do not wait for the store after it was late, in milliseconds. */
const PAUSE_MS = 2_000;

export function createSharedToolReasoning(
  { local, store, vault, clock }: SharedToolReasoningOptions,
): ToolReasoning {
  let pausedUntil = -Infinity;

  /** Waits for work, unless the store is late: most requests succeed without it. */
  async function waitFor(work: Promise<unknown>): Promise<void> {
    // A failure of the store is logged elsewhere.
    const ended = work.then(() => {}, () => {});
    if (clock.now() < pausedUntil) return;
    if (await within(clock, WAIT_MS, ended) === "late") pausedUntil = clock.now() + PAUSE_MS;
  }

  async function write(owner: string, key: string, entry: string): Promise<void> {
    const value = await vault().seal(owner, JSON.stringify([key, entry]));
    await store.write([{ key: await placeOf(owner, key), value, ttlMs: TTL_MS }]);
  }

  async function read(owner: string, wanted: readonly string[]): Promise<void> {
    const places = await Promise.all(wanted.map((key) => placeOf(owner, key)));
    const entries = await store.get(places);
    await Promise.all(entries.map(async (stored, index) => {
      const text = stored && await vault().open(owner, stored.value);
      if (text === undefined) return;
      const [key, entry]: [string, string] = JSON.parse(text);
      if (key === wanted[index]) await local.remember(owner, [key], entry);
    }));
  }

  return {
    find: local.find,
    async remember(owner, keys, entry) {
      await local.remember(owner, keys, entry);
      const [key] = keys;
      if (key === undefined || entry.length > MAX_CHARACTERS) return;
      await waitFor(write(owner, key, entry));
    },
    async load(owner, keys) {
      const unknown = keys.filter((key) => local.find(owner, key) === undefined);
      const wanted = [...new Set(unknown)].slice(-MAX_LOADED);
      if (wanted.length > 0) await waitFor(read(owner, wanted));
    },
  };
}

async function placeOf(owner: string, key: string): Promise<{ collection: string; id: string }> {
  const hash = await sha256(key);
  const place = new DataView(hash.buffer).getUint32(0) % PLACES;
  return { collection: `tool-reasoning/${owner}`, id: `${place}` };
}
