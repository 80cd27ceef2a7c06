import { isSystemMessage, type Target } from "../target.ts";
import {
  type Capabilities,
  defaultCapabilities,
  type UpstreamBody,
  withoutFormat,
} from "./capabilities.ts";

const FORMAT_REGEXP =
  /response_?format|json_?schema|json_?object|json[ _](mode|validate)|structured|guided|grammar|schema/i;
const NO_REASON_REGEXP = /^[\w ]{0,30}(invalid|bad) request\W*$|^\W*$/i;
const UNKNOWN_FIELD_REGEXP =
  /unsupported|not supported|unknown|unrecognized|unexpected|extra|not permitted|not allowed|invalid param|instead/i;
const SYSTEM_REGEXP =
  /(multiple|single|one|only|first|second|begin|start|additional)\W.*\bsystem\b|\bsystem\b.*\b(multiple|single|one|only|first|begin|start|alternat)|roles must alternate/i;

/**
 * Returns the capabilities that a rejection disproves, or undefined if it is about something else.
 *
 * @param message what the upstream said.
 * @param sent the capabilities that the rejected body was built for.
 */
export function corrections(
  target: Target,
  message: string,
  sent: Readonly<Capabilities>,
  body: UpstreamBody,
): Partial<Capabilities> | undefined {
  const { messages } = body;
  if ("stream_options" in body && /stream_?options|include_usage/i.test(message)) {
    return { streamOptions: false };
  }
  // "Use the other" or "unknown parameter" is about the name; a range is about the number.
  if (
    sent.maxTokens in body && new RegExp(`(?<!_)\\b${sent.maxTokens}\\b`).test(message) &&
    UNKNOWN_FIELD_REGEXP.test(message)
  ) {
    if (sent.maxTokens !== defaultCapabilities(target).maxTokens) return { maxTokens: "none" };
    return { maxTokens: sent.maxTokens === "max_tokens" ? "max_completion_tokens" : "max_tokens" };
  }
  if (
    messages.some(({ tool_calls }) => tool_calls !== undefined) &&
    /reasoning_content/i.test(message)
  ) {
    // Some reject a tool's result without it, others reject the field itself.
    return { toolReasoning: !UNKNOWN_FIELD_REGEXP.test(message) };
  }
  if (messages.some(({ role }) => role === "developer") && /developer/i.test(message)) {
    return { developerRole: false };
  }
  if (messages.filter(isSystemMessage).length > 1 && SYSTEM_REGEXP.test(message)) {
    return { manySystemMessages: false };
  }
  // A rejection without a reason is most often about the newest feature in the request.
  const format = body.response_format?.type;
  if (format !== undefined && (FORMAT_REGEXP.test(message) || NO_REASON_REGEXP.test(message))) {
    return withoutFormat(sent, format);
  }
}
