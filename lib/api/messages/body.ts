/**
 * Bodies of Messages requests. Fields that are not named here are ignored.
 *
 * @see {@link https://docs.anthropic.com/en/api/messages}
 */
import { z } from "zod";
import { domains } from "../tools.ts";

const block = z.looseObject({ type: z.string() });

const content = z.union([z.string(), z.array(block)], {
  error: "a string or an array of content blocks",
});

const count = z.number().int().min(1);

const toolConfig = z.looseObject({ enabled: z.boolean().nullish() });

const mcpServer = z.looseObject({
  name: z.string().min(1).max(64),
  url: z.string().nullish(),
  tool_configuration: toolConfig.extend({ allowed_tools: z.array(z.string()).nullish() }).nullish(),
});

const tool = z.looseObject({
  type: z.string().nullish(),
  name: z.string().regex(/^[\w.:/-]{1,128}$/, "expected 1 to 128 letters, digits, '_' or '-'")
    .nullish(),
  description: z.string().nullish(),
  input_schema: z.looseObject({}).nullish(),
  strict: z.boolean().nullish(),
  defer_loading: z.boolean().nullish(),
  max_uses: count.nullish(),
  allowed_domains: domains,
  blocked_domains: domains,
  mcp_server_name: z.string().nullish(),
  default_config: toolConfig.nullish(),
  configs: z.record(z.string(), toolConfig).nullish(),
});

const format = z.looseObject({ type: z.literal("json_schema"), schema: z.looseObject({}) });

/** Body of `POST /messages/count_tokens`. */
export const promptBody = z.looseObject({
  model: z.string().nullish(),
  messages: z.array(
    z.looseObject({ role: z.enum(["user", "assistant", "system"]), content }),
  ).min(1),
  system: content.nullish(),
  tools: z.array(tool).nullish(),
  mcp_servers: z.array(mcpServer).max(20).nullish(),
  tool_choice: z.looseObject({
    type: z.enum(["auto", "any", "tool", "none"]),
    name: z.string().nullish(),
    disable_parallel_tool_use: z.boolean().nullish(),
  }).nullish(),
});

export const messagesBody = promptBody.extend({
  max_tokens: count,
  stream: z.boolean().nullish(),
  stop_sequences: z.array(z.string()).nullish(),
  // Anthropic's own limit is 1, but the upstream's may be higher.
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  thinking: z.looseObject({
    type: z.string(),
    budget_tokens: count.nullish(),
    display: z.string().nullish(),
  }).nullish(),
  output_config: z.looseObject({
    effort: z.enum(["low", "medium", "high", "xhigh", "max"]).nullish(),
    format: format.nullish(),
  }).nullish(),
  output_format: format.nullish(),
});

export type Tool = z.output<typeof tool>;

export type ContentBlock = z.output<typeof block>;

/** The part of a body that makes the prompt. */
export type PromptBody = z.output<typeof promptBody>;

export type MessagesBody = z.output<typeof messagesBody>;
