/** The traffic of a fleet to its limits: the server's own code, with a clock and a limiter that count. */
import type { Clock } from "../../../lib/clock.ts";
import { clientOf } from "../../../lib/server/client.ts";
import { createLimits } from "../../../lib/server/limits/charge.ts";
import { createReadiness } from "../../../lib/server/readiness.ts";
import type { Charge, Limiter } from "../../../lib/store/limiter.ts";
import { createMemoryStore } from "../../../lib/store/memory/store.ts";
import { resolveKey } from "../../../lib/config/schema/keys.ts";

export interface FleetLoad {
  servers: number;
  /** Requests of all servers in a second. */
  requestsPerSecond: number;
  /** Duration of each. */
  seconds: number;
}

export type CallKind = "take" | "settle" | "renew" | "read";

export interface FleetTraffic {
  /** Calls in a second, and charges in all of them, by kind. */
  calls: Record<CallKind, number>;
  charges: Record<CallKind, number>;
  /** Calls that touch one key, in a second. */
  hottest: { key: string; calls: number };
  /** Leases that are held at a time. */
  leases: number;
}

const CLIENTS = 100;
/** Every client has these limits, and all clients together have one. */
const KEY_LIMITS = { parallel: 1e6, rpm: 1e9, tpm: 1e12, daily_tokens: 1e12, monthly_tokens: 1e12 };
const ALL_LIMITS = { rpm: 1e9 };
const WARM_S = 60;
const MEASURED_S = 60;

/** A clock that moves from one timer to the next. */
function createTicker() {
  const due = new Map<number, Set<() => void>>();
  let now = 0;
  const clock: Clock = {
    now: () => now,
    date: () => Date.UTC(2026, 0, 1) + now,
    timer(ms, callback) {
      const at = Math.ceil(now + ms);
      const timer = () => callback();
      const timers = due.get(at) ?? new Set();
      due.set(at, timers.add(timer));
      return () => void timers.delete(timer);
    },
  };
  return {
    clock,
    async advanceTo(end: number): Promise<void> {
      for (; now < end; now++) {
        const timers = due.get(now);
        if (timers === undefined) continue;
        due.delete(now);
        for (const timer of timers) timer();
        // The work that they start.
        for (let turn = 0; turn < 10; turn++) await undefined;
      }
    },
  };
}

export async function simulateFleet(load: FleetLoad): Promise<FleetTraffic> {
  const { clock, advanceTo } = createTicker();
  const zero = () => ({ take: 0, settle: 0, renew: 0, read: 0 });
  let calls = zero();
  let charges = zero();
  let byKey = new Map<string, number>();
  let held = 0;

  function count(kind: CallKind, made: readonly Charge[]): void {
    if (made.length === 0) return;
    calls[kind]++;
    charges[kind] += made.length;
    for (const { limit: { key } } of made) byKey.set(key, (byKey.get(key) ?? 0) + 1);
  }
  const limiter: Limiter = {
    take(made) {
      count("take", made);
      const states = made.map(({ limit }) => (
        { limit, remaining: limit.amount, retryAfterMs: 0, resetMs: 0 }
      ));
      return Promise.resolve({ ok: true, states });
    },
    settle(made) {
      count("settle", made);
      return Promise.resolve();
    },
    renew(made) {
      count("renew", made);
      held += made.length;
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
  const memory = createMemoryStore({ now: clock.date });
  const store: typeof memory = {
    ...memory,
    get(keys) {
      calls.read++;
      charges.read += keys.length;
      return memory.get(keys);
    },
  };
  const ignore = () => {};
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  const clients = Array.from(
    { length: CLIENTS },
    (_, index) =>
      clientOf(
        resolveKey({
          name: `client${index}`,
          sha256: "0".repeat(64),
          enabled: true,
          ...KEY_LIMITS,
        }),
      ),
  );
  const usage = {
    promptTokens: 1_000,
    cachedTokens: 0,
    completionTokens: 500,
    reasoningTokens: 0,
    upstream: {
      calls: 1,
      prompt_tokens: 1_000,
      cached_tokens: 0,
      completion_tokens: 500,
      estimated: false,
    },
  };
  const estimate = {
    calls: 1,
    promptTokens: 1_000,
    generatedTokens: 4_096,
    price: { input: 0, output: 0 },
  };
  const fleet = Array.from(
    { length: load.servers },
    () => createLimits({ limiter, limits: () => ALL_LIMITS, clock, log }),
  );
  for (const [index] of fleet.entries()) {
    // Servers start at different times.
    clock.timer(index * 7 % 2_000, () => createReadiness({ store, limiter, clock, log }).start());
  }

  async function request(number: number): Promise<void> {
    const limits = fleet[number % fleet.length]!;
    const reservation = await limits.begin(clients[number * 7 % CLIENTS]!, "place");
    await reservation!.reserve(estimate, "m");
    reservation!.begin();
    clock.timer(load.seconds * 1_000, () => {
      reservation!.settle(usage);
      reservation!.end();
    });
  }

  let sent = 0;
  const sendUntil = async (seconds: number) => {
    for (; sent < seconds * load.requestsPerSecond; sent++) {
      await advanceTo(sent / load.requestsPerSecond * 1_000);
      await request(sent);
    }
  };
  await sendUntil(WARM_S);
  [calls, charges, byKey, held] = [zero(), zero(), new Map(), 0];
  await sendUntil(WARM_S + MEASURED_S);
  const perSecond = (counts: Record<CallKind, number>) =>
    Object.fromEntries(
      Object.entries(counts).map(([kind, number]) => [kind, number / MEASURED_S]),
    ) as Record<CallKind, number>;
  const [key, touched] = [...byKey].reduce((a, b) => a[1] < b[1] ? b : a);
  return {
    calls: perSecond(calls),
    charges: perSecond(charges),
    hottest: { key, calls: touched / MEASURED_S },
    // Each lease is renewed every 20 s.
    leases: held / (MEASURED_S / 20),
  };
}
