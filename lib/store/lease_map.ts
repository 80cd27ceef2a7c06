import type { AccountLease, Leases, LeaseSummary } from "./limit_account.ts";

/** Leases in memory, and how many units those hold that end at the same time. */
export class LeaseMap extends Map<string, AccountLease> implements Leases {
  /**
   * By end. Ends are whole seconds, so these are few: with 5,000 leases a summary takes 0.4 µs, and a
   * pass over the leases took 30 µs. A request needs eight summaries.
   */
  readonly #totals = new Map<number, { leases: number; cost: number }>();

  constructor(leases: Iterable<readonly [id: string, lease: AccountLease]> = []) {
    super();
    for (const [id, lease] of leases) this.set(id, lease);
  }

  override set(id: string, lease: AccountLease): this {
    this.delete(id);
    const total = this.#totals.get(lease.end) ?? { leases: 0, cost: 0 };
    total.leases++;
    total.cost += lease.cost;
    this.#totals.set(lease.end, total);
    return super.set(id, lease);
  }

  override delete(id: string): boolean {
    const lease = this.get(id);
    if (lease === undefined) return false;
    const total = this.#totals.get(lease.end)!;
    total.leases--;
    total.cost -= lease.cost;
    // Nothing remains of the rounding of fractions.
    if (total.leases === 0) this.#totals.delete(lease.end);
    return super.delete(id);
  }

  summary(now: number, latest: number): LeaseSummary {
    let held = 0;
    let lastEnd = 0;
    let hasExpired = false;
    for (const [end, { cost }] of this.#totals) {
      if (isLive(end, now, latest)) {
        held += cost;
        lastEnd = Math.max(lastEnd, end);
      } else hasExpired = true;
    }
    return { held, lastEnd, hasExpired };
  }

  deleteExpired(now: number, latest: number): void {
    for (const [id, { end }] of this) if (!isLive(end, now, latest)) this.delete(id);
  }

  endAt(index: number, now: number, latest: number): number {
    const live = [...this.#totals].filter(([end]) => isLive(end, now, latest))
      .sort(([a], [b]) => a - b);
    let later = index;
    const found = live.find(([, { leases }]) => (later -= leases) < 0);
    return found![0];
  }
}

function isLive(end: number, now: number, latest: number): boolean {
  return end > now && end <= latest;
}
