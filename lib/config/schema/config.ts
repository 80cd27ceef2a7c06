/**
 * The one schema of config.yaml: every key with its type, default, bounds and a sentence.
 *
 * @module
 */
import { z } from "zod";
import { EFFORT_ROUTES } from "../../reasoning/effort.ts";
import { strategies } from "../../reasoning/strategies/mod.ts";
import { keySchema, limitsSchema } from "./keys.ts";
import { formatSchema, modelSchema } from "./models.ts";
import { count, milliseconds } from "./numbers.ts";
import { HOST_REGEXP } from "./text_rules.ts";
import { upstreamOptions } from "./upstream.ts";

const server = z.strictObject({
  host: z.string().regex(
    HOST_REGEXP,
    "expected a host name or an IP address, without a port",
  )
    .default("0.0.0.0").describe(
      "Address to listen on; 127.0.0.1 whatever it says as long as no real token is set.",
    ),
  port: z.number().int().min(0).max(65_535).default(18_888).describe(
    "Port to listen on; 0: any free one.",
  ),
  max_body_bytes: z.number().int().min(1).max(1_073_741_824).default(33_554_432)
    .describe(
      "Longest request body, in bytes; a longer one gets 413.",
    ),
  body_timeout_ms: milliseconds.default(60_000).describe(
    "Time for a request's body to arrive, in milliseconds; a slower one gets 408.",
  ),
  max_concurrent_requests: count.default(1_000).describe(
    "Requests at a time, of all clients; others wait their turn.",
  ),
  max_queue: z.number().int().min(0).max(1_000_000).default(100).describe(
    "Requests that wait their turn, for 10 seconds at most; over it: 503.",
  ),
  commit_after_ms: milliseconds.default(1_000).describe(
    "Time after which a stream's headers are sent even if nothing came from the upstream, in milliseconds.",
  ),
  heartbeat_ms: milliseconds.optional().meta({ default: 10_000 }).describe(
    "Longest silence in a stream before a comment is sent, in milliseconds; 4000 by default on Deno Deploy.",
  ),
  request_timeout_ms: milliseconds.default(570_000).describe(
    "Time for a JSON request, in milliseconds.",
  ),
  stream_timeout_ms: milliseconds.default(3_600_000).describe(
    "Time for a stream, in milliseconds.",
  ),
  max_retries: z.number().int().min(0).max(1_000_000).default(6).describe(
    "Repeats over all upstream calls of one client request.",
  ),
  shutdown_grace_ms: milliseconds.default(30_000).describe(
    "Time for running requests to end at shutdown, in milliseconds; at most 4000 on Deno Deploy.",
  ),
  max_background: count.default(100).describe(
    "Responses that may be made in the background at once; one more gets 429.",
  ),
  workers: z.union([z.literal("auto"), z.number().int().min(1).max(256)], {
    error: "expected auto or a whole number from 1 to 256",
  }).default(1).describe(
    "Event loops on the one port, each in a thread; `auto`: one a core. More than 1 need Linux and Deno's --unstable-net. Each has its part of the bounds on requests, background responses and calls to an upstream.",
  ),
  json_heartbeat: z.boolean().optional().meta({ default: false }).describe(
    "Whether a long JSON answer is preceded by spaces, so that nobody on the way gives up; true by default on Deno Deploy.",
  ),
  strict_openai: z.boolean().default(false).describe(
    "Whether what OpenAI's o1 refuses is refused, in its words; most clients send such fields.",
  ),
  playground: z.boolean().default(true).describe(
    "Whether browsers get the playground at `/`; it asks for the token itself.",
  ),
  cors_origins: z.array(z.string().min(1)).default(["*"]).describe(
    "Origins whose pages may call; `*`: any; an empty list: none.",
  ),
});

const STORE_REGEXP = /^(auto|memory|sqlite(:.+)?|kv|rediss?:\/\/.+)$/;

const route = (effort: keyof typeof EFFORT_ROUTES) =>
  z.enum([...Object.keys(strategies).filter((name) => name !== "auto"), "vote_or_moa"])
    .default(EFFORT_ROUTES[effort])
    .describe(`What \`auto\` runs at the effort \`${effort}\`.`);

const effortRoutes = z.strictObject({
  none: route("none"),
  minimal: route("minimal"),
  low: route("low"),
  medium: route("medium"),
  high: route("high"),
  xhigh: route("xhigh"),
  max: route("max"),
});

const routing = z.strictObject({
  effort: effortRoutes.prefault({}).describe("What `auto` runs, by effort."),
  direct_when: z.array(
    z.string().min(1).refine(isPattern, "expected a regular expression"),
  ).default(["^### Task:", "^hello$"]).describe(
    "Patterns (case is ignored): a request whose last user message matches one is passed through without reasoning, such as chat pages' titles, tags and connection checks.",
  ),
});

