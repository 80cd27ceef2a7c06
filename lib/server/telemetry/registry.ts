/** Adds up metrics for `/metrics`, and forwards them to OpenTelemetry if it is on. */
import type { Attributes } from "./meters.ts";
import { type Attribute, type MetricKey, METRICS, SPECS } from "./metric_table.ts";
import type { MetricRow, MetricValues } from "./metric_values.ts";
import { meters } from "./open_telemetry.ts";

/** Attributes of a value. Those that the metric does not have are ignored. */
export type MetricAttributes = { readonly [A in Attribute]?: string | undefined };

export interface Reading {
  value: number;
  attributes?: Attributes;
}

interface Series {
  row: MetricRow;
  add(value: number): void;
}

export function createRegistry() {
  const gauges = new Map<MetricKey, () => MetricRow[]>();
  const metrics = new Map(SPECS.map(([key, spec]) => {
    const forward = spec.type === "gauge" ? undefined : meters?.forwarder(spec);
    return [key, { spec, forward, rows: new Map<string, Series>() }];
  }));

  /** Returns the function that adds to a counter, or adds an observation to a histogram. */
  function series(key: MetricKey, given: MetricAttributes): (value: number) => void {
    const { spec: { attributes, buckets }, rows, forward } = metrics.get(key)!;
    let id = "";
    for (const name of attributes) id += `${given[name]}\0`;
    const existing = rows.get(id);
    if (existing !== undefined) return existing.add;
    const own = attributes.flatMap((name) =>
      given[name] === undefined ? [] : [[name, given[name]]]
    );
    const counts = buckets === undefined ? [] : Array(buckets.length + 1).fill(0);
    const row: MetricRow = { attributes: Object.fromEntries(own), value: 0, counts };
    const add = (value: number) => {
      row.value += value;
      if (buckets !== undefined) {
        const bucket = buckets.findIndex((bound) => value <= bound);
        row.counts[bucket < 0 ? buckets.length : bucket]!++;
      }
      forward?.(value, row.attributes);
    };
    rows.set(id, { row, add });
    return add;
  }

  return {
    series,
    record: (key: MetricKey, value: number, given: MetricAttributes) => series(key, given)(value),
    watch(key: MetricKey, read: () => readonly Reading[]): void {
      const rows = () =>
        read().map(({ value, attributes = {} }) => ({ attributes, value, counts: [] }));
      gauges.set(key, rows);
      meters?.watchGauge(METRICS[key], rows);
    },
    values: (): MetricValues =>
      new Map([...metrics].map(([key, { rows }]) => [
        key,
        gauges.get(key)?.() ?? structuredClone([...rows.values()].map(({ row }) => row)),
      ])),
  };
}
