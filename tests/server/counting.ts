/**
 * A limiter in a few lines, whose books can be read.
 *
 * @module
 */
import type { Limit, Limiter, LimitState } from "../../lib/store/limiter.ts";

/** A limiter and its books. */
export interface CountingLimiter extends Limiter {
  /** What counts against a limit of this key at a time: in its window, or leased. */
  count(now: number, key: string): number;
  /** The keys that were ever counted. */
  keys(): string[];
  /** What the next calls fail with, if they do. */
  failure: Error | undefined;
  /** How many calls there were. */
  readonly calls: number;
}

interface Book {
  windowMs: number;
  entries: { at: number; cost: number }[];
  leases: Map<string, number>;
}

/** Creates an empty one. */
export function createCountingLimiter(): CountingLimiter {
  const books = new Map<string, Book>();
  let calls = 0;

  function bookOf({ key, windowMs }: Limit): Book {
    const book = books.get(key) ?? { windowMs, entries: [], leases: new Map() };
    books.set(key, book);
    return book;
  }

  function count(now: number, { windowMs, entries, leases }: Book): number {
    const inWindow = entries.filter(({ at }) => at > now - windowMs);
    return inWindow.reduce((sum, { cost }) => sum + cost, 0) +
      [...leases.values()].filter((until) => until > now).length;
  }

  /** When so much is free, from now on. */
  function freeAt(now: number, limit: Limit, cost: number): number {
    const book = bookOf(limit);
    const ends = [
      ...book.entries.map(({ at }) => at + limit.windowMs),
      ...book.leases.values(),
    ].filter((end) => end > now).toSorted((a, b) => a - b);
    return [now, ...ends].find((at) => count(at, book) + cost <= limit.amount) ?? Infinity;
  }

  function called(): void {
    calls++;
    if (self.failure !== undefined) throw self.failure;
  }

  // deno-lint-ignore require-await -- what it throws has to be a rejection
  const take: Limiter["take"] = async (now, asks) => {
    called();
    const ok = asks.every(({ limit, cost }) =>
      cost === 0 || count(now, bookOf(limit)) + cost <= limit.amount
    );
    const states = asks.map(({ limit, cost }): LimitState => {
      const retryAfterMs = ok ? 0 : freeAt(now, limit, cost) - now;
      return { limit, remaining: 0, retryAfterMs, resetMs: 0 };
    });
    if (ok) {
      for (const { limit, cost, lease } of asks) {
        const book = bookOf(limit);
        if (lease !== undefined) book.leases.set(lease, now + limit.windowMs);
        else if (cost !== 0) book.entries.push({ at: now, cost });
      }
    }
    for (const state of states) {
      state.remaining = state.limit.amount - count(now, bookOf(state.limit));
      state.resetMs = freeAt(now, state.limit, state.limit.amount) - now;
    }
    return { ok, states };
  };

  const self: CountingLimiter = {
    failure: undefined,
    take,
    // deno-lint-ignore require-await -- what it throws has to be a rejection
    async settle(now, corrections) {
      called();
      for (const { limit, cost, lease } of corrections) {
        const book = bookOf(limit);
        if (lease !== undefined) book.leases.delete(lease);
        else book.entries.push({ at: now, cost });
      }
    },
    // deno-lint-ignore require-await -- what it throws has to be a rejection
    async renew(now, leases) {
      called();
      for (const { limit, lease } of leases) {
        const book = bookOf(limit);
        if (book.leases.has(lease)) book.leases.set(lease, now + limit.windowMs);
      }
    },
    close: () => Promise.resolve(),
    count: (now, key) => books.has(key) ? count(now, books.get(key)!) : 0,
    keys: () => [...books.keys()],
    get calls() {
      return calls;
    },
  };
  return self;
}
