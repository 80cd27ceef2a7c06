import { z } from "zod";
import { EFFORT_ROUTES } from "../../reasoning/effort.ts";
import type { StrategyFile } from "../../reasoning/files/load.ts";
import { strategies } from "../../reasoning/strategies/mod.ts";
import { parseRedisUrl } from "../../store/redis/address.ts";
import { parsePostgresUrl } from "../../store/postgres/address.ts";
import { toolKinds } from "../../tools/mod.ts";
import { keySchema, limitsSchema } from "./keys.ts";
import { formatSchema, modelSchema, strategyName } from "./models.ts";
import { count, milliseconds } from "./numbers.ts";
import { baseUrl, HOST_MESSAGE, HOST_REGEXP, origin, token } from "./text.ts";
import { upstreamOptions } from "./upstream.ts";

const port = z.number().int().min(0).max(65_535);

export const MAX_SHUTDOWN_DELAY_MS = 600_000;

const server = z.strictObject({
  host: z.string().regex(HOST_REGEXP, HOST_MESSAGE).default("0.0.0.0").describe(
    "Address to listen on. Always 127.0.0.1 until the server starts with a token of your own or with `keys`.",
  ),
  port: port.default(18_888).describe("Port to listen on. 0 picks a free port."),
  max_body_bytes: z.number().int().min(1).max(1_073_741_824).default(33_554_432).describe(
    "Maximum size of a request body, in bytes. A larger one gets 413. The default fits 20 images of 1 MB, or a million tokens of text.",
  ),
  body_timeout_ms: milliseconds.default(60_000).describe(
    "Time limit for receiving a request body, in milliseconds. A slower one gets 408.",
  ),
  max_concurrent_requests: count.default(1_000).describe(
    "Maximum number of concurrent requests of all clients. Further requests wait in a queue. If `keys` are set, one client gets at most 4/5 of them, and fewer if others need them.",
  ),
  max_queue: z.number().int().min(0).max(1_000_000).default(100).describe(
    "Maximum length of the queue. A request waits up to 10 seconds; a full queue gives 503. Clients share it as they share `max_concurrent_requests`.",
  ),
  commit_after_ms: milliseconds.default(1_000).describe(
    "Time after which a stream's headers are sent even if the upstream has sent nothing, in milliseconds.",
  ),
  heartbeat_ms: milliseconds.optional().meta({ default: 10_000 }).describe(
    "Longest pause in a stream before a comment is sent, in milliseconds. Default on Deno Deploy: 4000.",
  ),
  request_timeout_ms: milliseconds.default(570_000).describe(
    "Time limit for a JSON request, in milliseconds.",
  ),
  stream_timeout_ms: milliseconds.default(3_600_000).describe(
    "Time limit for a stream, in milliseconds.",
  ),
  max_retries: z.number().int().min(0).max(1_000_000).default(6).describe(
    "Retries over all upstream calls of one request.",
  ),
  max_samples: count.default(32).describe(
    "Maximum of the options of a request that set a number of samples, such as `wave` and `population`. Options in `models.<name>.options` may be larger.",
  ),
  show_prompts: z.boolean().default(false).describe(
    "Let holders of keys read the prompts and texts of all upstream calls of their own requests, with `reasoning.calls`. They include your system prompts. The holder of `api_bearer_token` always may.",
  ),
  shutdown_delay_ms: z.number().int().min(0).max(MAX_SHUTDOWN_DELAY_MS).optional().meta({
    default: 0,
  }).describe(
    "Time in milliseconds after SIGTERM in which the server still accepts requests, while `/readyz` is already 503, so that load balancers notice in time. Default: the environment variable O1_API_SHUTDOWN_DELAY_MS, which the container image sets to 5000, or 0. Always 0 on Deno Deploy.",
  ),
  shutdown_grace_ms: milliseconds.default(30_000).describe(
    "Time that running requests have to finish at shutdown, in milliseconds. At most 4000 on Deno Deploy.",
  ),
  max_background: count.default(100).describe(
    "Maximum number of background responses in progress. One more gets 429. Clients share them as they share `max_concurrent_requests`.",
  ),
  workers: z.union([z.literal("auto"), z.number().int().min(1).max(256)]).default(1).describe(
    "Number of event loops on the port, each in its own thread. `auto`: one per CPU core. More than 1 needs Linux and Deno's --unstable-net. Limits on requests, background responses and upstream calls are divided among them.",
  ),
  json_heartbeat: z.boolean().optional().meta({ default: false }).describe(
    "Send whitespace before a long JSON answer, so that proxies don't time out. Default on Deno Deploy: true.",
  ),
  strict_openai: z.boolean().default(false).describe(
    "Reject what OpenAI's o1 rejects, with OpenAI's messages. Most clients send such fields.",
  ),
  playground: z.boolean().default(true).describe(
    "Serve the playground to browsers at `/`. The page asks for the token.",
  ),
  cors_origins: z.array(origin).default(["*"]).describe(
    "Origins of web pages that may call the server. `*` allows any, an empty list none. Without a token of your own, only the playground can.",
  ),
});