function isPattern(text: string): boolean {
  try {
    new RegExp(text, "i");
    return true;
  } catch {
    return false;
  }
}

const log = z.strictObject({
  level: z.enum(["debug", "info", "warn", "error"]).default("info").describe(
    "Least important line that is written.",
  ),
  format: z.enum(["auto", "text", "json"]).default("auto").describe(
    "`text` or `json` lines; `auto`: text on a terminal, json otherwise.",
  ),
});

const metrics = z.strictObject({
  enabled: z.boolean().default(true).describe(
    "Whether requests are counted and measured.",
  ),
  port: z.number().int().min(0).max(65_535).default(0).describe(
    "0: `/metrics` is on the server's own port, behind `api_bearer_token`; any other: it is on that port of the same host, without a token. On Deno Deploy always 0.",
  ),
});

const traces = z.strictObject({
  contents: z.boolean().default(false).describe(
    "Whether spans hold what was asked and answered. Spans are made where OTEL_DENO is true.",
  ),
});

const name = z.string().min(1);

/**
 * Schema of the whole file. Times are milliseconds, sizes bytes, prices USD.
 *
 * @internal its type is for zod alone to say
 */
export const configSchema = z.strictObject({
  api_bearer_token: z.string().optional().describe(
    "Clients send it as `Authorization: Bearer`; the variable O1_API_TOKEN overrides it.",
  ),
  secret: z.string().default("").describe(
    "Seals the private thinking that clients carry; the same on all servers that share clients. Empty: made from `api_bearer_token`.",
  ),
  model_provider_api_key: z.string().optional().describe(
    "Sent to `default_api_url` as `Authorization: Bearer`; empty: none is sent.",
  ),
  default_api_url: z.string().min(1).optional().meta({ default: "demo:" })
    .describe(
      "The provider's base URL, with or without /chat/completions; `demo:` is the built-in model.",
    ),
  default_model: z.string().min(1).optional().describe(
    "The model's name at the provider; needed for any but the built-in model.",
  ),
  stream_status_feedback: z.boolean().default(true).describe(
    "Whether status lines such as the total thinking time are shown; step titles always are.",
  ),
  use_regex_processing: z.boolean().optional().describe(
    "true: the format `markdown`; false: `details_steps`; left out: `both`.",
  ),
  server: server.prefault({}).describe("The HTTP server."),
  upstreams: z.record(name, upstreamOptions).default({}).describe(
    "Providers of models, by names of one's own.",
  ),
  models: z.record(name, modelSchema.prefault({})).default({}).describe(
    "The models that clients see, by id; left out: `o1` and the upstream model's own name.",
  ),
  formats: z.record(name, formatSchema).default({}).describe(
    "Formats of one's own, by names that `models.<id>.format` can give.",
  ),
  store: z.string().regex(
    STORE_REGEXP,
    "expected auto, memory, sqlite, sqlite:PATH, kv or a redis:// URL",
  ).default("auto").describe(
    "Where responses and conversations are kept: `auto`, `memory`, `sqlite`, `sqlite:PATH`, `kv` or `redis://…`; `auto`: Deno KV on Deno Deploy, else o1-api.db beside config.yaml.",
  ),
  store_ttl_days: z.number().min(0.001).max(3_650).default(30).describe(
    "How long they are kept, in days.",
  ),
  keys: z.array(keySchema).default([]).describe(
    "More clients than the one `api_bearer_token`; `o1-api keys new NAME` makes an entry.",
  ),
  limits: limitsSchema.prefault({}).describe(
    "Limits of all clients together.",
  ),
  routing: routing.prefault({}).describe(
    "Which requests go which way.",
  ),
  log: log.prefault({}).describe(
    "What is logged; never a prompt, an answer or a key.",
  ),
  metrics: metrics.prefault({}).describe("Metrics, for Prometheus and OpenTelemetry."),
  traces: traces.prefault({}).describe("Traces, for OpenTelemetry."),
});

/**
 * The file's settings after validation, with prompts still where the file says.
 *
 * @internal
 */
export type FileConfig = z.output<typeof configSchema>;

/** One published model's settings, with its prompts read. */
export type ModelConfig = Omit<FileConfig["models"][string], "prompts"> & {
  /** Texts that replace the strategy's own prompts, by name. */
  prompts: Record<string, string>;
};

/** A whole configuration, validated and with its prompts read. */
export type Config = Omit<FileConfig, "models"> & {
  /** The models that clients see, by id. */
  models: Record<string, ModelConfig>;
};
