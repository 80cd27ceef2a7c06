/**
 * Figures of a benchmark: medians, ranges, and growth of cost.
 *
 * @module
 */

/** @param fraction from 0 to 1. */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return NaN;
  return sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))]!;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** A line of the table. */
export interface Figure {
  name: string;
  /** Median of the rounds. */
  value: number;
  /** `x` for a ratio. */
  unit: string;
  /** Minimum and maximum of the rounds. */
  range: [number, number];
  /** Limits that the value must keep. */
  bar?: { max?: number; min?: number };
  /** Values behind the figure. */
  note?: string;
}

/** Summarises the values of the rounds. */
export function figure(
  name: string,
  values: readonly number[],
  unit: string,
  bar?: Figure["bar"],
  note?: string,
): Figure {
  return {
    name,
    value: median(values),
    unit,
    range: [Math.min(...values), Math.max(...values)],
    ...(bar === undefined ? {} : { bar }),
    ...(note === undefined ? {} : { note }),
  };
}

/** Whether a figure keeps its bar; undefined without a bar. */
export function holds({ value, bar }: Figure): boolean | undefined {
  if (bar === undefined) return undefined;
  return value <= (bar.max ?? Infinity) && value >= (bar.min ?? -Infinity);
}

/** Exponent b of cost = a · size^b, by least squares over the logarithms. */
export function growthExponent(points: readonly (readonly [size: number, cost: number])[]): number {
  const logs = points.map(([size, cost]) => [Math.log(size), Math.log(cost)] as const);
  const meanX = logs.reduce((sum, [x]) => sum + x, 0) / logs.length;
  const meanY = logs.reduce((sum, [, y]) => sum + y, 0) / logs.length;
  const xy = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const xx = logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return xy / xx;
}

const digits = (value: number) => Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(3);

/** Formats a table for a terminal. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((row) => {
    const { name, value, unit, range, bar, note = "" } = row;
    const limit = bar === undefined ? "" : bar.max !== undefined ? `≤ ${bar.max}` : `≥ ${bar.min}`;
    const verdict = holds(row) === undefined ? "" : holds(row) ? "ok" : "MISSED";
    return [
      name,
      `${digits(value)} ${unit}`,
      `${digits(range[0])} – ${digits(range[1])}`,
      limit,
      verdict,
      note,
    ];
  });
  const head = ["figure", "median", "range", "bar", "", "details"];
  const lines = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...lines.map((row) => row[i]!.length)));
  return lines.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd())
    .join("\n");
}