const STORE_REGEXP =
  /^(auto|memory|sqlite(:.+)?|kv|(rediss?(\+(cluster|sentinel))?|postgres(ql)?):\/\/.+)$/;

const route = (effort: keyof typeof EFFORT_ROUTES) =>
  z.union([
    z.enum([...Object.keys(strategies).filter((name) => name !== "auto"), "vote_or_moa"]),
    z.string().min(1),
  ]).default(EFFORT_ROUTES[effort])
    .describe(`Strategy that \`auto\` runs at the effort \`${effort}\`.`);

const effortRoutes = z.strictObject({
  none: route("none"),
  minimal: route("minimal"),
  low: route("low"),
  medium: route("medium"),
  high: route("high"),
  xhigh: route("xhigh"),
  max: route("max"),
});

const pattern = z.string().min(1).refine(isRegExp, "expected a regular expression");

const routing = z.strictObject({
  effort: effortRoutes.prefault({}).describe("Strategy that `auto` runs, by effort."),
  pro: strategyName.default("verify").describe(
    'Strategy of Responses requests with `reasoning.mode: "pro"`, whatever the model.',
  ),
  direct_when: z.array(z.union([pattern, z.strictObject({ user: pattern, system: pattern })]))
    .default([
      // Open WebUI's questions about documents and web pages begin in the same way.
      "^### Task:(?!\\s{0,9}Respond to the user query)",
      "^Your task is to reflect the speaker's likely facial expression",
      "^hello$",
      // Open WebUI's choice of a tool, if it does not use native tool calls.
      { user: "^Query: ", system: "^Available Tools: " },
      "^Query: (?:History:|Query: )",
      '^History:\\n[A-Z]{1,20}: """',
      "^You are performing a CONTEXT CHECKPOINT COMPACTION",
    ]).describe(
      "Case-insensitive regular expressions. A request without an effort whose last user message matches one is passed through without reasoning. An entry with `user` and `system` must match the first message too. The defaults match the title, tag, tool-choice and connection-check requests of chat apps, and the summary that Codex asks for. They run on text of clients, so use none that repeats a group which repeats something itself, such as `(a+)+`.",
    ),
});

function isRegExp(text: string): boolean {
  try {
    new RegExp(text, "i");
    return true;
  } catch {
    return false;
  }
}

const thinking = z.strictObject({
  tools_characters: z.number().int().min(0).max(1_000_000).default(2_000).describe(
    "Maximum length of the list of the client's tools in each thinking call: names and short descriptions. Only calls that can use a tool get the whole definitions.",
  ),
});

const log = z.strictObject({
  level: z.enum(["debug", "info", "warn", "error"]).default("info").describe(
    "Minimum level of the lines that are logged.",
  ),
  format: z.enum(["auto", "text", "json"]).default("auto").describe(
    "`text` or `json` lines. `auto`: text on a terminal, JSON otherwise.",
  ),
});

const metrics = z.strictObject({
  enabled: z.boolean().default(true).describe("Collect metrics of requests."),
  port: port.default(0).describe(
    "0 serves `/metrics` on the server's own port, protected by `api_bearer_token`. Any other port serves it on the same host without a token. Always 0 on Deno Deploy.",
  ),
});

const traces = z.strictObject({
  contents: z.boolean().default(false).describe(
    "Add prompts and answers to the spans. Spans are only created if OTEL_DENO is true.",
  ),
});

const STRATEGY_NAME_MESSAGE =
  "a strategy's name has lower-case letters, digits, - and _, and begins with a letter";

const tools = z.strictObject(
  Object.fromEntries(
    Object.entries(toolKinds).map(([kind, { options }]) => [
      kind,
      options.optional().describe(`Settings of the tool \`${kind}\`.`),
    ]),
  ),
);

const name = z.string().min(1, "a name must not be empty");

