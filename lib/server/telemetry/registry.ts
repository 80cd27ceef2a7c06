/**
 * Keeps the metrics: for whoever asks at `/metrics`, and the same for OpenTelemetry.
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

/** What a value is told apart by; an attribute that is not given is not shown. */
export type MetricAttributes = { readonly [A in Attribute]?: string | undefined };

/** A present value. */
export interface Reading {
  /** The value. */
  value: number;
  /** What it is told apart by. */
  attributes?: MetricAttributes;
}

/** Takes values, and shows them. */
export interface Registry {
  /** Adds to a counter, or one observation to a histogram. The attributes must not change then. */
  record(metric: MetricKey, value: number, attributes: MetricAttributes): void;
  /** Says where a gauge's values are read when someone asks. */
  watch(metric: MetricKey, read: () => readonly Reading[]): void;
  /** All values as they are now. */
  values(): MetricValues;
}

interface Series extends MetricRow {
  value: number;
  counts: number[];
  attributes: Attributes;
}

/** The series by their attributes' values, one after the other. */
interface Branch {
  next: Map<string | undefined, Branch>;
  series: Series | undefined;
}

interface Metric {
  spec: MetricSpec;
  root: Branch;
  series: Series[];
  forward: ((value: number, attributes: Attributes) => void) | undefined;
}

/** One value to be counted. */
interface Observation {
  key: MetricKey;
  value: number;
  attributes: MetricAttributes;
}

/** How many values wait to be counted: within a small request, that takes a tenth of its time. */
const MAX_WAITING = 256;

/** Creates a registry of all metrics. */
export function createRegistry(): Registry {
  const gauges = new Map<MetricKey, () => readonly Reading[]>();
  const specs = Object.entries(METRICS) as [MetricKey, MetricSpec][];
  const metrics = new Map(
    specs.map(([key, spec]): [MetricKey, Metric] => [key, {
      spec,
      root: newBranch(),
      series: [],
      forward: spec.type === "gauge" ? undefined : meters?.forwarder(spec),
    }]),
  );

  let waiting: Observation[] = [];

  /** Counts what has been recorded. */
  function settle(): void {
    const observations = waiting;
    waiting = [];
    for (const each of observations) count(each);
  }

  function count({ key, value, attributes }: Observation): void {
    const { spec, root, series, forward } = metrics.get(key)!;
    let branch = root;
    for (const name of spec.attributes) {
      const attribute = attributes[name];
      let next = branch.next.get(attribute);
      if (next === undefined) branch.next.set(attribute, next = newBranch());
      branch = next;
    }
    if (branch.series === undefined) {
      const counts = spec.buckets === undefined ? [] : Array(spec.buckets.length + 1).fill(0);
      const own = given(spec, attributes);
      branch.series = { labels: labelsOf(own), attributes: own, value: 0, counts };
      series.push(branch.series);
    }
    const one = branch.series;
    one.value += value;
    if (spec.buckets !== undefined) {
      const bucket = spec.buckets.findIndex((bound) => value <= bound);
      one.counts[bucket < 0 ? spec.buckets.length : bucket]!++;
    }
    forward?.(value, one.attributes);
  }

  return {
    record(key, value, attributes) {
      waiting.push({ key, value, attributes });
      if (meters !== undefined || waiting.length >= MAX_WAITING) settle();
    },
    watch(key, read) {
      gauges.set(key, read);
      const spec = METRICS[key];
      meters?.watchGauge(
        spec,
        () => read().map(({ value, attributes = {} }) => [value, given(spec, attributes)] as const),
      );
    },
    values() {
      settle();
      return new Map([...metrics].map(([key, { spec, series }]) => {
        const read = gauges.get(key);
        const rows: MetricRow[] = read === undefined
          ? series.map(({ labels, value, counts }) => ({
            labels,
            value,
            counts: [...counts],
          }))
          : read().map(({ value, attributes = {} }) => ({
            labels: labelsOf(given(spec, attributes)),
            value,
            counts: [],
          }));
        return [key, rows];
      }));
    },
  };
}

function newBranch(): Branch {
  return { next: new Map(), series: undefined };
}

/** The attributes that a metric has, without those that have no value here. */
function given(spec: MetricSpec, attributes: MetricAttributes): Attributes {
  const out: Attributes = {};
  for (const name of spec.attributes) {
    const value = attributes[name];
    if (value !== undefined) out[name] = value;
  }
  return out;
}

function labelsOf(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${prometheusLabel(name)}="${escaped(String(value))}"`)
    .join(",");
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
