import { type ApiError, invalidRequest } from "../errors.ts";
import type { ChatBody } from "./body.ts";

/** Fields that o1 accepts with their default value only. */
const ONLY_DEFAULT: Readonly<Record<string, number>> = {
  temperature: 1,
  top_p: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  n: 1,
};

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
 * Rejects what OpenAI's o1 rejects. Only for `server.strict_openai`: real clients send these
 * fields to models called o1.
 *
 * @throws {ApiError} 400 with OpenAI's own message.
 */
export function checkStrict(body: ChatBody): void {
  const isSet = (field: string) => body[field] !== undefined && body[field] !== null;
  if (isSet("max_tokens")) {
    throw unsupportedParameter("max_tokens", " Use 'max_completion_tokens' instead.");
  }
  for (const [field, value] of Object.entries(ONLY_DEFAULT)) {
    if (isSet(field) && body[field] !== value) {
      throw unsupportedValue(
        field,
        JSON.stringify(body[field]),
        `Only the default (${value}) value is supported.`,
      );
    }
  }
  for (const field of UNSUPPORTED) if (isSet(field)) throw unsupportedParameter(field);
  if (Array.isArray(body.stop) && body.stop.length > 4) {
    throw invalidRequest("stop", "Invalid 'stop': array too long. Expected at most 4 items.");
  }
  const effort = body.reasoning_effort;
  if (isSet("reasoning_effort") && !["low", "medium", "high"].includes(effort ?? "")) {
    throw unsupportedValue(
      "reasoning_effort",
      `'${effort}'`,
      "Supported values are: 'low', 'medium', and 'high'.",
    );
  }
  if (isSet("stream_options") && body.stream !== true) {
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

function unsupportedValue(field: string, value: string, hint: string): ApiError {
  return invalidRequest(
    field,
    `Unsupported value: '${field}' does not support ${value} with this model. ${hint}`,
    "unsupported_value",
  );
}

/** The result of a tool must answer an earlier call. */
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
