/**
 * What OpenAI's o1 refuses, refused in its words. Only for `server.strict_openai`: real clients
 * send these fields to models called o1.
 *
 * @module
 */
import type { ChatBody } from "./body.ts";
import { type ApiError, invalidRequest } from "../errors.ts";

/** Fields that o1 knows no value of but their default. */
const ONLY_DEFAULT: readonly (readonly [field: string, value: unknown])[] = [
  ["temperature", 1],
  ["top_p", 1],
  ["presence_penalty", 0],
  ["frequency_penalty", 0],
  ["n", 1],
];

/** Fields that o1 does not know. */
const UNSUPPORTED = [
  "logprobs",
  "top_logprobs",
  "logit_bias",
  "parallel_tool_calls",
  "verbosity",
  "prediction",
  "web_search_options",
];

/**
 * Checks a body against o1's own rules.
 *
 * @throws {ApiError} 400 with OpenAI's own message.
 * @internal the body's type is zod's
 */
export function checkStrict(body: ChatBody): void {
  const given = (field: string) => body[field] !== undefined && body[field] !== null;
  if (given("max_tokens")) {
    throw unsupportedParameter("max_tokens", " Use 'max_completion_tokens' instead.");
  }
  for (const [field, value] of ONLY_DEFAULT) {
    if (given(field) && body[field] !== value) {
      throw invalidRequest(
        field,
        `Unsupported value: '${field}' does not support ${
          JSON.stringify(body[field])
        } with this model. Only the default (${value}) value is supported.`,
        "unsupported_value",
      );
    }
  }
  for (const field of UNSUPPORTED) if (given(field)) throw unsupportedParameter(field);
  const effort = body.reasoning_effort;
  if (given("reasoning_effort") && !["low", "medium", "high"].includes(effort ?? "")) {
    throw invalidRequest(
      "reasoning_effort",
      `Unsupported value: 'reasoning_effort' does not support '${effort}' with this model. Supported values are: 'low', 'medium', and 'high'.`,
      "unsupported_value",
    );
  }
  if (given("stream_options") && body.stream !== true) {
    throw invalidRequest(
      "stream_options",
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
    );
  }
  checkToolMessages(body.messages);
}

function unsupportedParameter(field: string, hint = ""): ApiError {
  return invalidRequest(
    field,
    `Unsupported parameter: '${field}' is not supported with this model.${hint}`,
    "unsupported_parameter",
  );
}

/** A tool's result has to answer a call that was made. */
function checkToolMessages(messages: ChatBody["messages"]): void {
  const calls = new Set<unknown>();
  messages.forEach((message, index) => {
    for (const call of message.tool_calls ?? []) calls.add(call.id);
    if (message.role === "tool" && !calls.has(message.tool_call_id)) {
      throw invalidRequest(
        `messages[${index}].role`,
        "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
      );
    }
  });
}
