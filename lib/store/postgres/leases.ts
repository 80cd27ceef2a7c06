import { LeaseMap } from "../lease_map.ts";
import type { LeaseSummary } from "../limit_account.ts";

/** A lease as JSON. */
export type SentLease = [id: string, cost: number, end: number];

/**
 * The leases of an account of which only some are loaded: those that calls name, and those that end
 * first. Postgres has summed all that are live, so that thousands need not be sent.
 */
export class PartialLeases extends LeaseMap {
  /** Whether those that are not live must be deleted in the database. */
  isPurged = false;
  readonly #loaded: LeaseMap;
  readonly #others: LeaseSummary;

  /** @param all the sum of the leases that end after `now`, but not after `latest`. */
  constructor(loaded: readonly SentLease[], all: LeaseSummary, now: number, latest: number) {
    super(loaded.map(([id, cost, end]) => [id, { cost, end }]));
    this.#loaded = new LeaseMap(this);
    this.#others = { ...all, held: all.held - super.summary(now, latest).held };
  }

  /** If the last lease was released by a call before in the same transaction, `lastEnd` is its end. */
  override summary(now: number, latest: number): LeaseSummary {
    const { held, lastEnd, hasExpired } = super.summary(now, latest);
    return {
      held: held + this.#others.held,
      lastEnd: Math.max(lastEnd, this.#others.lastEnd),
      hasExpired: hasExpired || this.#others.hasExpired,
    };
  }

  override deleteExpired(now: number, latest: number): void {
    super.deleteExpired(now, latest);
    this.isPurged = true;
  }

  removed(): string[] {
    return [...this.#loaded.keys()].filter((id) => !this.has(id));
  }

  /** Returns the new and changed leases. */
  added(): SentLease[] {
    return [...this].filter(([id, lease]) => this.#loaded.get(id) !== lease)
      .map(([id, { cost, end }]) => [id, cost, end]);
  }
}
