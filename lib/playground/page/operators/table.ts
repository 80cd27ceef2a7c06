import { formatNumber } from "../chat/figures.ts";
import { h } from "../dom/elements.ts";
import { translate } from "../language/translate.ts";

export interface Column<Row> {
  title: string;
  /** Returns the value that the rows are sorted by. */
  value: (row: Row) => string | number | undefined;
  /** Returns the text of a cell. Default: the value. */
  show?: (row: Row) => string;
}

/** More rows would make the page slow. */
const MAX_ROWS = 1_000;

/** Creates a column of numbers; an unknown number is shown as 0. */
export function numbers<Row>(
  title: string,
  value: (row: Row) => number | undefined,
  show: (value: number, row: Row) => string = formatNumber,
): Column<Row> {
  return { title, value, show: (row) => show(value(row) ?? 0, row) };
}

/** A column of times, given in ISO 8601. */
export function times<Row>(title: string, value: (row: Row) => string): Column<Row> {
  const { lang } = document.documentElement;
  return { title, value, show: (row) => new Date(value(row)).toLocaleString(lang) };
}

/** A table that the reader sorts by pressing the head of a column. */
export function sortedTable<Row>(
  caption: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): HTMLElement {
  const isNumber = columns.map(({ value }) => rows.some((row) => typeof value(row) === "number"));
  const heads = columns.map(({ title }, place) =>
    h(
      "th",
      { scope: "col", class: isNumber[place] && "number" },
      h("button.quiet", { type: "button", onclick: () => sortBy(place) }, title),
    )
  );
  const body = h("tbody");
  let sorted = { place: -1, sign: 1 };

  function sortBy(place: number): void {
    // Numbers begin with the largest.
    const first = isNumber[place] ? -1 : 1;
    sorted = { place, sign: sorted.place === place ? -sorted.sign : first };
    for (const [other, head] of heads.entries()) {
      if (other !== place) head.removeAttribute("aria-sort");
      else head.setAttribute("aria-sort", sorted.sign > 0 ? "ascending" : "descending");
    }
    fill();
  }

  function fill(): void {
    const { value } = columns[sorted.place] ?? { value: () => 0 };
    const ordered = [...rows].sort((a, b) => sorted.sign * compare(value(a), value(b)));
    body.replaceChildren(
      ...ordered.slice(0, MAX_ROWS).map((row) =>
        h(
          "tr",
          ...columns.map(({ value, show }, place) => {
            const cell = value(row);
            const text = cell === undefined ? "" : show?.(row) ?? String(cell);
            return h("td", { class: isNumber[place] && "number" }, text);
          }),
        )
      ),
    );
  }

  fill();
  return h(
    "div.scroll",
    { tabindex: 0, role: "group", "aria-label": caption },
    h("table", h("caption", caption), h("thead", h("tr", ...heads)), body),
    rows.length > MAX_ROWS
      ? h("p.note", translate("Only {count} rows are shown.", { count: MAX_ROWS }))
      : null,
  );
}

function compare(a: string | number | undefined, b: string | number | undefined): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}
