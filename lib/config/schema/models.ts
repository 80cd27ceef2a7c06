/**
 * The settings of published models and of formats of one's own.
 *
 * @module
 */
import { z } from "zod";
import { FORMATS } from "../../api/formats/format.ts";
import { EFFORTS } from "../../reasoning/effort.ts";
import { modifierOptions } from "../../reasoning/modifiers.ts";
import { strategies } from "../../reasoning/strategies/mod.ts";
import { count } from "./numbers.ts";

const upstreamNames = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]);

const caps = z.strictObject({
  calls: count.default(64).describe("Upstream calls of one request."),
  tokens: count.default(200_000).describe(
    "Generated tokens of one request, over all its calls.",
  ),
  usd: z.number().gt(0).max(1_000_000).optional().describe(
    "Cost of one request in USD, where the upstream's prices are set; default: no limit.",
  ),
});

const role = z.strictObject({
  upstream: upstreamNames.optional().describe(
    "An upstream's name, or a list tried in order; default: as the model's.",
  ),
  model: z.string().min(1).describe("The model's name there."),
});

/**
 * Schema of one entry of `models`. Its `options` are checked by the strategy's own schema.
 *
 * @internal its type is for zod alone to say
 */
export const modelSchema = z.strictObject({
  strategy: z.enum(Object.keys(strategies)).default("direct").describe(
    `How it reasons: ${
      Object.entries(strategies).map(([name, { summary }]) =>
        `\`${name}\` (${summary.replace(/\.$/, "")})`
      ).join(", ")
    }.`,
  ),
  upstream: upstreamNames.optional().describe(
    "An upstream's name, or a list tried in order; default: `default_api_url`, or the one upstream there is.",
  ),
  model: z.string().min(1).optional().describe(
    "The upstream model's name; default: `default_model`.",
  ),
  effort: z.enum(EFFORTS).default("medium").describe(
    "How much it thinks where the request does not say.",
  ),
  format: z.string().min(1).optional().meta({ examples: [...FORMATS] })
    .describe(
      `Where the reasoning goes: ${
        FORMATS.map((name) => `\`${name}\``).join(", ")
      }, or a name in \`formats\`; default: \`both\`, or as \`use_regex_processing\` says.`,
    ),
  options: z.record(z.string(), z.unknown()).default({}).describe(
    "The strategy's own options.",
  ),
  modifiers: modifierOptions.prefault({}).describe(
    "How it asks, whatever its strategy.",
  ),
  caps: caps.prefault({}).describe("Limits of one request."),
  roles: z.record(z.string(), role).default({}).describe(
    "Another model for single roles of the strategy, e.g. `answer: { upstream: groq, model: … }`; of `auto`, for those of the strategies that it may run, by `judge` or, for one of them alone, `vote.judge`.",
  ),
  prompts: z.record(
    z.string(),
    z.union([
      z.string(),
      z.strictObject({
        file: z.string().min(1).describe(
          "Path of a text file, relative to the config file.",
        ),
      }),
    ]),
  ).default({}).describe(
    "Texts that replace the strategy's own prompts, by name; `{ file: PATH }` reads one, relative to the config file. Of `auto` as its roles: `sample`, or `vote.sample`.",
  ),
  system_prompt: z.string().optional().describe(
    "Put before the client's own messages.",
  ),
});

/** Whether `{content}` comes exactly once, so that it can be streamed in its place. */
const holdsContentOnce = (template: string) => template.split("{content}").length === 2;

const titleComesFirst = (template: string) =>
  template.lastIndexOf("{title}") < template.indexOf("{content}");

/**
 * Schema of one entry of `formats`.
 *
 * @internal its type is for zod alone to say
 */
export const formatSchema = z.strictObject({
  step: z.string()
    .refine(holdsContentOnce, "must hold {content}, once")
    .refine(
      (template) => !holdsContentOnce(template) || titleComesFirst(template),
      "{title} must come before {content}, as it does in a stream",
    )
    .describe(
      "A step: `{n}` its number, `{title}` and `{content}`, in this order; `{seconds}` its time, which a stream leaves out before the content.",
    ),
  answer: z.string().refine(holdsContentOnce, "must hold {content}, once")
    .describe(
      "The answer: `{content}`.",
    ),
  total: z.string()
    .refine((template) => template.includes("{seconds}"), "must hold {seconds}")
    .optional()
    .describe(
      "The last line, with the total thinking time `{seconds}`; shown where `stream_status_feedback` is on.",
    ),
});
