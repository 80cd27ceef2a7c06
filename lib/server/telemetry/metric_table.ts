/**
 * Every metric: name, meaning and attributes.
 *
 * @see {@link https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/}
 * @module
 */

/** Their values come from fixed sets or from config.yaml, so that the number of series is limited. */
export type Attribute =
  | "client"
  | "error.type"
  | "gen_ai.operation.name"
  | "gen_ai.provider.name"
  | "gen_ai.request.model"
  | "gen_ai.token.type"
  | "gen_ai.tool.name"
  | "http.response.status_code"
  | "o1_api.dialect"
  | "o1_api.part"
  | "o1_api.strategy"
  | "version";

export interface MetricSpec {
  /** OpenTelemetry's name, with dots. */
  name: string;
  type: "counter" | "gauge" | "histogram";
  /** UCUM: `s`, `By`, or what is counted, in braces. */
  unit: string;
  /** One line without backslashes. */
  help: string;
  attributes: readonly Attribute[];
  /** Upper bounds of a histogram's buckets. */
  buckets?: readonly number[];
  /** How the values of several workers combine. Default: their sum. */
  acrossWorkers?: "max";
}

/** 10 ms to 11 minutes: the conventions' doubling buckets, continued for reasoning. */
const DURATION = Array.from({ length: 17 }, (_, i) => 0.01 * 2 ** i);

const FIRST_TOKEN = [
  ...[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  ...[20, 40, 80, 160, 320],
];

const PER_TOKEN = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];

const TOKENS = Array.from({ length: 14 }, (_, i) => 4 ** i);

const OVERHEAD = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

const RUN = ["gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model"] as const;

const CLIENT = ["client", "gen_ai.request.model"] as const;

/** Every metric, by its name in the code. */
export const METRICS = {
  requests: {
    name: "o1_api.requests",
    type: "counter",
    unit: "{request}",
    help: "Finished requests.",
    attributes: [
      "o1_api.dialect",
      "gen_ai.request.model",
      "o1_api.strategy",
      "http.response.status_code",
      "error.type",
    ],
  },
  duration: {
    name: "gen_ai.server.request.duration",
    type: "histogram",
    unit: "s",
    help: "Time from a request to the end of its response.",
    attributes: [...RUN, "o1_api.dialect", "o1_api.strategy", "error.type"],
    buckets: DURATION,
  },
  firstToken: {
    name: "gen_ai.server.time_to_first_token",
    type: "histogram",
    unit: "s",
    help: "Time from a request to the first reasoning and to the first answer text of a stream.",
    attributes: [...RUN, "o1_api.strategy", "o1_api.part"],
    buckets: FIRST_TOKEN,
  },
  perToken: {
    name: "gen_ai.server.time_per_output_token",
    type: "histogram",
    unit: "s",
    help: "Mean time between two tokens of a streamed answer.",
    attributes: [...RUN, "o1_api.strategy"],
    buckets: PER_TOKEN,
  },
  overhead: {
    name: "o1_api.overhead",
    type: "histogram",
    unit: "s",
    help:
      "Time of a request during which no upstream call was open: the cost of the server itself.",
    attributes: ["gen_ai.request.model", "o1_api.strategy"],
    buckets: OVERHEAD,
  },
  tokens: {
    name: "gen_ai.client.token.usage",
    type: "histogram",
    unit: "{token}",
    help:
      "Tokens of a request over all its upstream calls, including failed and cancelled requests; " +
      "input includes cached tokens, output includes reasoning tokens.",
    attributes: [...RUN, "o1_api.strategy", "gen_ai.token.type"],
    buckets: TOKENS,
  },
  cost: {
    name: "o1_api.cost.usd",
    type: "counter",
    unit: "{USD}",
    help: "Cost of upstream calls in USD, for upstreams with a price.",
    attributes: ["gen_ai.request.model", "o1_api.strategy"],
  },
  clientRequests: {
    name: "o1_api.client.requests",
    type: "counter",
    unit: "{request}",
    help: "Requests of a client that started a run.",
    attributes: CLIENT,
  },
  clientTokens: {
    name: "o1_api.client.tokens",
    type: "counter",
    unit: "{token}",
    help: "Tokens of a client over all upstream calls.",
    attributes: [...CLIENT, "gen_ai.token.type"],
  },
  clientCost: {
    name: "o1_api.client.cost.usd",
    type: "counter",
    unit: "{USD}",
    help: "Cost of a client's upstream calls in USD, for upstreams with a price.",
    attributes: CLIENT,
  },
  wasted: {
    name: "o1_api.tokens.wasted",
    type: "counter",
    unit: "{token}",
    help: "Output tokens of runs that failed or were cancelled.",
    attributes: ["gen_ai.request.model", "o1_api.strategy", "error.type"],
  },
  calls: {
    name: "gen_ai.client.operation.duration",
    type: "histogram",
    unit: "s",
    help: "Duration of an upstream request; `cancelled` if it was no longer needed.",
    attributes: [...RUN, "error.type"],
    buckets: DURATION,
  },
  toolRuns: {
    name: "o1_api.tool.duration",
    type: "histogram",
    unit: "s",
    help: "Duration of a run of a tool; `cancelled` if it was no longer needed.",
    attributes: ["gen_ai.tool.name", "error.type"],
    buckets: DURATION,
  },
  retries: {
    name: "o1_api.upstream.retries",
    type: "counter",
    unit: "{retry}",
    help: "Retries of a request to the same upstream.",
    attributes: ["gen_ai.provider.name", "error.type"],
  },
  fallbacks: {
    name: "o1_api.upstream.fallbacks",
    type: "counter",
    unit: "{fallback}",
    help: "Requests that went to another upstream instead of this one.",
    attributes: ["gen_ai.provider.name"],
  },
  cooling: {
    name: "o1_api.upstream.breaker.open",
    type: "gauge",
    unit: "{upstream}",
    help: "1 while an upstream is skipped because it failed too often, else 0.",
    attributes: ["gen_ai.provider.name"],
    acrossWorkers: "max",
  },
  activeRequests: {
    name: "o1_api.requests.active",
    type: "gauge",
    unit: "{request}",
    help: "Requests in progress.",
    attributes: [],
  },
  activeStreams: {
    name: "o1_api.streams.active",
    type: "gauge",
    unit: "{stream}",
    help: "Streams in progress.",
    attributes: [],
  },
  build: {
    name: "o1_api.build.info",
    type: "gauge",
    unit: "{info}",
    help: "Always 1; the label is the version that runs.",
    attributes: ["version"],
    acrossWorkers: "max",
  },
  memory: {
    name: "process.memory.usage",
    type: "gauge",
    unit: "By",
    help: "Physical memory of the process.",
    attributes: [],
    acrossWorkers: "max",
  },
  heap: {
    name: "v8js.memory.heap.used",
    type: "gauge",
    unit: "By",
    help: "Memory used by JavaScript objects.",
    attributes: [],
  },
} as const satisfies Record<string, MetricSpec>;

export type MetricKey = keyof typeof METRICS;

export const SPECS = Object.entries(METRICS) as [MetricKey, MetricSpec][];

/**
 * Returns a metric's name at `/metrics`, as OpenTelemetry collectors translate it.
 *
 * @see {@link https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/}
 */
export function prometheusName({ name, type, unit }: MetricSpec): string {
  const suffix = unit === "s" ? "_seconds" : unit === "By" ? "_bytes" : "";
  return `${name.replaceAll(".", "_")}${suffix}${type === "counter" ? "_total" : ""}`;
}

export function prometheusLabel(attribute: string): string {
  return attribute.replaceAll(".", "_");
}
