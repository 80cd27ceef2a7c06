import { type Clock, sleep } from "../clock.ts";
import type { Limiter } from "./limiter.ts";
import type { Stores } from "./open.ts";
import { type Store, StoreError } from "./store.ts";

export interface WaitOptions {
  /** Opens the stores; called again after a failure that can pass. */
  open: () => Promise<Stores>;
  kind: Store["kind"];
  /** How long to wait for the server of the stores, in milliseconds; may be Infinity. */
  waitMs: number;
  clock: Clock;
  /** Called with the first failure, and with those that differ from the one before. */
  onFailure: (error: Error) => void;
  onOpen: () => void;
  /** Called when the time is over, or with a failure that does not pass. */
  onGiveUp: (error: Error) => void;
}

/** Delays between two attempts in milliseconds: the first, and the longest. */
const MIN_DELAY_MS = 250;
const MAX_DELAY_MS = 2_000;

/**
 * Codes of failures that pass by themselves: of the network, of Redis while it starts, loads its data
 * or fails over, and of Postgres (classes 08 and 57P, a standby, and too many connections).
 */
const PASSING_CODES =
  /^(E(CONN\w+|TIMEDOUT|NOTFOUND|AI_AGAIN|HOSTUNREACH|NETUNREACH|PIPE)|LOADING|BUSY|CLUSTERDOWN|MASTERDOWN|READONLY|TRYAGAIN|NOREPLICAS|08\w{3}|57P\w{2}|25006|53300)$/;

/**
 * Opens stores on a server. If it does not answer, returns stores whose calls reject with a
 * `StoreError` until it does, and keeps trying.
 *
 * @throws what `open` throws at first, unless it can pass and there is time to wait
 */
export async function waitForStores(options: WaitOptions): Promise<Stores> {
  const { open, kind, waitMs, clock, onFailure, onOpen, onGiveUp } = options;
  const deadline = clock.now() + waitMs;
  const closing = new AbortController();
  const whenOpen = Promise.withResolvers<Stores>();
  let stores: Stores | undefined;
  let failure: Error;

  const canPass = (error: unknown): error is Error =>
    clock.now() < deadline && PASSING_CODES.test(String((error as { code?: unknown }).code));

  async function openLater(): Promise<void> {
    for (let delayMs = MIN_DELAY_MS;; delayMs = Math.min(2 * delayMs, MAX_DELAY_MS)) {
      await sleep(clock, delayMs, closing.signal);
      try {
        const opened = await open();
        if (closing.signal.aborted) return await closeStores(opened);
        whenOpen.resolve(stores = opened);
        return onOpen();
      } catch (error) {
        if (closing.signal.aborted) return;
        if (!canPass(error)) return onGiveUp(error as Error);
        if (error.message !== failure.message) onFailure(error);
        failure = error;
      }
    }
  }

  try {
    return await open();
  } catch (error) {
    if (!canPass(error)) throw error;
    failure = error;
    onFailure(error);
  }
  // Rejects at a shutdown only.
  const ended = openLater().catch(() => {});

  const opened = (): Stores => {
    if (stores === undefined) throw new StoreError(failure);
    return stores;
  };
  async function close(): Promise<void> {
    closing.abort();
    await ended;
    if (stores !== undefined) await closeStores(stores);
  }
  const store: Store = {
    kind,
    get: async (keys) => await opened().store.get(keys),
    list: async (range) => await opened().store.list(range),
    write: async (changes) => await opened().store.write(changes),
    watch(collection, onChange) {
      let isEnded = false;
      let stop = () => {};
      whenOpen.promise.then(({ store }) => {
        if (!isEnded) stop = store.watch(collection, onChange);
      });
      return () => {
        isEnded = true;
        stop();
      };
    },
    now: async () => await opened().store.now(),
    close,
  };
  const limiter: Limiter = {
    take: async (charges) => await opened().limiter.take(charges),
    settle: async (charges, id) => await opened().limiter.settle(charges, id),
    renew: async (charges) => await opened().limiter.renew(charges),
    close,
  };
  return { store, limiter };
}

async function closeStores({ store, limiter }: Stores): Promise<void> {
  await Promise.all([store.close(), limiter.close()]);
}
