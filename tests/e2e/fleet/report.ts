/** The table of a run. */
import type { Loss, Outcome } from "./traffic.ts";

export interface PhaseReport {
  name: string;
  outcomes: readonly Outcome[];
  /** Failures that the fault does not explain. */
  unexplained: readonly Outcome[];
  /** From the end of the fault to the end of the last failed request; 0 without failures. */
  recoveryMs: number;
}

export interface Totals {
  lost: readonly Loss[];
  /** Number of background responses that another server continued. */
  continued: number;
  /** Tokens of the client with a budget, and those beyond it. */
  used: number;
  overshoot: number;
  /** Highest number of its concurrent calls. */
  parallel: number;
  leases: number;
}

/** A budget that is used up, and a place among the parallel requests that is taken, are no failures. */
const isRefusal = ({ kind, failure = "" }: Outcome): boolean =>
  kind === "budget" && /^(429|402)/.test(failure);

export const isFailure = (outcome: Outcome): boolean =>
  outcome.failure !== undefined && !isRefusal(outcome);

export const isCut = ({ failure = "" }: Outcome): boolean => failure.startsWith("cut");

export function formatReport(phases: readonly PhaseReport[], totals: Totals): string {
  const header = ["phase", "requests", "failures", "cut streams", "recovery", "reasons"];
  const rows = phases.map(({ name, outcomes, recoveryMs }) => {
    const failures = outcomes.filter(isFailure);
    const reasons = Map.groupBy(failures, ({ kind, failure }) => `${kind} ${failure}`);
    return [
      name,
      `${outcomes.length}`,
      `${failures.length}`,
      `${failures.filter(isCut).length}`,
      recoveryMs === 0 ? "-" : `${(recoveryMs / 1_000).toFixed(1)} s`,
      [...reasons].map(([reason, { length }]) => `${length} × ${reason}`).join(", "),
    ];
  });
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length))
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd();
  const { lost, continued, used, overshoot, parallel, leases } = totals;
  return [
    line(header),
    ...rows.map(line),
    `lost acknowledged data: ${lost.map(({ id, what }) => `${what} of ${id}`).join(", ") || 0}`,
    `background responses that another server continued: ${continued}`,
    `tokens beyond the budget: ${overshoot} (${used} used)`,
    `concurrent calls of the client that may have 4: ${parallel}`,
    `leases left over: ${leases}`,
  ].join("\n");
}
