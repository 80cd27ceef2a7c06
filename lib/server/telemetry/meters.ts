import { metrics } from "@opentelemetry/api";
import type { MetricSpec } from "./metric_table.ts";

/** Attributes by OpenTelemetry's names. */
export type Attributes = Record<string, string>;

const meter = metrics.getMeter("o1-api");

/** Returns a function that records a value of a counter or histogram. */
export function forwarder(
  { name, type, unit, help, buckets }: MetricSpec,
): (value: number, attributes: Attributes) => void {
  const options = { unit, description: help };
  if (type === "counter") {
    const counter = meter.createCounter(name, options);
    return (value, attributes) => counter.add(value, attributes);
  }
  const histogram = meter.createHistogram(name, {
    ...options,
    advice: { explicitBucketBoundaries: [...buckets ?? []] },
  });
  return (value, attributes) => histogram.record(value, attributes);
}

/** Makes `read` the source of a gauge's values. */
export function watchGauge(
  { name, unit, help }: MetricSpec,
  read: () => Iterable<{ value: number; attributes: Attributes }>,
): void {
  meter.createObservableGauge(name, { unit, description: help }).addCallback((result) => {
    for (const { value, attributes } of read()) result.observe(value, attributes);
  });
}
