/**
 * What was compared, and how it came out.
 *
 * @module
 */

/** The comparisons of a soak. */
export interface Report {
  /** Two figures that must be equal, within a tolerance. */
  same(name: string, found: number, expected: number, tolerance?: number): void;
  /** A figure that must lie between two others. */
  within(name: string, found: number, least: number, most: number): void;
  /** A figure to look at. */
  tell(name: string, found: number | string): void;
  /** Faults that were found one by one; there must be none. */
  none(name: string, faults: readonly string[]): void;
  /** The table, for a terminal. */
  table(): string;
  /** What does not agree. */
  disagreements: readonly string[];
}

/** Faults that are named one by one. */
const NAMED = 10;

const shown = (value: number) => Number.isInteger(value) ? String(value) : value.toFixed(6);

/** Creates an empty report. */
export function createReport(): Report {
  const rows: string[][] = [["what", "found", "expected", ""]];
  const disagreements: string[] = [];

  function row(name: string, found: string, expected: string, holds: boolean): void {
    rows.push([name, found, expected, holds ? "ok" : "DIFFERS"]);
    if (!holds) disagreements.push(`${name}: ${found}, expected ${expected}`);
  }

  return {
    same: (name, found, expected, tolerance = 0) =>
      row(name, shown(found), shown(expected), Math.abs(found - expected) <= tolerance),
    within: (name, found, least, most) =>
      row(name, shown(found), `${shown(least)} … ${shown(most)}`, found >= least && found <= most),
    tell(name, found) {
      rows.push([name, typeof found === "number" ? shown(found) : found, "", ""]);
    },
    none(name, faults) {
      row(name, String(faults.length), "0", faults.length === 0);
      disagreements.push(...faults.slice(0, NAMED).map((fault) => `  ${fault}`));
      if (faults.length > NAMED) disagreements.push(`  … and ${faults.length - NAMED} more`);
    },
    table() {
      const widths = rows[0]!.map((_, i) => Math.max(...rows.map((each) => each[i]!.length)));
      return rows.map((each) =>
        each.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))
          .join("  ").trimEnd()
      ).join("\n");
    },
    disagreements,
  };
}
