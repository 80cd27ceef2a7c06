/**
 * The values of all metrics at one moment: added up over several workers, and as text.
 *
 * @see {@link https://prometheus.io/docs/instrumenting/exposition_formats/} text format 0.0.4
 * @module
 */
import { type MetricKey, METRICS, type MetricSpec, prometheusName } from "./metric_table.ts";

/** One row of a metric. */
export interface MetricRow {
  /** What it is told apart by, as it is shown. */
  labels: string;
  /** Its value; of a histogram the sum of what was observed. */
  value: number;
  /** Of a histogram: how many fell into each bucket, the last one above all bounds. */
  counts: readonly number[];
}

/** The rows of every metric that has some; can be sent from one thread to another. */
export type MetricValues = ReadonlyMap<MetricKey, readonly MetricRow[]>;

const SPECS = Object.entries(METRICS) as [MetricKey, MetricSpec][];

/** Adds up what several have counted; present values as the table of metrics says. */
export function sumMetricValues(all: readonly MetricValues[]): MetricValues {
  return new Map(SPECS.map(([key, { across }]) => {
    const rows = new Map<string, MetricRow>();
    for (const row of all.flatMap((values) => values.get(key) ?? [])) {
      const { labels, value, counts } = row;
      const before = rows.get(labels);
      rows.set(
        labels,
        before === undefined ? row : {
          labels,
          value: across === "most" ? Math.max(before.value, value) : before.value + value,
          counts: counts.map((count, i) => count + before.counts[i]!),
        },
      );
    }
    return [key, [...rows.values()]];
  }));
}

/** What only grows: all but the present values. */
export function withoutGauges(values: MetricValues): MetricValues {
  return new Map([...values].filter(([key]) => METRICS[key].type !== "gauge"));
}

/** Everything in Prometheus' text format. */
export function formatMetrics(values: MetricValues): string {
  return SPECS.map(([key, spec]) => {
    const name = prometheusName(spec);
    const lines = (values.get(key) ?? []).flatMap((row) => linesOf(name, row, spec.buckets));
    const help = spec.help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
    return [`# HELP ${name} ${help}`, `# TYPE ${name} ${spec.type}`, ...lines, ""].join("\n");
  }).join("");
}

/** The answer to a scrape. */
export function scrapeResponse(values: MetricValues): Response {
  return new Response(formatMetrics(values), {
    headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
  });
}

function linesOf(name: string, { labels, value, counts }: MetricRow, bounds?: readonly number[]) {
  const line = (suffix: string, all: string, shown: number) =>
    `${name}${suffix}${all === "" ? "" : `{${all}}`} ${shown}`;
  if (bounds === undefined) return [line("", labels, value)];
  const before = labels === "" ? "" : `${labels},`;
  let count = 0;
  const buckets = counts.map((each, i) => {
    count += each;
    return line("_bucket", `${before}le="${bounds[i] ?? "+Inf"}"`, count);
  });
  return [...buckets, line("_sum", labels, value), line("_count", labels, count)];
}
