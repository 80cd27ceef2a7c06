/**
 * What keys have used, what is left of their budgets and, for operators, the upstreams' state.
 *
 * @module
 */
import { ApiFault, readJson } from "../api/requests.ts";
import { formatDollars, formatNumber } from "../chat/figures.ts";
import { h, openDialog, quietButton } from "../dom/elements.ts";
import { download } from "../history/export.ts";
import { translate } from "../language/translate.ts";
import { type Column, numbers, sortedTable, times } from "./table.ts";
import { type Upstream, upstreamsOf } from "./upstreams.ts";

interface UsageRow {
  day: string;
  key: string;
  model: string;
  requests: number;
  input_tokens: number;
  cached_tokens: number;
  output_tokens: number;
  cost?: number;
}

interface Budget {
  /** Null: all clients together. */
  key: string | null;
  measure: "usd" | "tokens";
  per: "day" | "month";
  limit: number;
  remaining: number;
  resets_at: string;
}

const DAY_MS = 86_400_000;

/** Columns of the CSV file. */
const FIELDS = "day key model requests input_tokens cached_tokens output_tokens cost"
  .split(" ") as (keyof UsageRow)[];

type Name = "day" | "key" | "model";

/** Opens the dialog, which asks the server again when the reader changes the period. */
export function showUsage(key: string): void {
  const today = Date.now();
  const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10);
  const from = h("input", { type: "date", id: "usage-from", required: true });
  const to = h("input", { type: "date", id: "usage-to", required: true });
  from.value = dayOf(today - 29 * DAY_MS);
  to.value = dayOf(today);
  const by = h(
    "select",
    { id: "usage-by" },
    h("option", { value: "key model" }, translate("key and model")),
    h("option", { value: "key" }, translate("key")),
    h("option", { value: "model" }, translate("model")),
    h("option", { value: "day" }, translate("day")),
  );
  const fault = h("p.alert", { role: "alert" });
  const tables = h("div.tables", { "aria-live": "polite" });
  const save = h("button", { type: "button", onclick: saveCsv }, translate("Save as CSV"));
  let rows: UsageRow[] = [];
  let budgets: Budget[] = [];
  let upstreams: HTMLElement[] = [];
  let asked = 0;

  async function load(): Promise<void> {
    const number = ++asked;
    fault.textContent = "";
    tables.ariaBusy = "true";
    try {
      const query = new URLSearchParams({ start_date: from.value, end_date: to.value });
      const [usage, health] = await Promise.all([
        readJson<{ data: UsageRow[]; budgets: Budget[] }>(key, `/usage?${query}`),
        readJson<{ data: Upstream[] }>(key, "/upstreams").catch((error) => {
          // Only the operator may see them.
          if (error instanceof ApiFault && error.status === 403) return undefined;
          throw error;
        }),
      ]);
      if (number !== asked) return;
      rows = usage.data;
      budgets = usage.budgets;
      upstreams = health === undefined ? [] : upstreamsOf(health.data);
      show();
    } catch (error) {
      if (number !== asked) return;
      fault.textContent = error instanceof Error ? error.message : String(error);
    } finally {
      if (number === asked) tables.ariaBusy = null;
    }
  }

  function show(): void {
    save.disabled = rows.length === 0;
    tables.replaceChildren(
      rows.length === 0
        ? h("p.note", translate("No usage in this period."))
        : usageTable(rows, by.value.split(" ") as Name[]),
      ...budgets.length === 0 ? [] : [budgetTable(budgets)],
      ...upstreams,
    );
  }

  function saveCsv(): void {
    const lines = rows.map((row) => FIELDS.map((field) => csvCell(row[field])).join(","));
    const name = `usage-${from.value}-${to.value}.csv`;
    download(name, "text/csv", [FIELDS.join(","), ...lines].join("\r\n") + "\r\n");
  }

  for (const field of [from, to]) field.addEventListener("change", () => void load());
  by.addEventListener("change", show);
  openDialog(
    "dialog usage",
    translate("Usage"),
    h(
      "div.period",
      h("span", h("label", { for: "usage-from" }, translate("From")), from),
      h("span", h("label", { for: "usage-to" }, translate("To")), to),
      h("span", h("label", { for: "usage-by" }, translate("Group by")), by),
      quietButton(translate("Refresh"), () => void load()),
      save,
    ),
    fault,
    tables,
  );
  void load();
}

/** Adds up the rows with the same names. */
function usageTable(rows: readonly UsageRow[], names: readonly Name[]): HTMLElement {
  const sums = new Map<string, UsageRow>();
  for (const row of rows) {
    const group = names.map((name) => row[name]).join("\0");
    const sum = sums.get(group);
    if (sum === undefined) {
      sums.set(group, { ...row });
      continue;
    }
    for (const field of ["requests", "input_tokens", "cached_tokens", "output_tokens"] as const) {
      sum[field] += row[field];
    }
    if (row.cost !== undefined) sum.cost = (sum.cost ?? 0) + row.cost;
  }
  const titles: Record<Name, string> = {
    day: translate("Day (UTC)"),
    key: translate("Key"),
    model: translate("Model"),
  };
  const columns: Column<UsageRow>[] = [
    ...names.map((name) => ({ title: titles[name], value: (row: UsageRow) => row[name] })),
    numbers(translate("Requests"), (row) => row.requests),
    numbers(translate("Input tokens"), (row) => row.input_tokens),
    numbers(translate("Cached input tokens"), (row) => row.cached_tokens),
    numbers(translate("Output tokens"), (row) => row.output_tokens),
  ];
  if (rows.some(({ cost }) => cost !== undefined)) {
    columns.push(numbers(translate("Cost"), (row) => row.cost, formatDollars));
  }
  return sortedTable(translate("Usage"), columns, [...sums.values()]);
}

function budgetTable(budgets: readonly Budget[]): HTMLElement {
  const amount = (value: number, { measure }: Budget) =>
    measure === "usd"
      ? formatDollars(value)
      : translate("{tokens} tokens", { tokens: formatNumber(value) });
  return sortedTable<Budget>(translate("Budgets"), [
    { title: translate("Key"), value: ({ key }) => key ?? translate("all clients") },
    {
      title: translate("Period"),
      value: ({ per }) => per === "day" ? translate("day") : translate("month"),
    },
    numbers(translate("Limit"), ({ limit }) => limit, amount),
    numbers(translate("Remaining"), ({ remaining }) => remaining, amount),
    times(translate("Resets"), ({ resets_at }) => resets_at),
  ], budgets);
}

/** Spreadsheets run a text that begins like a formula. */
function csvCell(value: string | number | undefined): string {
  if (typeof value !== "string") return String(value ?? "");
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
