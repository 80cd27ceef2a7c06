import { z } from "zod";
import { FORMATS } from "../../api/formats/format.ts";
import { EFFORTS } from "../../reasoning/effort.ts";
import { modifierOptions } from "../../reasoning/modifiers.ts";
import { DEFAULT_TOKEN_CAP } from "../../reasoning/request.ts";
import { strategies } from "../../reasoning/strategies/mod.ts";
import { toolKinds } from "../../tools/mod.ts";
import { count } from "./numbers.ts";

const upstreamNames = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]);

const caps = z.strictObject({
  calls: count.default(64).describe("Upstream calls of one request."),
  tokens: count.default(DEFAULT_TOKEN_CAP).describe(
    "Generated tokens of one request over all its calls. A lower number than the default is also sent with every call.",
  ),
  usd: z.number().gt(0).max(1_000_000).optional().describe(
    "Cost of one request in USD. Needs `upstreams.<name>.price`. Default: no limit.",
  ),
});

/** Fields of a body that the server sets itself. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  "max_completion_tokens",
  "max_tokens",
  "messages",
  "model",
  "response_format",
  "stream",
  "stream_options",
  "tool_choice",
  "tools",
]);

const modalities = z.array(z.enum(["text", "image", "audio", "video", "file"])).min(1);

const role = z.strictObject({
  upstream: upstreamNames.optional().describe(
    "Name of an upstream, or a list to try in order. Default: the model's `upstream`.",
  ),
  model: z.string().min(1).describe("Name of the model at the upstream."),
});

const STRATEGY_SUMMARIES = Object.entries(strategies)
  .map(([name, { summary }]) => `\`${name}\` (${summary.replace(/\.$/, "")})`).join(", ");

const FORMAT_NAMES = FORMATS.map((name) => `\`${name}\``).join(", ");

/** Name of a strategy, built-in or of a file. The references schema checks that it exists. */
export const strategyName = z.union([z.enum(Object.keys(strategies)), z.string().min(1)]);

/** One entry of `models`. The references schema checks `options`. */
export const modelSchema = z.strictObject({
  strategy: strategyName.default("direct").describe(
    `How the model reasons: ${STRATEGY_SUMMARIES}, or a name in \`strategies\`.`,
  ),
  upstream: upstreamNames.optional().describe(
    "Name of an upstream, or a list to try in order. Default: the upstream at `default_api_url`, or the only one.",
  ),
  model: z.string().min(1).optional().describe(
    "Name of the model at the upstream. Default: `default_model`.",
  ),
  effort: z.enum(EFFORTS).default("medium").describe(
    "Reasoning effort of requests that don't set one.",
  ),
  format: z.string().min(1).optional().meta({ examples: [...FORMATS] }).describe(
    `Where the reasoning goes: ${FORMAT_NAMES}, or a name in \`formats\`. Default: \`both\`, or set by \`use_regex_processing\`.`,
  ),
  options: z.record(z.string(), z.unknown()).default({}).describe("Options of the strategy."),
  modifiers: modifierOptions.prefault({}).describe(
    "Changes to the prompts that work with every strategy.",
  ),
  caps: caps.prefault({}).describe("Limits of one request."),
  roles: z.record(z.string(), role).default({}).describe(
    "Other models for roles of the strategy, such as `answer: { upstream: groq, model: … }`. With `auto`, `judge` applies to every strategy that it may run, `vote.judge` to one of them.",
  ),
  prompts: z.record(
    z.string(),
    z.union([
      z.string(),
      z.strictObject({
        file: z.string().min(1).describe("Path of a text file, relative to the config file."),
      }),
    ]),
  ).default({}).describe(
    "Replacements for prompts of the strategy, by name. `{ file: PATH }` reads a file, relative to the config file. With `auto`, names work as in `roles`: `sample`, or `vote.sample`.",
  ),
  body: z.record(z.string(), z.unknown()).refine(
    (body) => !Object.keys(body).some((field) => OWN_FIELDS.has(field)),
    `must not contain ${[...OWN_FIELDS].join(", ")}`,
  ).default({}).describe(
    "Further fields of the body of every upstream call, such as `{ top_k: 20 }`. They replace a client's.",
  ),
  context_length: count.optional().describe(
    "Size of the model's context in tokens, which `/v1/models` reports, and for which strategies plan. Default for them: learned from the upstream's list of models and its rejections.",
  ),
  input_modalities: modalities.optional().describe(
    "What the model reads, which `/v1/models` reports, for example `[text, image]`.",
  ),
  output_modalities: modalities.optional().describe(
    "What the model writes, which `/v1/models` reports.",
  ),
  tools: z.array(z.enum(Object.keys(toolKinds))).default([]).describe(
    "Tools that the server runs while the model thinks and answers, such as `[code]`. Their settings are in `tools`.",
  ),
  max_tool_calls: count.default(8).describe(
    "Maximum number of runs of these tools for each upstream call of the strategy.",
  ),
  system_prompt: z.string().optional().describe("Added before the client's own messages."),
});

/** `{content}` must occur exactly once, as a stream can't repeat it. */
const hasContentOnce = (template: string) => template.split("{content}").length === 2;

const hasTitleFirst = (template: string) =>
  template.lastIndexOf("{title}") < template.indexOf("{content}");

/** One entry of `formats`. */
export const formatSchema = z.strictObject({
  step: z.string()
    .refine(hasContentOnce, "must contain {content} exactly once")
    .refine(
      (template) => !hasContentOnce(template) || hasTitleFirst(template),
      "{title} must come before {content}, as it does in a stream",
    )
    .describe(
      "A step: `{n}` is its number, followed by `{title}` and `{content}`. `{seconds}` is its duration, which a stream leaves empty before the content.",
    ),
  answer: z.string().refine(hasContentOnce, "must contain {content} exactly once")
    .describe("The answer: `{content}`."),
  total: z.string()
    .refine((template) => template.includes("{seconds}"), "must contain {seconds}")
    .optional()
    .describe(
      "The last line, with the total thinking time in `{seconds}`. Shown if `stream_status_feedback` is on.",
    ),
});
