/**
 * Every metric: its name, what it means, and what it is told apart by.
 *
 * @see {@link https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/}
 * @module
 */

/** The attributes that metrics have. Their values come from closed sets or from config.yaml. */
export type Attribute =
  | "error.type"
  | "gen_ai.operation.name"
  | "gen_ai.provider.name"
  | "gen_ai.request.model"
  | "gen_ai.token.type"
  | "http.response.status_code"
  | "o1_api.dialect"
  | "o1_api.part"
  | "o1_api.strategy";

/** One metric. */
export interface MetricSpec {
  /** OpenTelemetry's name, with dots. */
  name: string;
  /** A sum that only grows, a present value, or a distribution. */
  type: "counter" | "gauge" | "histogram";
  /** UCUM: `s`, `By`, or a word in braces that counts. */
  unit: string;
  /** What it means, in one line. */
  help: string;
  /** What it is told apart by. */
  attributes: readonly Attribute[];
  /** Upper bounds of a histogram's buckets. */
  buckets?: readonly number[];
  /** What stands for several workers; without it their sum. */
  across?: "most";
}

/** Doubling from 10 ms as the conventions have it, and on to 11 minutes, for reasoning. */
const DURATION = Array.from({ length: 17 }, (_, i) => 0.01 * 2 ** i);

const FIRST_TOKEN = [
  ...[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  ...[20, 40, 80, 160, 320],
];

const PER_TOKEN = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];

const TOKENS = Array.from({ length: 14 }, (_, i) => 4 ** i);

const OVERHEAD = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

const RUN = ["gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model"] as const;

/** Every metric, by the name that the code uses. */
export const METRICS = {
  requests: {
    name: "o1_api.requests",
    type: "counter",
    unit: "{request}",
    help: "Requests that are over.",
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
    help: "Time from a request to the end of its answer.",
    attributes: [...RUN, "o1_api.dialect", "o1_api.strategy", "error.type"],
    buckets: DURATION,
  },
  firstToken: {
    name: "gen_ai.server.time_to_first_token",
    type: "histogram",
    unit: "s",
    help: "Time from a request to a stream's first piece of reasoning, and to that of the answer.",
    attributes: [...RUN, "o1_api.strategy", "o1_api.part"],
    buckets: FIRST_TOKEN,
  },
  perToken: {
    name: "gen_ai.server.time_per_output_token",
    type: "histogram",
    unit: "s",
    help: "Time between two tokens of a stream's answer, its mean over the answer.",
    attributes: [...RUN, "o1_api.strategy"],
    buckets: PER_TOKEN,
  },
  overhead: {
    name: "o1_api.overhead",
    type: "histogram",
    unit: "s",
    help: "Time of a request in which no upstream call was open: what the server itself costs.",
    attributes: ["gen_ai.request.model", "o1_api.strategy"],
    buckets: OVERHEAD,
  },
  tokens: {
    name: "gen_ai.client.token.usage",
    type: "histogram",
    unit: "{token}",
    help: "Tokens of a request over all its upstream calls, whichever way it ended; " +
      "cached ones are among those of the input, reasoning ones among those of the output.",
    attributes: [...RUN, "o1_api.strategy", "gen_ai.token.type"],
    buckets: TOKENS,
  },
  cost: {
    name: "o1_api.cost.usd",
    type: "counter",
    unit: "{USD}",
    help: "What upstream calls cost, in USD, where prices are set.",
    attributes: ["gen_ai.request.model", "o1_api.strategy"],
  },
  wasted: {
    name: "o1_api.tokens.wasted",
    type: "counter",
    unit: "{token}",
    help: "Output tokens of runs that failed or were ended before they were whole.",
    attributes: ["gen_ai.request.model", "o1_api.strategy", "error.type"],
  },
  calls: {
    name: "gen_ai.client.operation.duration",
    type: "histogram",
    unit: "s",
    help: "Time of one exchange with an upstream; `cancelled` is one that was not needed any more.",
    attributes: [...RUN, "error.type"],
    buckets: DURATION,
  },
  retries: {
    name: "o1_api.upstream.retries",
    type: "counter",
    unit: "{retry}",
    help: "Times that the same upstream was asked again.",
    attributes: ["gen_ai.provider.name", "error.type"],
  },
  fallbacks: {
    name: "o1_api.upstream.fallbacks",
    type: "counter",
    unit: "{fallback}",
    help: "Times that another upstream was asked in this one's place.",
    attributes: ["gen_ai.provider.name"],
  },
  cooling: {
    name: "o1_api.upstream.breaker.open",
    type: "gauge",
    unit: "{upstream}",
    help: "1 while an upstream that failed too often is left to cool down, else 0.",
    attributes: ["gen_ai.provider.name"],
    across: "most",
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
  memory: {
    name: "process.memory.usage",
    type: "gauge",
    unit: "By",
    help: "Physical memory of the process.",
    attributes: [],
    across: "most",
  },
  heap: {
    name: "v8js.memory.heap.used",
    type: "gauge",
    unit: "By",
    help: "Memory of the program's own objects.",
    attributes: [],
  },
} as const satisfies Record<string, MetricSpec>;

/** The name that the code uses for a metric. */
export type MetricKey = keyof typeof METRICS;

/**
 * A metric's name at `/metrics`, as collectors write OpenTelemetry's.
 *
 * @see {@link https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/}
 */
export function prometheusName({ name, type, unit }: MetricSpec): string {
  const suffix = unit === "s" ? "_seconds" : unit === "By" ? "_bytes" : "";
  return `${name.replaceAll(".", "_")}${suffix}${type === "counter" ? "_total" : ""}`;
}

/** A label's name at `/metrics`. */
export function prometheusLabel(attribute: string): string {
  return attribute.replaceAll(".", "_");
}
