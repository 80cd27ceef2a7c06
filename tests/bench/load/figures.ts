/**
 * Figures of a benchmark: medians, spreads, and how cost grows.
 *
 * @module
 */

/** The value below which this part of the values lies. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return NaN;
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
}

/** The middle value. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** One line of the table: a figure, its bar, and what it was in each round. */
export interface Figure {
  /** What was measured. */
  name: string;
  /** The median over the rounds. */
  value: number;
  /** The unit; `x`: a ratio. */
  unit: string;
  /** The least and the greatest of the rounds. */
  spread: [number, number];
  /** The bar, if there is one. */
  bar?: { most?: number; least?: number };
  /** Figures behind it. */
  note?: string;
}

/** Makes a figure out of the rounds' values. */
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
    spread: [Math.min(...values), Math.max(...values)],
    ...(bar === undefined ? {} : { bar }),
    ...(note === undefined ? {} : { note }),
  };
}

/** Whether a figure keeps its bar; undefined where there is none. */
export function holds({ value, bar }: Figure): boolean | undefined {
  if (bar === undefined) return undefined;
  return value <= (bar.most ?? Infinity) && value >= (bar.least ?? -Infinity);
}

/** The exponent b of cost = a · size^b, by least squares over the logarithms. */
export function growthExponent(points: readonly (readonly [size: number, cost: number])[]): number {
  const logs = points.map(([size, cost]) => [Math.log(size), Math.log(cost)] as const);
  const meanX = logs.reduce((sum, [x]) => sum + x, 0) / logs.length;
  const meanY = logs.reduce((sum, [, y]) => sum + y, 0) / logs.length;
  const xy = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const xx = logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return xy / xx;
}

const digits = (value: number) => Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(3);

/** The table, for a terminal. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((each) => {
    const { name, value, unit, spread, bar, note = "" } = each;
    const limit = bar === undefined
      ? ""
      : bar.most !== undefined
      ? `≤ ${bar.most}`
      : `≥ ${bar.least}`;
    const verdict = holds(each) === undefined ? "" : holds(each) ? "ok" : "MISSED";
    return [
      name,
      `${digits(value)} ${unit}`,
      `${digits(spread[0])} – ${digits(spread[1])}`,
      limit,
      verdict,
      note,
    ];
  });
  const head = ["figure", "median", "spread", "bar", "", "behind it"];
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  return all.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd())
    .join("\n");
}
