import type { Budget } from "../../server/limits/charge.ts";
import type { UsageRow } from "../../server/usage/ledger.ts";

/** What `GET /v1/usage` answers. */
export interface UsageAnswer {
  data: UsageRow[];
  budgets: Budget[];
}

const number = new Intl.NumberFormat("en-US", { maximumFractionDigits: 6 });

/** Returns what the answer says as text for people. */
export function usageTable({ data, budgets }: UsageAnswer): string {
  const hasCost = data.some(({ cost }) => cost !== undefined);
  const sum = (field: "requests" | "input_tokens" | "output_tokens" | "cost") =>
    data.reduce((total, row) => total + (row[field] ?? 0), 0);
  const cost = (value: number | undefined) =>
    !hasCost ? [] : [value === undefined ? "" : number.format(value)];
  const rows = [
    ["day", "key", "model", "requests", "input tokens", "output tokens", ...hasCost ? ["USD"] : []],
    ...data.map((row) => [
      row.day,
      row.key,
      row.model,
      ...[row.requests, row.input_tokens, row.output_tokens].map(number.format),
      ...cost(row.cost),
    ]),
    [
      "total",
      "",
      "",
      ...[sum("requests"), sum("input_tokens"), sum("output_tokens")].map(number.format),
      ...cost(sum("cost")),
    ],
  ];
  return `${data.length === 0 ? "No usage in this period.\n" : aligned(rows)}${
    budgetLines(budgets)
  }`;
}

/** The first three columns are texts, the others numbers. */
function aligned(rows: readonly string[][]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row.map((cell, i) => i < 3 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join("  ")
      .trimEnd() + "\n"
  ).join("");
}

function budgetLines(budgets: readonly Budget[]): string {
  if (budgets.length === 0) return "";
  const lines = budgets.map(({ key, measure, per, limit, remaining, resets_at: end }) => {
    const unit = measure === "usd" ? "USD" : measure;
    return `  ${key ?? "all keys"}: ${number.format(remaining)} of ${
      number.format(limit)
    } ${unit} ` +
      `left this ${per}, until ${end.slice(0, 10)}\n`;
  });
  return `\nBudgets:\n${lines.join("")}`;
}
