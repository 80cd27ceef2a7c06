/**
 * A response that is kept whole, as the events that it could have come from.
 *
 * @module
 */
import { ApiError } from "../../api/errors.ts";
import type { ReasoningEvent } from "../../reasoning/events.ts";
import type { KeptResponse } from "./stored.ts";

/** The events, each text in one piece. Throws what the response failed with. */
export async function* replay(
  { response, thinking = "" }: KeptResponse,
): AsyncGenerator<ReasoningEvent> {
  let step = 0;
  let calls = 0;
  for (const item of response.output) {
    if (item.type === "reasoning") {
      const texts = (item.summary as { text: string }[]).map(({ text }) => text);
      // Thinking that is not shown leaves an item as well.
      for (const text of texts.length === 0 ? [""] : texts) {
        step++;
        yield { type: "step_start", step, titled: false };
        if (text !== "") yield { type: "reasoning", step, part: "content", text };
        yield { type: "step_end", step, title: "", content: thinking, seconds: 0 };
      }
    } else if (item.type === "function_call") {
      const { call_id: id, name } = item as unknown as { call_id: string; name: string };
      yield { type: "tool_call", index: calls++, id, name, arguments: String(item.arguments) };
    } else {
      for (const part of item.content as { type: string; text?: string; refusal?: string }[]) {
        if (part.refusal) yield { type: "refusal", text: part.refusal };
        else if (part.text) yield { type: "answer", text: part.text };
      }
    }
  }
  if (response.error !== null) throw failedBefore(response.error);
  const reason = response.incomplete_details?.reason;
  yield {
    type: "finish",
    reason: reason === "max_output_tokens"
      ? "length"
      : reason === "content_filter"
      ? "content_filter"
      : "stop",
  };
}

/** A failure that was kept, as it was then. */
export function failedBefore({ code, message }: { code: string; message: string }): ApiError {
  const status = code === "rate_limit_exceeded" ? 429 : code === "invalid_prompt" ? 400 : 500;
  return new ApiError(status, message, { code });
}
