import type { Answer } from "../chat/turns.ts";
import { formatNumber } from "../chat/figures.ts";
import { h } from "../dom/elements.ts";
import { translate } from "../language/translate.ts";
import { cost, seconds, totalsOf } from "./format.ts";
import { type Call, readRun, type ToolRun } from "./run.ts";
import { timelineOf } from "./timeline.ts";
import { treeOf } from "./tree.ts";

let views = 0;

export const hasRecords = (answer: Answer) => readRun(answer).entries.length > 0;

/**
 * Shows how an answer came about: a timeline and a tree of its calls.
 *
 * @param isLazy whether texts are added when they are opened; a page without scripts needs all.
 */
export function reasoningView(answer: Answer, isLazy: boolean): HTMLElement {
  const run = readRun(answer);
  const view = ++views;
  const idOf = (entry: Call | ToolRun) => `view-${view}-${run.entries.indexOf(entry)}`;
  if (run.entries.length === 0) {
    const text = translate("The server sent no call records for this answer.");
    return h("div.view", h("p.view-quiet", text));
  }
  const totals = totalsOf(run);
  const facts: [string, string][] = [
    [translate("Calls"), formatNumber(totals.calls)],
    [translate("Tool runs"), formatNumber(totals.tools)],
    [translate("Prompt tokens"), formatNumber(totals.promptTokens)],
    [translate("Generated tokens"), formatNumber(totals.completionTokens)],
    [translate("Cost"), cost(totals.cost)],
    [translate("Time"), seconds(run.seconds)],
  ];
  const tree = treeOf(run, { idOf, isLazy });
  const timeline = timelineOf(run, idOf);
  timeline.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const details = link && tree.querySelector(link.getAttribute("href") ?? "");
    if (!(details instanceof HTMLDetailsElement)) return;
    event.preventDefault();
    details.open = true;
    details.scrollIntoView({ block: "nearest" });
    details.querySelector("summary")?.focus();
  });
  return h(
    "div.view",
    h("dl.view-totals", ...facts.map(([name, value]) => h("div", h("dt", name), h("dd", value)))),
    h("h3", translate("Timeline")),
    timeline,
    h("h3", translate("Tree")),
    tree,
    run.omitted === 0
      ? null
      : h("p.view-quiet", translate("{count} more are not shown.", { count: run.omitted })),
  );
}
