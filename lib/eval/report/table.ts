/**
 * The table of a comparison, as text for people.
 *
 * @module
 */
import type { Interval } from "../statistics.ts";
import type { Summary } from "./summary.ts";

/** A column: its heading, and what stands in it. */
interface Column {
  head: string;
  cell(summary: Summary): string;
}

const NOTHING = "–";

/** A number of digits that tells values apart without pretending to know more. */
function short(value: number | undefined): string {
  if (value === undefined) return NOTHING;
  return value.toLocaleString("en-US", { maximumFractionDigits: value < 100 ? 1 : 0 });
}

/** Milliseconds as seconds. */
export function seconds(ms: number | undefined): string {
  return ms === undefined ? NOTHING : `${(ms / 1000).toFixed(ms < 9_995 ? 2 : 1)} s`;
}

/** USD, to three digits. */
export function dollars(usd: number | undefined): string {
  if (usd === undefined) return NOTHING;
  return usd === 0 || usd >= 1 ? usd.toFixed(2) : usd.toLocaleString("en-US", {
    maximumSignificantDigits: 3,
  });
}

/** A share as a percentage. */
export function percent(share: number | undefined): string {
  return share === undefined ? NOTHING : `${(share * 100).toFixed(1)} %`;
}

function bounds([low, high]: Interval, write: (share: number) => string): string {
  return `[${write(low)}, ${write(high)}]`;
}

const plain = (share: number) => (share * 100).toFixed(1);
const signed = (share: number) =>
  `${share > 0 ? "+" : share < 0 ? "−" : "±"}${plain(Math.abs(share))}`;

function difference({ difference: found, asked }: Summary): string {
  if (found === undefined) return asked === 0 ? NOTHING : "";
  return `${signed(found.value)} ${bounds(found.interval, signed)}`;
}

/** The columns, which the report shares. */
const COLUMNS: readonly Column[] = [
  { head: "model", cell: ({ model }) => oneLine(model) },
  { head: "correct", cell: ({ correct, asked }) => `${correct}/${asked}` },
  { head: "accuracy", cell: ({ accuracy }) => percent(accuracy) },
  {
    head: "95 % interval",
    cell: ({ interval, asked }) => asked === 0 ? NOTHING : bounds(interval, plain),
  },
  { head: "difference, points", cell: difference },
  { head: "of answered", cell: ({ accuracy_of_answered }) => percent(accuracy_of_answered) },
  { head: "wrong", cell: ({ wrong }) => String(wrong) },
  { head: "errors", cell: ({ errors }) => String(errors) },
  { head: "calls", cell: ({ calls }) => short(calls) },
  { head: "prompt", cell: ({ prompt_tokens }) => short(prompt_tokens) },
  { head: "completion", cell: ({ completion_tokens }) => short(completion_tokens) },
  { head: "reasoning", cell: ({ reasoning_tokens }) => short(reasoning_tokens) },
  { head: "USD", cell: ({ cost }) => dollars(cost) },
  { head: "p50", cell: ({ latency_p50_ms }) => seconds(latency_p50_ms) },
  { head: "p95", cell: ({ latency_p95_ms }) => seconds(latency_p95_ms) },
  {
    head: "first reasoning",
    cell: ({ first_reasoning_p50_ms }) => seconds(first_reasoning_p50_ms),
  },
];

/** The table's cells; the first row holds the headings. Without prices there is no such column. */
export function tableCells(summaries: readonly Summary[]): string[][] {
  const priced = summaries.some(({ cost }) => cost !== undefined);
  const columns = COLUMNS.filter(({ head }) => head !== "USD" || priced);
  return [
    columns.map(({ head }) => head),
    ...summaries.map((summary) => columns.map(({ cell }) => cell(summary))),
  ];
}

/** What the table's figures are, and the errors by code. */
export function tableNotes(summaries: readonly Summary[], baseline: string): string[] {
  const notes = [
    "accuracy: correct of all asked, errors included; its interval is Wilson's.",
    "calls, tokens and USD are means for one question; p50 and p95 are of the time to the last token.",
  ];
  if (summaries.length > 1) {
    notes.splice(
      1,
      0,
      `difference: to ${
        oneLine(baseline)
      }, over the same problems; its interval is a paired bootstrap.`,
    );
  }
  for (const { model, error_codes, error_messages } of summaries) {
    for (const [code, n] of Object.entries(error_codes)) {
      const said = oneLine(error_messages[code] ?? "", 160);
      const why = said === "" ? "" : ` (${said})`;
      notes.push(`errors of ${oneLine(model)}: ${oneLine(code)} ${n}${why}`);
    }
  }
  const costs = summaries.flatMap(({ total_cost }) => total_cost ?? []);
  const total = costs.reduce((sum, cost) => sum + cost, 0);
  if (costs.length > 0) notes.push(`in all: ${dollars(total)} USD`);
  return notes;
}

const GAP = "  ";

/**
 * The aligned table and its notes.
 *
 * @param columns the terminal's width, in characters; a wider table goes on below, with the models
 * once more.
 */
export function renderTable(
  summaries: readonly Summary[],
  baseline: string,
  columns = Infinity,
): string {
  const rows = tableCells(summaries);
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const aligned = (cell: string, i: number) =>
    i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!);
  const blocks = blocksOf(widths, columns).map((block) => {
    const lines = rows.map((row) => block.map((i) => aligned(row[i]!, i)).join(GAP).trimEnd());
    lines.splice(1, 0, block.map((i) => "-".repeat(widths[i]!)).join(GAP));
    return lines.join("\n");
  });
  return [...blocks, tableNotes(summaries, baseline).join("\n")].join("\n\n");
}

/** The columns that stand beside each other; the first one stands in each block. */
function blocksOf(widths: readonly number[], columns: number): number[][] {
  const first = widths[0]!;
  const blocks: number[][] = [];
  let left = 0;
  for (let i = 1; i < widths.length; i++) {
    const width = GAP.length + widths[i]!;
    if (blocks.length === 0 || left < width) {
      blocks.push([0]);
      left = columns - first;
    }
    blocks.at(-1)!.push(i);
    left -= width;
  }
  return blocks;
}

/** Names and codes come from outside: what moves a terminal's cursor is left out. */
function oneLine(text: string, most = 80): string {
  // deno-lint-ignore no-control-regex -- they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "").slice(0, most);
}
