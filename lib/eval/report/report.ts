/** The report: one HTML page that needs neither a network nor scripts. */
import type { Problem } from "../dataset.ts";
import type { Result } from "../results.ts";
import { escapeText, type Point, renderPlot } from "./plot.ts";
import { questionsTable } from "./questions.ts";
import type { Summary } from "./summary.ts";
import { dollars, seconds, tableCells, tableNotes } from "./table.ts";

export interface ReportOptions {
  summaries: readonly Summary[];
  /** The model that the others are compared with. */
  baseline: string;
  problems: readonly Problem[];
  results: readonly Result[];
  next: readonly string[];
  settings: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  date: number;
  /** Whether every question was asked. */
  isComplete: boolean;
}

const STYLE = `
:root { color-scheme: light dark; --text: #1b1f24; --soft: #59636e; --line: #d1d9e0; --back: #fff; --mark: #0b5cad; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --soft: #9aa7b4; --line: #39424d; --back: #12161b; --mark: #6cb6ff; }
}
body { margin: 0 auto; padding: 2rem 1.5rem; max-width: 86rem; color: var(--text); background: var(--back); font: 16px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; } h2 { margin: 2rem 0 0.5rem; font-size: 1.15rem; }
p, li { color: var(--soft); } .scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, td { padding: 0.35rem 0.75rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; } thead th { color: var(--soft); font-weight: 600; }
.questions td, .questions th { white-space: normal; text-align: left; vertical-align: top; min-width: 7rem; }
.questions tbody th { font-weight: 400; min-width: 20rem; }
pre { margin: 0.3rem 0; max-width: 40rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 0.85rem; }
.plots { display: flex; flex-wrap: wrap; gap: 2rem; } figure { margin: 0; flex: 1 1 26rem; max-width: 44rem; }
figcaption { font-weight: 600; } svg { width: 100%; height: auto; } svg text { fill: var(--soft); font-size: 13px; }
svg .label { fill: var(--text); } .grid { stroke: var(--line); } .bar { fill: none; stroke: var(--mark); stroke-width: 1.5; }
.point { fill: var(--mark); } dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1.5rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
`;

export function renderReport(options: ReportOptions): string {
  const { summaries, baseline, problems, results, next, settings, isComplete } = options;
  const models = summaries.map(({ model }) => model);
  const title = `o1-api eval: ${models.join(", ")}`;
  const date = new Date(options.date).toISOString().slice(0, 16).replace("T", " ");
  const [headings = [], ...rows] = tableCells(summaries);
  const settingsList = Object.entries(settings)
    .map(([name, value]) => element("dt", name) + element("dd", value));
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
${element("title", title)}
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Comparison of models</h1>
<p>${date} UTC${isComplete ? "" : ". The run was stopped before its end."}</p>
<h2>Results</h2>
<div class="scroll" role="region" aria-label="Results" tabindex="0">
<table>
<thead><tr>${headings.map((heading) => element("th", heading, "col")).join("")}</tr></thead>
<tbody>
${rows.map(rowOf).join("\n")}
</tbody>
</table>
</div>
<ul>${tableNotes(summaries, baseline).map((note) => element("li", note)).join("\n")}</ul>
<h2>What next</h2>
<ul>${next.map((step) => element("li", step)).join("\n")}</ul>
<h2>Accuracy against cost and time</h2>
<div class="plots">
${plotsOf(summaries)}
</div>
<h2>Questions</h2>
<div class="scroll" role="region" aria-label="Questions" tabindex="0">
${questionsTable(problems, models, results)}
</div>
<h2>Settings</h2>
<dl>
${settingsList.join("\n")}
</dl>
</main>
</body>
</html>
`;
}

function element(tag: string, text: string, scope?: string): string {
  return `<${tag}${scope === undefined ? "" : ` scope="${scope}"`}>${escapeText(text)}</${tag}>`;
}

function rowOf([first = "", ...rest]: readonly string[]): string {
  const cells = rest.map((cell) => element("td", cell)).join("");
  return `<tr>${element("th", first, "row")}${cells}</tr>`;
}

/** Plots accuracy against cost, or against tokens if a price is unknown, and against time. */
function plotsOf(summaries: readonly Summary[]): string {
  const shown = summaries.filter(({ accuracy }) => accuracy !== undefined);
  const isPriced = shown.every(({ cost }) => cost !== undefined);
  const cost = isPriced
    ? {
      title: "Accuracy against cost",
      xLabel: "USD per question",
      xText: dollars,
      points: pointsOf(shown, "cost"),
    }
    : {
      title: "Accuracy against generated tokens",
      xLabel: "generated tokens per question",
      xText: (tokens: number) => tokens.toLocaleString("en-US"),
      points: pointsOf(shown, "completion_tokens"),
    };
  const latency = {
    title: "Accuracy against time",
    xLabel: "median time to the last token",
    xText: seconds,
    points: pointsOf(shown, "latency_p50_ms"),
  };
  return [{ id: "cost", ...cost }, { id: "latency", ...latency }]
    .filter(({ points }) => points.length > 0)
    .map((plot) => `<figure>\n${element("figcaption", plot.title)}\n${renderPlot(plot)}\n</figure>`)
    .join("\n");
}

function pointsOf(
  summaries: readonly Summary[],
  key: "cost" | "completion_tokens" | "latency_p50_ms",
): Point[] {
  return summaries.flatMap(({ model, accuracy, interval, [key]: x }) =>
    accuracy === undefined || x === undefined ? [] : [{ label: model, x, y: accuracy, interval }]
  );
}
