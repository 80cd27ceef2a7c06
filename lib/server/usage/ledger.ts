import { ApiError } from "../../api/errors.ts";
import { type Clock, DAY_MS, dayAt, sleep, within } from "../../clock.ts";
import type { Usage } from "../../reasoning/usage/meter.ts";
import { listAll } from "../../store/list_all.ts";
import {
  type Change,
  type Entry,
  type EntryKey,
  MAX_CHANGES,
  type Store,
} from "../../store/store.ts";
import { type Log, stackWithoutMessage } from "../telemetry/log.ts";

/** What a client used of one model on one day. */
export interface ModelUsage {
  /** Requests that started a run, also those that failed or were cancelled. */
  requests: number;
  /** Over all upstream calls, with cached tokens. */
  input_tokens: number;
  cached_tokens: number;
  /** Generated tokens, reasoning included. */
  output_tokens: number;
  /** In USD; absent if no upstream has a price. */
  cost?: number;
}

export interface UsageRow extends ModelUsage {
  /** Name of the key; `default` for api_bearer_token. */
  key: string;
  model: string;
  /** Day in UTC, for example 2026-01-31. */
  day: string;
}

export interface UsageLedgerOptions {
  store: Store;
  /** Whether other processes read the store, so that it must be up to date. */
  isShared: boolean;
  clock: Clock;
  /** Returns a number in [0, 1). */
  random: () => number;
  log: Log;
}

type UsageByModel = Record<string, ModelUsage>;

/** How long usage is kept. */
const KEPT_DAYS = 400;

/** How long usage is collected before it is written, in milliseconds. */
const GATHER_MS = 1_000;

/** Maximum number of tries while other processes change the same entries, and the longest pause. */
const MAX_TRIES = 20;
const MAX_PAUSE_MS = 50;

/** Maximum number of entries, one a client and day, that are read at once. */
const MAX_ENTRIES = 20_000;

/** Time for the last write at shutdown, in milliseconds. */
const CLOSE_MS = 1_000;

export type UsageLedger = ReturnType<typeof createUsageLedger>;

/**
 * Keeps what each client used in the store, by day and model. Servers with the same store add to the
 * same entries.
 */
