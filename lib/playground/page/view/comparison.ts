import { type Answer, contentOf, type Labelled } from "../chat/turns.ts";
import { formatNumber } from "../chat/figures.ts";
import { h } from "../dom/elements.ts";
import { translate } from "../language/translate.ts";
import { createPause, type Difference, differencesOf } from "./differences.ts";
import { cost, seconds, type Totals, totalsOf } from "./format.ts";
import { reasoningView } from "./reasoning.ts";
import { readRun, type Run } from "./run.ts";

/** Longer lines are divided, so that the browser lays out only what is in view. */
const MAX_LINE = 4_000;

/** Shows two answers side by side; the work on long ones ends when the signal is aborted. */
export function comparisonOf(left: Labelled, right: Labelled, signal: AbortSignal): HTMLElement {
  const columns = [left, right].map(({ label }, index) =>
    h("div.view-text", {
      tabindex: 0,
      role: "region",
      "aria-label": `${index === 0 ? "A" : "B"} · ${label}`,
    })
  );
  const state = h("p.view-quiet", { role: "status" }, translate("Comparing…"));
  showDifferences(left, right, columns, signal).then(
    (changes) =>
      state.textContent = changes === 0
        ? translate("The answers are the same.")
        : changes === 1
        ? translate("1 difference")
        : translate("{count} differences", { count: formatNumber(changes) }),
    () => {},
  );
  return h(
    "div.view",
    h("h3", translate("Statistics")),
    figuresOf(left, right),
    h("h3", translate("Answers")),
    state,
    h("div.view-pair", ...columns),
    h("h3", translate("Reasoning")),
    h("div.view-pair", ...[left, right].map(reasoningOf)),
  );
}

function reasoningOf({ label, answer }: Labelled, index: number): HTMLElement {
  const details = h("details.view-entry", h("summary", `${index === 0 ? "A" : "B"} · ${label}`));
  details.addEventListener("toggle", () => details.append(reasoningView(answer, true)), {
    once: true,
  });
  return details;
}

interface Side {
  answer: Answer;
  run: Run;
  totals: Totals;
}

function sideOf({ answer }: Labelled): Side {
  const run = readRun(answer);
  return { answer, run, totals: totalsOf(run) };
}

type Row = [name: string, valueOf: (side: Side) => number | undefined, (n: number) => string];

function figuresOf(left: Labelled, right: Labelled): HTMLElement {
  const sides = [sideOf(left), sideOf(right)];
  const rows: Row[] = [
    [translate("Calls"), ({ totals }) => totals.calls, formatNumber],
    [translate("Tool runs"), ({ totals }) => totals.tools, formatNumber],
    [translate("Prompt tokens"), ({ totals }) => totals.promptTokens, formatNumber],
    [translate("Generated tokens"), ({ totals }) => totals.completionTokens, formatNumber],
    [translate("Cost"), ({ totals }) => totals.cost, cost],
    [translate("First token"), ({ totals }) => totals.first, seconds],
    [translate("Time"), ({ answer }) => answer.seconds, seconds],
    [translate("Characters"), ({ answer }) => contentOf(answer).length, formatNumber],
    ...rolesOf(sides).map((role): Row => [
      translate("Tokens used by {role} calls", { role }),
      ({ run }) => tokensOf(run, role),
      formatNumber,
    ]),
  ];
  const shown = (value: number | undefined, show: (value: number) => string) =>
    value === undefined ? "–" : show(value);
  return h(
    "div.view-scroll",
    { tabindex: 0, role: "region", "aria-label": translate("Statistics") },
    h(
      "table.view-figures",
      h(
        "thead",
        h(
          "tr",
          h("td"),
          ...["A", "B", "B − A"].map((name) => h("th", { scope: "col" }, name)),
        ),
      ),
      h(
        "tbody",
        ...rows.map(([name, valueOf, show]) => {
          const [a, b] = sides.map(valueOf);
          const difference = a === undefined || b === undefined ? "–" : signed(b - a, show);
          return h(
            "tr",
            h("th", { scope: "row" }, name),
            ...[shown(a, show), shown(b, show), difference].map((text) => h("td", text)),
          );
        }),
      ),
    ),
  );
}

function signed(value: number, show: (value: number) => string): string {
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${show(Math.abs(value))}`;
}

function rolesOf(sides: readonly Side[]): string[] {
  return [...new Set(sides.flatMap(({ run }) => run.phases.map(({ role }) => role)))];
}

function tokensOf({ entries }: Run, role: string): number {
  return entries.reduce(
    (sum, entry) =>
      entry.type === "call" && entry.role === role
        ? sum + entry.prompt_tokens + entry.completion_tokens
        : sum,
    0,
  );
}

/** Shows the texts with what differs marked; resolves to the number of differences. */
async function showDifferences(
  left: Labelled,
  right: Labelled,
  columns: readonly HTMLElement[],
  signal: AbortSignal,
): Promise<number> {
  const differences = await differencesOf(contentOf(left.answer), contentOf(right.answer), signal);
  const pause = createPause(signal);
  for (const [index, only] of (["removed", "added"] as const).entries()) {
    for (const line of linesOf(differences, only)) {
      columns[index]!.append(line);
      await pause();
    }
  }
  return differences.filter(({ kind }, index) =>
    kind === "added" || kind === "removed" && differences[index + 1]?.kind !== "added"
  ).length;
}

function* linesOf(
  differences: readonly Difference[],
  only: "removed" | "added",
): Generator<HTMLElement> {
  const mark = only === "removed" ? "del" : "ins";
  let line = h("div.view-line");
  let length = 0;
  for (const { kind, text } of differences) {
    if (kind !== "same" && kind !== only) continue;
    for (const piece of text.match(/[^\n]{1,4000}\n?|\n/gu) ?? []) {
      if (length + piece.length > MAX_LINE) {
        yield line;
        line = h("div.view-line");
        length = 0;
      }
      line.append(kind === "same" ? piece : h(mark, piece));
      length += piece.length;
      if (!piece.endsWith("\n")) continue;
      yield line;
      line = h("div.view-line");
      length = 0;
    }
  }
  if (length > 0) yield line;
}