export const configSchema = z.strictObject({
  api_bearer_token: token.optional().describe(
    "Token that clients send as `Authorization: Bearer`. The environment variable O1_API_TOKEN overrides it.",
  ),
  secret: z.string().default("").describe(
    "Secret that encrypts private thinking sent to clients. Use the same one on all servers that share clients. Empty: derived from `api_bearer_token`.",
  ),
  model_provider_api_key: token.optional().describe(
    "Sent to `default_api_url` as `Authorization: Bearer`. Empty: no key is sent.",
  ),
  default_api_url: baseUrl.optional().meta({ default: "demo:" }).describe(
    "Base URL of the provider, with or without /chat/completions. `demo:` is the built-in model.",
  ),
  default_model: z.string().min(1).optional().describe(
    "Name of the model at the provider. Required except for the built-in model.",
  ),
  stream_status_feedback: z.boolean().default(true).describe(
    "Show status lines such as the total thinking time. Step titles are always shown.",
  ),
  use_regex_processing: z.boolean().optional().describe(
    "`true` sets the format `markdown`, `false` sets `details_steps`. Default: the format `both`.",
  ),
  server: server.prefault({}).describe("The HTTP server."),
  upstreams: z.record(name, upstreamOptions).default({}).describe(
    "Providers of models, by names that you choose.",
  ),
  models: z.record(name, modelSchema.prefault({})).default({}).describe(
    "Models that clients see, by id. Default: `o1` and its variants, and the upstream model's own name.",
  ),
  formats: z.record(name, formatSchema).default({}).describe(
    "Your own formats, by names to use in `models.<name>.format`.",
  ),
  strategies: z.record(
    z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, STRATEGY_NAME_MESSAGE),
    z.string().min(1),
  ).default({}).describe(
    "Strategies from your own files, by names that you choose: the path of a .ts or .js file, relative to the config file. See [strategies of your own](custom-strategies.md).",
  ),
  store: z.string().regex(
    STORE_REGEXP,
    "expected auto, memory, sqlite, sqlite:PATH, kv, a redis:// URL or a postgres:// URL",
  ).superRefine((value, context) => {
    try {
      if (/^postgres(ql)?:\/\/./.test(value)) parsePostgresUrl(value);
      if (/^redis.*:\/\/./.test(value)) parseRedisUrl(value);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as TypeError).message });
    }
  }).default("auto").describe(
    "Where responses, conversations, usage and limits are stored: `auto`, `memory`, `sqlite`, `sqlite:PATH`, `kv`, `redis://…`, `redis+cluster://…`, `redis+sentinel://…` or `postgres://USER:PASSWORD@HOST/DATABASE`. `auto`: Deno KV on Deno Deploy, otherwise o1-api.db beside config.yaml. See [Redis](operations.md#redis) and [Postgres](operations.md#postgres).",
  ),
  store_ca_file: z.string().min(1).optional().describe(
    "Path of a file with certificates in PEM that a `rediss…` store, or Postgres with `sslmode=verify-full`, may use besides those of the public authorities, relative to the config file. It is read at the start.",
  ),
  store_wait_ms: z.number().int().min(0).max(86_400_000).default(60_000).describe(
    "How long a start waits for a store on another server that does not answer, in milliseconds. Meanwhile `/readyz` is 503, and requests that need the store get 503. Then the server exits. It exits at once if the store refuses its password.",
  ),
  store_ttl_days: z.number().min(0.001).max(3_650).default(30).describe(
    "How long responses and conversations are stored, in days.",
  ),
  keys: z.array(keySchema).default([]).describe(
    "Keys of further clients besides `api_bearer_token`. `o1-api keys new NAME` prints an entry.",
  ),
  limits: limitsSchema.prefault({}).describe("Limits of all clients together."),
  routing: routing.prefault({}).describe("Choice of the strategy for each request."),
  tools: tools.prefault({}).describe(
    "Settings of the tools that the server runs. A tool is off until `models.<name>.tools` lists it.",
  ),
  thinking: thinking.prefault({}).describe("Thinking of all strategies."),
  log: log.prefault({}).describe("Logging. Prompts, answers and keys are never logged."),
  metrics: metrics.prefault({}).describe("Metrics for Prometheus and OpenTelemetry."),
  traces: traces.prefault({}).describe("Traces for OpenTelemetry."),
});

type FileConfig = z.output<typeof configSchema>;

/** Settings of one model, with its prompts read from their files. */
export type ModelConfig = Omit<FileConfig["models"][string], "prompts"> & {
  prompts: Record<string, string>;
};

/** Validated settings, with all prompts, strategies and certificates read from their files. */
export type Config = Omit<FileConfig, "models" | "strategies"> & {
  models: Record<string, ModelConfig>;
  strategies: Record<string, StrategyFile>;
};
