/**
 * How much to think and whether to show it, in the words of every vendor.
 *
 * @module
 */
import type { Effort } from "../../reasoning/request.ts";
import type { ChatBody } from "./body.ts";
import { invalidRequest } from "../errors.ts";
import type { FormatName } from "../formats/format.ts";

/** What the switches of a request say. */
export interface Switches {
  /** How much to think; undefined: as the model does. */
  effort: Effort | undefined;
  /** Ceiling for the tokens of thinking alone. */
  thinkingTokens: number | undefined;
  /** Where the reasoning goes; undefined: as the model does. */
  format: FormatName | undefined;
}

/**
 * Reads the switches of OpenAI (`reasoning_effort`), OpenRouter (`reasoning`,
 * `include_reasoning`), DeepSeek and Anthropic (`thinking`), Qwen (`enable_thinking`,
 * `thinking_budget`), vLLM (`chat_template_kwargs`) and Groq (`reasoning_format`).
 *
 * @throws {ApiError} 400 for raw reasoning where the content has to be something else.
 * @internal the body's type is zod's
 */
export function readSwitches(body: ChatBody): Switches {
  const { reasoning, thinking } = body;
  const isOff = reasoning?.enabled === false || thinking?.type === "disabled" ||
    body.enable_thinking === false || body.chat_template_kwargs?.enable_thinking === false ||
    body.chat_template_kwargs?.thinking === false;
  const effort = reasoning?.effort || body.reasoning_effort || undefined;
  return {
    effort: isOff ? "none" : effort,
    thinkingTokens: reasoning?.max_tokens ?? thinking?.budget_tokens ?? body.thinking_budget ??
      undefined,
    format: formatOf(body),
  };
}

function formatOf(body: ChatBody): FormatName | undefined {
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
