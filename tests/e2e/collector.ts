/**
 * Takes what OpenTelemetry exports, over HTTP as JSON.
 *
 * @module
 */

/** A span as it was exported. */
export interface CollectedSpan {
  /** The trace it belongs to. */
  traceId: string;
  /** Its id. */
  spanId: string;
  /** The id of the span it belongs to; empty for none. */
  parentSpanId: string;
  /** Its name. */
  name: string;
  /** 1 internal, 2 server, 3 client. */
  kind: number;
  /** Its attributes, by name. */
  attributes: Record<string, unknown>;
  /** Names of its events. */
  events: string[];
}

/** A running collector. */
export interface Collector extends AsyncDisposable {
  /** Variables that make a program export to it. */
  env: Record<string, string>;
  /** The spans so far. */
  spans: CollectedSpan[];
  /** Names of the metrics so far. */
  metrics: Set<string>;
  /** Resolves when gauges have come, which are read only while a program runs. */
  metricsCame: Promise<void>;
  /** All that came, as text. */
  text(): string;
}

// deno-lint-ignore no-explicit-any -- whatever came
type Json = any;

const value = (given: Json) =>
  given.arrayValue?.values?.map(value) ?? given.stringValue ?? given.intValue ??
    given.doubleValue ?? given.boolValue;

/** Starts a collector. */
export function startCollector(): Collector {
  const spans: CollectedSpan[] = [];
  const metrics = new Set<string>();
  const bodies: string[] = [];
  const came = Promise.withResolvers<void>();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const body = await request.text();
      bodies.push(body);
      const json = JSON.parse(body);
      const scopes = (json.resourceSpans ?? []).flatMap((each: Json) => each.scopeSpans);
      for (const span of scopes.flatMap((scope: Json) => scope.spans)) {
        spans.push({
          ...span,
          parentSpanId: span.parentSpanId ?? "",
          attributes: Object.fromEntries(
            (span.attributes ?? []).map((each: Json) => [each.key, value(each.value)]),
          ),
          events: (span.events ?? []).map((event: Json) => event.name),
        });
      }
      const meters = (json.resourceMetrics ?? []).flatMap((each: Json) => each.scopeMetrics);
      for (const metric of meters.flatMap((meter: Json) => meter.metrics)) metrics.add(metric.name);
      if (metrics.has("process.memory.usage")) came.resolve();
      return Response.json({});
    },
  );
  return {
    env: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_METRIC_EXPORT_INTERVAL: "20",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(server.addr as Deno.NetAddr).port}`,
    },
    spans,
    metrics,
    metricsCame: came.promise,
    text: () => bodies.join("\n"),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
