/**
 * Passes what is measured on to OpenTelemetry.
 *
 * @module
 */
import { metrics } from "@opentelemetry/api";
import type { MetricSpec } from "./metric_table.ts";

/** What a value is told apart by, under OpenTelemetry's names. */
export type Attributes = Record<string, string>;

const meter = metrics.getMeter("o1-api");

/** Makes what takes the values of a counter or histogram. */
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

/** Has a gauge's values read whenever they are asked for. */
export function watchGauge(
  { name, unit, help }: MetricSpec,
  read: () => Iterable<readonly [number, Attributes]>,
): void {
  meter.createObservableGauge(name, { unit, description: help }).addCallback((result) => {
    for (const [value, attributes] of read()) result.observe(value, attributes);
  });
}
