/**
 * The comparisons of a soak and their results.
 *
 * @module
 */

export interface Report {
  /** Checks that two numbers are equal, within a tolerance. */
  same(name: string, found: number, expected: number, tolerance?: number): void;
  /** Checks that a number is in a range, both ends included. */
  within(name: string, found: number, min: number, max: number): void;
  /** Adds a value without a check. */
  note(name: string, found: number | string): void;
  /** Checks that there are no faults. */
  none(name: string, faults: readonly string[]): void;
  /** Returns a table for a terminal. */
  table(): string;
  /** Failed checks. */
  disagreements: readonly string[];
}

/** Number of faults that are listed. */
const MAX_LISTED = 10;

const shown = (value: number) => Number.isInteger(value) ? String(value) : value.toFixed(6);

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
    within: (name, found, min, max) =>
      row(name, shown(found), `${shown(min)} … ${shown(max)}`, found >= min && found <= max),
    note(name, found) {
      rows.push([name, typeof found === "number" ? shown(found) : found, "", ""]);
    },
    none(name, faults) {
      row(name, String(faults.length), "0", faults.length === 0);
      disagreements.push(...faults.slice(0, MAX_LISTED).map((fault) => `  ${fault}`));
      if (faults.length > MAX_LISTED) {
        disagreements.push(`  … and ${faults.length - MAX_LISTED} more`);
      }
    },
    table() {
      const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
      return rows.map((cells) =>
        cells.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))
          .join("  ").trimEnd()
      ).join("\n");
    },
    disagreements,
  };
}
