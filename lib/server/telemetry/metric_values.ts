/**
 * Snapshots of all metrics: summed over workers, and as text for Prometheus.
 *
 * @see {@link https://prometheus.io/docs/instrumenting/exposition_formats/} text format 0.0.4
 * @module
 */
import { type MetricKey, METRICS, type MetricSpec, prometheusName } from "./metric_table.ts";

/** The value of a metric for one combination of labels. */
export interface MetricRow {
  /** As in the text format, without braces. */
  labels: string;
  /** The sum of all observations for a histogram. */
  value: number;
  /** Observations in each bucket of a histogram; the last bucket has no upper bound. */
  counts: readonly number[];
}

/** The rows of every metric. Can be posted to another thread. */
export type MetricValues = ReadonlyMap<MetricKey, readonly MetricRow[]>;

const SPECS = Object.entries(METRICS) as [MetricKey, MetricSpec][];

/** Combines the values of several workers. */
export function sumMetricValues(all: readonly MetricValues[]): MetricValues {
  return new Map(SPECS.map(([key, { acrossWorkers }]) => {
    const rows = new Map<string, MetricRow>();
    for (const row of all.flatMap((values) => values.get(key) ?? [])) {
      const { labels, value, counts } = row;
      const other = rows.get(labels);
      rows.set(
        labels,
        other === undefined ? row : {
          labels,
          value: acrossWorkers === "max" ? Math.max(other.value, value) : other.value + value,
          counts: counts.map((count, i) => count + other.counts[i]!),
        },
      );
    }
    return [key, [...rows.values()]];
  }));
}

/** Returns what stays true of a worker that has ended: counters and histograms. */
export function withoutGauges(values: MetricValues): MetricValues {
  return new Map([...values].filter(([key]) => METRICS[key].type !== "gauge"));
}

/** Answers a scrape. */
export function scrapeResponse(values: MetricValues): Response {
  const text = SPECS.map(([key, spec]) => {
    const name = prometheusName(spec);
    const lines = (values.get(key) ?? []).flatMap((row) => linesOf(name, row, spec.buckets));
    return [`# HELP ${name} ${spec.help}`, `# TYPE ${name} ${spec.type}`, ...lines, ""].join("\n");
  }).join("");
  return new Response(text, {
    headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
  });
}

function linesOf(
  name: string,
  { labels, value, counts }: MetricRow,
  bounds: readonly number[] | undefined,
): string[] {
  const line = (suffix: string, labels: string, value: number) =>
    `${name}${suffix}${labels && `{${labels}}`} ${value}`;
  if (bounds === undefined) return [line("", labels, value)];
  let total = 0;
  const buckets = counts.map((count, i) => {
    total += count;
    return line("_bucket", `${labels && `${labels},`}le="${bounds[i] ?? "+Inf"}"`, total);
  });
  return [...buckets, line("_sum", labels, value), line("_count", labels, total)];
}
