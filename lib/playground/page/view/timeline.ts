import { h } from "../dom/elements.ts";
import { translate } from "../language/translate.ts";
import { kindOf, nameOf, outcomeOf, seconds } from "./format.ts";
import type { Call, Mark, Run, ToolRun } from "./run.ts";

const TICKS = 4;

/** Shows when calls, runs of tools and steps began and ended, each in a row. */
export function timelineOf(run: Run, idOf: (entry: Call | ToolRun) => string): HTMLElement {
  const scale = run.seconds || 1;
  const place = (element: HTMLElement, start: number, end: number) => {
    element.style.setProperty("--from", `${(start / scale * 100).toFixed(2)}%`);
    element.style.setProperty("--width", `${((end - start) / scale * 100).toFixed(2)}%`);
    return element;
  };
  const row = (label: HTMLElement, time: string, ...bars: HTMLElement[]) =>
    h("li", label, h("span.view-bars", ...bars), h("span.view-time", time));

  function entryRow(entry: Call | ToolRun): HTMLElement {
    const { start, end } = entry;
    const began = entry.type === "call" ? entry.first ?? end : start;
    const isBad = entry.outcome !== "ok";
    const name = nameOf(entry);
    const label = h("a.view-label", { href: `#${idOf(entry)}`, title: name }, name);
    return row(
      label,
      [seconds(end - start), outcomeOf(entry)].filter((part) => part !== "").join(" · "),
      place(h("span.view-bar.view-wait"), start, began),
      place(
        h("span", { class: `view-bar view-${entry.type}${isBad ? " view-bad" : ""}` }),
        began,
        end,
      ),
    );
  }

  function markRow(mark: Mark): HTMLElement {
    const { kind, at, start, label } = mark;
    const title = [kindOf(mark), label].filter((part) => part !== "").join(" · ");
    return row(
      h("span.view-label", { title }, title),
      start === undefined ? translate("at {time}", { time: seconds(at) }) : seconds(at - start),
      start === undefined
        ? place(h("span.view-dot"), at, at)
        : place(h("span", { class: `view-bar view-${kind}` }), start, at),
    );
  }

  const rows = [
    ...run.entries.map((entry) => ({ start: entry.start, row: () => entryRow(entry) })),
    ...run.marks.map((mark) => ({ start: mark.start ?? mark.at, row: () => markRow(mark) })),
  ].sort((a, b) => a.start - b.start);
  const ticks = Array.from({ length: TICKS + 1 }, (_, index) => scale * index / TICKS);
  return h(
    "div.view-timeline",
    h(
      "p.view-key",
      { "aria-hidden": "true" },
      keyOf("wait", translate("waiting for the first token")),
      keyOf("call", translate("generating")),
      keyOf("tool", translate("running a tool")),
      keyOf("step", translate("step")),
    ),
    h(
      "div.view-axis",
      { "aria-hidden": "true" },
      ...ticks.map((tick) => place(h("span", seconds(tick)), tick, tick)),
    ),
    h("ol", ...rows.map(({ row }) => row())),
  );
}

function keyOf(kind: string, meaning: string): HTMLElement {
  return h("span", h("span", { class: `view-swatch view-${kind}` }), meaning);
}