export function createUsageLedger({ store, isShared, clock, random, log }: UsageLedgerOptions) {
  /** What is not in the store yet, by the name of its entry. */
  let pending = new Map<string, UsageByModel>();
  let writing = Promise.resolve();
  let cancelTimer: (() => void) | undefined;

  function add(id: string, model: string, used: ModelUsage): void {
    const byModel = pending.get(id) ?? {};
    byModel[model] = sum(byModel[model], used);
    pending.set(id, byModel);
  }

  /** Writes what is pending; what can't be written stays pending. */
  function flush(): Promise<void> {
    cancelTimer?.();
    cancelTimer = undefined;
    writing = writing.then(async () => {
      const entries = [...pending];
      pending = new Map();
      for (let at = 0; at < entries.length; at += MAX_CHANGES) {
        const batch = entries.slice(at, at + MAX_CHANGES);
        try {
          await write(batch);
        } catch (error) {
          log.error("Usage can't be stored; it will be tried again", {
            cause: stackWithoutMessage(error),
          });
          for (const [id, byModel] of batch) {
            for (const [model, used] of Object.entries(byModel)) add(id, model, used);
          }
        }
      }
    });
    return writing;
  }

  async function write(batch: readonly (readonly [string, UsageByModel])[]): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const stored = await store.get(batch.map(([id]) => keyOf(id)));
      const changes = batch.map(([id, added], i): Change => {
        const byModel = stored[i] === undefined ? {} : parse(stored[i]);
        for (const [model, used] of Object.entries(added)) {
          byModel[model] = sum(byModel[model], used);
        }
        return {
          key: keyOf(id),
          value: JSON.stringify(byModel),
          ttlMs: Date.parse(dayOf(id)) + KEPT_DAYS * DAY_MS - clock.date(),
          ifVersion: stored[i]?.version ?? null,
        };
      });
      if (await store.write(changes)) return;
      await sleep(clock, random() * MAX_PAUSE_MS);
    }
    throw new Error("other servers change the same entries");
  }

  /**
   * Returns the entries of all clients, from the first to the last day.
   *
   * @throws {ApiError} 400 if there are too many.
   */
  async function entriesBetween(from: string, to: string): Promise<Entry[]> {
    const entries: Entry[] = [];
    for await (const entry of listAll(store, { ...COLLECTION, after: from, before: `${to}~` })) {
      if (entries.push(entry) > MAX_ENTRIES) throw tooMany();
    }
    return entries;
  }

  async function entriesOf(owner: string, from: string, to: string): Promise<Entry[]> {
    const keys = daysBetween(from, to).map((day) => keyOf(`${day} ${owner}`));
    return (await store.get(keys)).filter((entry) => entry !== undefined);
  }

  return {
    /** Adds the request of a run that another server may continue, before anything of its usage. */
    addRequest(owner: string, model: string): void {
      add(`${dayAt(clock.date())} ${owner}`, model, {
        requests: 1,
        input_tokens: 0,
        cached_tokens: 0,
        output_tokens: 0,
      });
      // The server may be killed at any time.
      if (isShared) void flush();
    },
    /** @param requests 0 if `addRequest` has added the request of the run. */
    add(owner: string, model: string, { upstream }: Usage, requests = 1): void {
      add(`${dayAt(clock.date())} ${owner}`, model, {
        requests,
        input_tokens: upstream.prompt_tokens,
        cached_tokens: upstream.cached_tokens,
        output_tokens: upstream.completion_tokens,
        ...(upstream.cost === undefined ? {} : { cost: upstream.cost }),
      });
      if (isShared) cancelTimer ??= clock.timer(GATHER_MS, () => void flush());
    },
    /**
     * Returns what clients used, by day, key and model.
     *
     * @param owner the client; undefined for all.
     * @param from the first day and `to` the last one, in UTC.
     * @throws {ApiError} 400 if there is too much to read at once.
     */
    async read(owner: string | undefined, from: string, to: string): Promise<UsageRow[]> {
      await flush();
      const entries = owner === undefined
        ? await entriesBetween(from, to)
        : await entriesOf(owner, from, to);
      return entries.flatMap((entry) =>
        Object.entries(parse(entry)).map(([model, used]) => ({
          day: dayOf(entry.id),
          key: entry.id.slice(dayOf(entry.id).length + 1),
          model,
          ...used,
        }))
      );
    },
    /** Writes what is not stored yet. */
    async close(): Promise<void> {
      await within(clock, CLOSE_MS, flush());
    },
  };
}

function tooMany(): ApiError {
  return new ApiError(
    400,
    `Invalid 'start_date': the period has more than ${MAX_ENTRIES} days of keys. Choose a shorter one.`,
    { param: "start_date" },
  );
}

const COLLECTION = { collection: "usage" } as const;

const keyOf = (id: string): EntryKey => ({ ...COLLECTION, id });

const dayOf = (id: string) => id.split(" ", 1)[0]!;

const parse = ({ value }: Entry): UsageByModel =>
  Object.assign(Object.create(null), JSON.parse(value));

function sum(a: ModelUsage | undefined, b: ModelUsage): ModelUsage {
  if (a === undefined) return b;
  return {
    requests: a.requests + b.requests,
    input_tokens: a.input_tokens + b.input_tokens,
    cached_tokens: a.cached_tokens + b.cached_tokens,
    output_tokens: a.output_tokens + b.output_tokens,
    ...(a.cost === undefined && b.cost === undefined
      ? {}
      // Rounding to a billionth removes the errors of floating-point sums.
      : { cost: Math.round(((a.cost ?? 0) + (b.cost ?? 0)) * 1e9) / 1e9 }),
  };
}

function daysBetween(from: string, to: string): string[] {
  const first = Date.parse(from);
  const count = Math.round((Date.parse(to) - first) / DAY_MS) + 1;
  return Array.from({ length: count }, (_, i) => dayAt(first + i * DAY_MS));
}
