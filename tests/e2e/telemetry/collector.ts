/**
 * Receives exports of OpenTelemetry as JSON over HTTP.
 *
 * @module
 */
import { waitFor } from "../../support/wait.ts";

export interface CollectedSpan {
  traceId: string;
  spanId: string;
  /** Empty if the span has no parent. */
  parentSpanId: string;
  name: string;
  /** 1 internal, 2 server, 3 client. */
  kind: number;
  attributes: Record<string, unknown>;
  /** Names of its events. */
  events: string[];
}

export interface Collector extends AsyncDisposable {
  /** Environment of a program that exports to this collector. */
  env: Record<string, string>;
  spans: CollectedSpan[];
  /** Names of the received metrics. */
  metrics: Set<string>;
  /** Resolves when gauges have arrived, which are read only while a program runs. */
  readonly metricsReceived: Promise<void>;
  /** Everything received, as text. */
  text(): string;
}

// deno-lint-ignore no-explicit-any -- exports have no schema here
type Json = any;

const value = (given: Json) =>
  given.arrayValue?.values?.map(value) ?? given.stringValue ?? given.intValue ??
    given.doubleValue ?? given.boolValue;

export function startCollector(): Collector {
  const spans: CollectedSpan[] = [];
  const metrics = new Set<string>();
  const bodies: string[] = [];
  const received = Promise.withResolvers<void>();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const body = await request.text();
      bodies.push(body);
      const json = JSON.parse(body);
      const scopes = (json.resourceSpans ?? []).flatMap((resource: Json) => resource.scopeSpans);
      for (const span of scopes.flatMap((scope: Json) => scope.spans)) {
        spans.push({
          ...span,
          parentSpanId: span.parentSpanId ?? "",
          attributes: Object.fromEntries(
            (span.attributes ?? []).map((
              attribute: Json,
            ) => [attribute.key, value(attribute.value)]),
          ),
          events: (span.events ?? []).map((event: Json) => event.name),
        });
      }
      const meters = (json.resourceMetrics ?? []).flatMap((resource: Json) =>
        resource.scopeMetrics
      );
      for (const metric of meters.flatMap((meter: Json) => meter.metrics)) metrics.add(metric.name);
      if (metrics.has("process.memory.usage")) received.resolve();
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
    get metricsReceived() {
      return waitFor("the metrics", received.promise);
    },
    text: () => bodies.join("\n"),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
