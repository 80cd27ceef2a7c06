import { type Interval, sum } from "../statistics.ts";
import type { Summary } from "./summary.ts";

const NOTHING = "–";

function short(value: number | undefined): string {
  if (value === undefined) return NOTHING;
  return value.toLocaleString("en-US", { maximumFractionDigits: value < 100 ? 1 : 0 });
}

export function seconds(ms: number | undefined): string {
  return ms === undefined ? NOTHING : `${(ms / 1000).toFixed(ms < 9_995 ? 2 : 1)} s`;
}

export function dollars(usd: number | undefined): string {
  if (usd === undefined) return NOTHING;
  if (usd === 0 || usd >= 1) return usd.toFixed(2);
  return usd.toLocaleString("en-US", { maximumSignificantDigits: 3 });
}

export const percent = (share: number): string => (share * 100).toFixed(1);

const signedPercent = (share: number) =>
  `${share > 0 ? "+" : share < 0 ? "−" : "±"}${percent(Math.abs(share))}`;

const withPercentSign = (share: number | undefined) =>
  share === undefined ? NOTHING : `${percent(share)} %`;

const bounds = ([low, high]: Interval, write: (share: number) => string) =>
  `[${write(low)}, ${write(high)}]`;

function differenceText({ difference, asked }: Summary): string {
  if (difference === undefined) return asked === 0 ? NOTHING : "";
  return `${signedPercent(difference.value)} ${bounds(difference.interval, signedPercent)}`;
}

const COLUMNS: readonly (readonly [heading: string, cell: (summary: Summary) => string])[] = [
  ["model", ({ model }) => oneLine(model)],
  ["correct", ({ correct, asked }) => `${correct}/${asked}`],
  ["accuracy", ({ accuracy }) => withPercentSign(accuracy)],
  ["95 % interval", ({ interval, asked }) => asked === 0 ? NOTHING : bounds(interval, percent)],
  ["difference, points", differenceText],
  ["better, worse", ({ difference: d }) => d === undefined ? "" : `${d.better}, ${d.worse}`],
  ["of answered", ({ accuracy_of_answered }) => withPercentSign(accuracy_of_answered)],
  ["wrong", ({ wrong }) => String(wrong)],
  ["unread", ({ unread }) => String(unread)],
  ["cut", ({ cut }) => String(cut)],
  ["errors", ({ errors }) => String(errors)],
  ["calls", ({ calls }) => short(calls)],
  ["prompt", ({ prompt_tokens }) => short(prompt_tokens)],
  ["completion", ({ completion_tokens }) => short(completion_tokens)],
  ["reasoning", ({ reasoning_tokens }) => short(reasoning_tokens)],
  ["USD", ({ cost }) => dollars(cost)],
  ["p50", ({ latency_p50_ms }) => seconds(latency_p50_ms)],
  ["p95", ({ latency_p95_ms }) => seconds(latency_p95_ms)],
  ["first reasoning", ({ first_reasoning_p50_ms }) => seconds(first_reasoning_p50_ms)],
];

/** Returns the rows, headings first. The column "USD" is left out if no price is known. */
export function tableCells(summaries: readonly Summary[]): string[][] {
  const isPriced = summaries.some(({ cost }) => cost !== undefined);
  const columns = COLUMNS.filter(([heading]) => heading !== "USD" || isPriced);
  return [
    columns.map(([heading]) => heading),
    ...summaries.map((summary) => columns.map(([, cell]) => cell(summary))),
  ];
}

/** Explains the table's figures and lists the errors by code. */
export function tableNotes(summaries: readonly Summary[], baseline: string): string[] {
  const notes = ["accuracy: correct of all asked, errors included; with Wilson's interval."];
  if (summaries.length > 1) {
    notes.push(
      `difference: compared with ${
        oneLine(baseline)
      } on the same problems; with the interval of a ` +
        "paired bootstrap, and the numbers of problems that were answered better and worse.",
    );
  }
  notes.push(
    "unread: wrong, because no short answer was found; cut: ended by a token limit.",
    "calls, tokens and USD: mean per question; p50 and p95: time to the last token.",
  );
  for (const { model, error_codes, error_messages } of summaries) {
    for (const [code, count] of Object.entries(error_codes)) {
      const message = oneLine(error_messages[code] ?? "", 160);
      const reason = message === "" ? "" : ` (${message})`;
      notes.push(`errors of ${oneLine(model)}: ${oneLine(code)} ${count}${reason}`);
    }
  }
  const costs = summaries.flatMap(({ total_cost }) => total_cost ?? []);
  if (costs.length > 0) notes.push(`total cost: ${dollars(sum(costs))} USD`);
  return notes;
}

const GAP = "  ";

/**
 * Returns the aligned table and its notes.
 *
 * @param columns the terminal's width in characters. A wider table is split into blocks of columns,
 * each with the models.
 */
export function renderTable(
  summaries: readonly Summary[],
  baseline: string,
  columns = Infinity,
): string {
  const rows = tableCells(summaries);
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const rule = widths.map((width) => "-".repeat(width));
  const aligned = rows.toSpliced(1, 0, rule).map((row) =>
    row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))
  );
  const blocks = blocksOf(widths, columns).map((block) =>
    aligned.map((row) => block.map((i) => row[i]!).join(GAP).trimEnd()).join("\n")
  );
  return [...blocks, tableNotes(summaries, baseline).join("\n")].join("\n\n");
}

/** Returns the column indices of each block; each block begins with column 0. */
function blocksOf([first, ...others]: readonly number[], columns: number): number[][] {
  const blocks: number[][] = [];
  let left = 0;
  for (const [i, width] of others.entries()) {
    if (blocks.length === 0 || left < GAP.length + width) {
      blocks.push([0]);
      left = columns - first!;
    }
    blocks.at(-1)!.push(i + 1);
    left -= GAP.length + width;
  }
  return blocks;
}

/** Removes control characters, which could move the terminal's cursor, from names and codes. */
function oneLine(text: string, maxLength = 80): string {
  return text.replace(/\p{Cc}/gu, "").slice(0, maxLength);
}
