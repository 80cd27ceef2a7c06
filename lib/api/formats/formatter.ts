import { endsThinking, type ReasoningEvent } from "../../reasoning/events.ts";
import type { Format, Formatter, FormatterOptions, Piece } from "./format.ts";
import { createReasoningText } from "./reasoning_text.ts";
import { templateFormatter, TEMPLATES } from "./template.ts";
import { detailsFormatter, thinkFormatter } from "./wrapped.ts";

/** The message fields that carry reasoning; empty for formats that write it into the content. */
export function reasoningFields(format: Format): readonly string[] {
  if (format === "both") return ["reasoning_content", "reasoning"];
  return format === "reasoning_content" || format === "reasoning" ? [format] : [];
}

export function isInContent(format: Format): boolean {
  return format !== "hidden" && reasoningFields(format).length === 0;
}

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
      return answerOnly;
    default:
      return fieldsFormatter(options);
  }
}

function answerOnly(event: ReasoningEvent): Piece[] {
  return event.type === "answer" ? [{ to: "content", text: event.text }] : [];
}

function fieldsFormatter({ statusLines }: FormatterOptions): Formatter {
  const text = createReasoningText(statusLines);
  return (event) => {
    const reasoning = endsThinking(event) ? text.beforeAnswer() : text.push(event);
    const answer = answerOnly(event);
    return reasoning === "" ? answer : [{ to: "reasoning", text: reasoning }, ...answer];
  };
}
