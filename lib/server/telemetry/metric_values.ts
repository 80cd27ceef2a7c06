/**
 * Snapshots of all metrics: summed over workers, and as text for Prometheus.
 *
 * @see {@link https://prometheus.io/docs/instrumenting/exposition_formats/} text format 0.0.4
 */
import type { Attributes } from "./meters.ts";
import { type MetricKey, METRICS, prometheusLabel, prometheusName, SPECS } from "./metric_table.ts";

/** The value of a metric for one combination of attributes. */
export interface MetricRow {
  attributes: Attributes;
  /** The sum of all observations for a histogram. */
  value: number;
  /** Observations in each bucket of a histogram; the last bucket has no upper bound. */
  counts: number[];
}

/** The rows of every metric. Can be posted to another thread. */
export type MetricValues = ReadonlyMap<MetricKey, readonly MetricRow[]>;

export function sumMetricValues(all: readonly MetricValues[]): MetricValues {
  return new Map(SPECS.map(([key, { acrossWorkers }]) => {
    const sums = new Map<string, MetricRow>();
    for (const row of all.flatMap((values) => values.get(key) ?? [])) {
      const labels = labelsOf(row.attributes);
      const sum = sums.get(labels);
      if (sum === undefined) sums.set(labels, structuredClone(row));
      else {
        sum.value = acrossWorkers === "max"
          ? Math.max(sum.value, row.value)
          : sum.value + row.value;
        row.counts.forEach((count, i) => sum.counts[i]! += count);
      }
    }
    return [key, [...sums.values()]];
  }));
}

/** Returns what stays true of a worker that has ended: counters and histograms. */
export function withoutGauges(values: MetricValues): MetricValues {
  return new Map([...values].filter(([key]) => METRICS[key].type !== "gauge"));
}

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
  { attributes, value, counts }: MetricRow,
  bounds: readonly number[] | undefined,
): string[] {
  const line = (suffix: string, value: number, extra: Attributes = {}) => {
    const labels = labelsOf({ ...attributes, ...extra });
    return `${name}${suffix}${labels && `{${labels}}`} ${value}`;
  };
  if (bounds === undefined) return [line("", value)];
  let total = 0;
  const buckets = counts.map((count, i) => {
    total += count;
    return line("_bucket", total, { le: String(bounds[i] ?? "+Inf") });
  });
  return [...buckets, line("_sum", value), line("_count", total)];
}

function labelsOf(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${prometheusLabel(name)}="${escaped(value)}"`)
    .join(",");
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
