import { assert, assertEquals } from "@std/assert";
import { ERROR_TYPES } from "../../../lib/server/telemetry/error_type.ts";
import {
  METRICS,
  type MetricSpec,
  prometheusLabel,
  prometheusName,
} from "../../../lib/server/telemetry/metric_table.ts";

const ROOT = new URL("../../../", import.meta.url);
const PAGE = await Deno.readTextFile(new URL("docs/operations.md", ROOT));
const DASHBOARD = JSON.parse(
  await Deno.readTextFile(new URL("lib/server/telemetry/grafana.json", ROOT)),
);

/** The table of metrics in docs/operations.md. */
function metricsTable(): string {
  const specs: MetricSpec[] = Object.values(METRICS);
  return [
    "| Metric | Type | Labels | What it means |",
    "| --- | --- | --- | --- |",
    ...specs.map((spec) => {
      const labels = spec.attributes.map((name) => `\`${prometheusLabel(name)}\``).join(", ");
      return `| \`${prometheusName(spec)}\` | ${spec.type} | ${labels} | ${spec.help} |`;
    }),
  ].join("\n");
}

/** Samples by name, with their labels. */
const SAMPLES = new Map(
  Object.values(METRICS as Record<string, MetricSpec>).flatMap((spec) => {
    const labels = spec.attributes.map(prometheusLabel);
    const suffixes = spec.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
    return suffixes.map((suffix) => [prometheusName(spec) + suffix, labels] as const);
  }),
);

/** Checks that the metrics of an expression exist and have its labels. */
function checkExpression(text: string): string[] {
  const names = text.match(/\b(?:o1_api|gen_ai|process|v8js|http|error)_\w+/g) ?? [];
  const metrics = names.filter((name) => SAMPLES.has(name));
  assert(metrics.length > 0, `no metric in ${text}`);
  const labels = new Set(metrics.flatMap((name) => SAMPLES.get(name)!));
  for (const name of names) assert(SAMPLES.has(name) || labels.has(name), `${name} in ${text}`);
  return metrics;
}

// deno-lint-ignore no-explicit-any -- Grafana's format
const panels: any[] = DASHBOARD.panels.filter((panel: { type: string }) => panel.type !== "row");

Deno.test("every expression of the dashboard uses existing metrics and labels", () => {
  for (const { title, targets } of panels) {
    for (const { expr, legendFormat } of targets) {
      checkExpression(expr);
      for (const [, label] of String(legendFormat).matchAll(/\{\{(\w+)\}\}/g)) {
        assert(label === "instance" || expr.includes(label!), `${label} in the legend of ${title}`);
      }
    }
  }
  for (const { type, query } of DASHBOARD.templating.list) {
    if (type === "query") checkExpression(query.query);
  }
});

Deno.test("the dashboard shows every metric", () => {
  const shown = new Set(
    panels.flatMap(({ targets }) =>
      targets.flatMap(({ expr }: { expr: string }) => checkExpression(expr))
    ),
  );
  const missing = Object.values(METRICS as Record<string, MetricSpec>)
    .filter((spec) => ![...shown].some((name) => name.startsWith(prometheusName(spec))))
    .map(prometheusName);
  assertEquals(missing, []);
});

Deno.test("panels have distinct positions and ids", () => {
  const ids = DASHBOARD.panels.map(({ id }: { id: number }) => id);
  assertEquals(new Set(ids).size, ids.length);
  const cells = DASHBOARD.panels.flatMap((
    { gridPos: { x, y, w, h } }: { gridPos: Record<"x" | "y" | "w" | "h", number> },
  ) => {
    assert(x + w <= 24);
    return Array.from({ length: w * h }, (_, i) => `${x + i % w},${y + Math.floor(i / w)}`);
  });
  assertEquals(new Set(cells).size, cells.length);
});

Deno.test("the documented metrics, error types and queries are up to date", () => {
  const plain = (text: string) => text.replace(/ {2,}/g, " ").replace(/-{3,}/g, "---");
  assert(
    plain(PAGE).includes(plain(metricsTable())),
    `docs/operations.md is not current; its table of metrics should be:\n\n${metricsTable()}`,
  );
  for (const type of ERROR_TYPES) {
    assert(PAGE.includes(`\`${type}\``), `${type} in docs/operations.md`);
  }
  const [, queries = ""] = /```promql\n([^`]+)```/.exec(PAGE) ?? [];
  const lines = queries.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assert(lines.length >= 4);
  lines.forEach(checkExpression);
});
