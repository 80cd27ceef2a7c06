import { invalidRequest } from "../errors.ts";
import type { FormatName } from "../formats/format.ts";
import type { ChatBody } from "./body.ts";

/**
 * Reads the switches of OpenAI (`reasoning_effort`), OpenRouter (`reasoning`,
 * `include_reasoning`), DeepSeek and Anthropic (`thinking`), Qwen (`enable_thinking`,
 * `thinking_budget`), vLLM (`chat_template_kwargs`) and Groq (`reasoning_format`).
 *
 * @returns undefined for what is the model's own setting.
 * @throws {ApiError} 400 for raw reasoning together with tools or a JSON answer.
 */
export function readSwitches(body: ChatBody) {
  const { reasoning, thinking } = body;
  const isOff = reasoning?.enabled === false || thinking?.type === "disabled" ||
    body.enable_thinking === false || body.chat_template_kwargs?.enable_thinking === false ||
    body.chat_template_kwargs?.thinking === false;
  const effort = reasoning?.effort || body.reasoning_effort || undefined;
  return {
    effort: isOff ? "none" as const : effort,
    /** Maximum number of tokens for thinking alone. */
    thinkingTokens: reasoning?.max_tokens ?? thinking?.budget_tokens ?? body.thinking_budget ??
      undefined,
    format: chosenFormat(body),
  };
}

function chosenFormat(body: ChatBody): FormatName | undefined {
  if (body.include_reasoning === false || body.reasoning?.exclude === true) return "hidden";
  const format = body.reasoning_format ?? undefined;
  if (format === "parsed") return "both";
  if (format !== "raw") return format;
  const mode = body.response_format?.type ?? "text";
  if (mode !== "text" || (body.tools?.length ?? 0) > 0 || (body.functions?.length ?? 0) > 0) {
    throw invalidRequest(
      "reasoning_format",
      "'reasoning_format' can't be 'raw' together with 'tools' or a JSON 'response_format'. Use 'parsed' or 'hidden'.",
    );
  }
  return "think";
}
