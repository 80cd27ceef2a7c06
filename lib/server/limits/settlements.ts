/** Settlements that run independently of responses. One that fails is repeated. */
import type { Clock } from "../../clock.ts";
import { CALL_MS, type Charge, type Limiter } from "../../store/limiter.ts";
import { type Log, stackWithoutMessage } from "../telemetry/log.ts";

const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 30_000;

/** Number of failed settlements that are kept, of about 1 kB each, and for how long. */
const MAX_KEPT = 10_000;
const MAX_AGE_MS = 3_600_000;

interface Settlement {
  charges: readonly Charge[];
  /** Id of the settlement; see `Limiter.settle`. */
  id?: string;
}

interface Failed extends Settlement {
  /** When it is repeated and when it is given up, on the clock. */
  dueAt: number;
  endAt: number;
}

export function createSettlements(
  { limiter, clock, log }: { limiter: Limiter; clock: Clock; log: Log },
) {
  const running = new Set<Promise<void>>();
  const kept = new Set<Failed>();
  let delayMs = FIRST_DELAY_MS;
  let cancelTimer: (() => void) | undefined;
  let isFailing = false;
  let lost = 0;
  let isClosed = false;

  function inBackground(work: Promise<void>): void {
    const tracked = work.then(() => void running.delete(tracked));
    running.add(tracked);
  }

  /** Returns whether it succeeded. */
  async function attempt({ charges, id }: Settlement): Promise<boolean> {
    try {
      await limiter.settle(charges, id);
      return true;
    } catch (error) {
      if (!isFailing) {
        log.error("Usage cannot be charged to the limits; the server keeps trying", {
          cause: stackWithoutMessage(error),
        });
      }
      isFailing = true;
      return false;
    }
  }

  function keep(settlement: Settlement, callAt: number): void {
    if (kept.size >= MAX_KEPT) return void lost++;
    // Only then has the failed call no further effect.
    kept.add({ ...settlement, dueAt: callAt + CALL_MS, endAt: callAt + MAX_AGE_MS });
    schedule();
  }

  function schedule(): void {
    if (isClosed) return;
    cancelTimer ??= clock.timer(delayMs, () => {
      cancelTimer = undefined;
      inBackground(repeat());
    });
  }

  async function repeat(): Promise<void> {
    for (const failed of [...kept]) {
      const callAt = clock.now();
      if (callAt < failed.dueAt && !isClosed) continue;
      kept.delete(failed);
      if (await attempt(failed)) {
        delayMs = FIRST_DELAY_MS;
        continue;
      }
      if (callAt < failed.endAt) kept.add({ ...failed, dueAt: callAt + CALL_MS });
      else lost++;
      delayMs = Math.min(2 * delayMs, MAX_DELAY_MS);
      break;
    }
    if (kept.size > 0) return schedule();
    if (isFailing) logEnd();
    isFailing = false;
    delayMs = FIRST_DELAY_MS;
  }

  function logEnd(): void {
    const settlements = kept.size + lost;
    if (settlements === 0) log.info("Usage is charged to the limits again");
    else log.error("Usage is not charged to the limits", { settlements });
    lost = 0;
  }

  return {
    /**
     * @param renewal must end first, because it would take the leases again. Never rejects.
     * @param id as in `Limiter.settle`
     */
    settle(charges: readonly Charge[], renewal: Promise<void>, id?: string): void {
      inBackground((async () => {
        await renewal;
        const callAt = clock.now();
        const settlement = id === undefined ? { charges } : { charges, id };
        if (!await attempt(settlement)) keep(settlement, callAt);
      })());
    },
    /** Releases leases that a failed call may have taken. @param callAt its time on the clock */
    undo(charges: readonly Charge[], callAt: number): void {
      const leased = charges.filter(({ lease }) => lease !== undefined);
      if (leased.length > 0) {
        keep({ charges: leased.map((charge) => ({ ...charge, cost: 0 })) }, callAt);
      }
    },
    /** Resolves when all have ended. Repeats failed ones a last time. */
    async close(): Promise<void> {
      isClosed = true;
      cancelTimer?.();
      while (running.size > 0) await Promise.all(running);
      if (kept.size > 0) await repeat();
      if (kept.size > 0) logEnd();
    },
  };
}
