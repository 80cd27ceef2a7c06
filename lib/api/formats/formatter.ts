/**
 * Where the reasoning goes: fields of its own, or into the content, in one of several forms.
 *
 * @module
 */
import type { ReasoningEvent } from "../../reasoning/events.ts";
import type { Format, Formatter, FormatterOptions, Piece } from "./format.ts";
import { createReasoningText, endsThinking } from "./reasoning_text.ts";
import { templateFormatter, TEMPLATES } from "./template.ts";
import { detailsFormatter, thinkFormatter } from "./wrapped.ts";

/** The fields that carry reasoning under a format; empty where it goes into the content. */
export function reasoningFields(format: Format): readonly string[] {
  if (format === "both") return ["reasoning_content", "reasoning"];
  return format === "reasoning_content" || format === "reasoning" ? [format] : [];
}

/** Whether a format writes reasoning into the content. */
export function isInContent(format: Format): boolean {
  return typeof format !== "string" || !["both", "reasoning_content", "reasoning", "hidden"]
    .includes(format);
}

/** Creates the formatter of one completion. */
export function createFormatter(format: Format, options: FormatterOptions): Formatter {
  if (typeof format !== "string") return templateFormatter(format, options);
  switch (format) {
    case "markdown":
    case "details_steps":
      return templateFormatter(TEMPLATES[format], options);
    case "think":
      return thinkFormatter(options);
    case "details":
      return detailsFormatter(options);
    case "hidden":
      return { push: answerOnly };
    default:
      return fieldsFormatter(options);
  }
}

function answerOnly(event: ReasoningEvent): Piece[] {
  return event.type === "answer" ? [{ to: "content", text: event.text }] : [];
}

/** Steps as `**Title**\n\ncontent\n\n` in fields of their own. */
function fieldsFormatter(options: FormatterOptions): Formatter {
  const text = createReasoningText(options.statusLines);
  return {
    push(event) {
      const pieces: Piece[] = [];
      const reasoning = endsThinking(event) ? text.beforeAnswer() : text.push(event);
      if (reasoning !== "") pieces.push({ to: "reasoning", text: reasoning });
      if (event.type === "answer") pieces.push({ to: "content", text: event.text });
      return pieces;
    },
  };
}
