/**
 * Adds up metrics for `/metrics`, and forwards them to OpenTelemetry if it is on.
 *
 * @module
 */
import type { Attributes } from "./meters.ts";
import {
  type Attribute,
  type MetricKey,
  METRICS,
  type MetricSpec,
  prometheusLabel,
} from "./metric_table.ts";
import type { MetricRow, MetricValues } from "./metric_values.ts";
import { meters } from "./open_telemetry.ts";

/** Attributes of a value. Those that the metric does not have are ignored. */
export type MetricAttributes = { readonly [A in Attribute]?: string | undefined };

/** The present value of a gauge. */
export interface Reading {
  value: number;
  attributes?: MetricAttributes;
}

/** What was recorded for one combination of attributes. */
interface Series {
  labels: string;
  attributes: Attributes;
  value: number;
  counts: number[];
}

export function createRegistry() {
  const gauges = new Map<MetricKey, () => MetricRow[]>();
  const specs = Object.entries(METRICS) as [MetricKey, MetricSpec][];
  const metrics = new Map(specs.map(([key, spec]) => {
    const forward = spec.type === "gauge" ? undefined : meters?.forwarder(spec);
    return [key, { spec, forward, series: new Map<string, Series>() }];
  }));

  return {
    /** Adds to a counter, or adds an observation to a histogram. */
    record(key: MetricKey, value: number, given: MetricAttributes): void {
      const { spec, series, forward } = metrics.get(key)!;
      let id = "";
      for (const name of spec.attributes) id += `${given[name]}\0`;
      let row = series.get(id);
      if (row === undefined) {
        const attributes = attributesOf(spec, given);
        const counts = spec.buckets === undefined ? [] : Array(spec.buckets.length + 1).fill(0);
        series.set(id, row = { labels: labelsOf(attributes), attributes, value: 0, counts });
      }
      row.value += value;
      if (spec.buckets !== undefined) {
        const bucket = spec.buckets.findIndex((bound) => value <= bound);
        row.counts[bucket < 0 ? spec.buckets.length : bucket]!++;
      }
      forward?.(value, row.attributes);
    },
    /** Sets the function that reads a gauge. */
    watch(key: MetricKey, read: () => readonly Reading[]): void {
      const spec = METRICS[key];
      const readings = () =>
        read().map(({ value, attributes = {} }) => ({
          value,
          attributes: attributesOf(spec, attributes),
        }));
      gauges.set(key, () =>
        readings().map(({ value, attributes }) => ({
          labels: labelsOf(attributes),
          value,
          counts: [],
        })));
      meters?.watchGauge(spec, readings);
    },
    values: (): MetricValues =>
      new Map([...metrics].map(([key, { series }]) => [
        key,
        gauges.get(key)?.() ??
          [...series.values()].map(({ labels, value, counts }) => ({
            labels,
            value,
            counts: [...counts],
          })),
      ])),
  };
}

function attributesOf(spec: MetricSpec, given: MetricAttributes): Attributes {
  return Object.fromEntries(
    spec.attributes.flatMap((name) => given[name] === undefined ? [] : [[name, given[name]]]),
  );
}

function labelsOf(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${prometheusLabel(name)}="${escaped(value)}"`)
    .join(",");
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
