/**
 * Reasoning and answer by templates, filled while the text streams.
 *
 * @module
 */
import type { ReasoningEvent } from "../../reasoning/events.ts";
import type { Formatter, FormatterOptions, TemplateFormat } from "./format.ts";
import { createTagGuard } from "./tag_guard.ts";

/** O1-API's own formats, as its `use_regex_processing` chose them. */
export const TEMPLATES: Readonly<Record<"markdown" | "details_steps", TemplateFormat>> = {
  markdown: {
    step: "\n\n## Step {n}: {title}\n{content}",
    answer: "\n\n### Final Answer\n{content}",
    total: "\n\n**Total thinking time: {seconds} seconds**",
  },
  details_steps: {
    step: "<details open>\n<summary>Step {n}: {title}</summary>\n{content}\n</details>\n\n",
    answer: "{content}",
    total: "\n\n**Total thinking time: {seconds} seconds**",
    lineBreak: "<br>",
  },
};

/** Fills templates while the text streams. */
export function templateFormatter(
  format: TemplateFormat,
  { stream, statusLines }: FormatterOptions,
): Formatter {
  const hasTitle = format.step.includes("{title}");
  const [beforeContent = "", afterContent = ""] = splitAt(format.step, "{content}");
  const [beforeTitle = "", afterTitle = ""] = splitAt(beforeContent, "{title}");
  const [beforeAnswer = "", afterAnswer = ""] = splitAt(format.answer, "{content}");
  const guard = format.step.includes("</details") ? createTagGuard("details") : undefined;
  let n = 0;
  let seconds = 0;
  let part: "none" | "title" | "content" = "none";
  let answering = false;
  // A time before the content is known only when the step has ended: a stream leaves it out.
  const holds = !stream && beforeContent.includes("{seconds}");
  const held: ReasoningEvent[] = [];
  let took: number | undefined;

  const fill = (template: string, took?: number) =>
    template.replaceAll("{n}", String(n)).replaceAll("{seconds}", took?.toFixed(2) ?? "");
  const body = (text: string) => {
    const safe = guard?.push(text) ?? text;
    return format.lineBreak === undefined ? safe : safe.replaceAll("\n", format.lineBreak);
  };

  function open(next: "title" | "content", first: string): string {
    let text = "";
    if (part === "none") {
      n++;
      text = fill(beforeTitle, took) + (next === "content" && hasTitle ? "Thinking" : "");
    }
    if (next === "content" && part !== "content") {
      text += (guard?.end() ?? "") + fill(afterTitle, took);
    }
    part = next;
    return text + body(first);
  }

  function text(event: ReasoningEvent): string {
    switch (event.type) {
      case "reasoning":
        return open(event.part, event.text);
      case "step_end": {
        seconds += event.seconds;
        if (part === "none") return "";
        const opened = part === "title" ? open("content", "") : "";
        part = "none";
        return opened + (guard?.end() ?? "") + fill(afterContent, event.seconds);
      }
      case "status":
        if (!statusLines || answering) return "";
        return `\n\n*${body(event.text)}${guard?.end() ?? ""}*\n\n`;
      case "answer": {
        const start = answering ? "" : fill(beforeAnswer, seconds);
        answering = true;
        return start + event.text;
      }
      case "finish": {
        const end = answering ? fill(afterAnswer, seconds) : "";
        const showTotal = statusLines && n > 0 && format.total !== undefined && answering;
        return showTotal ? end + fill(format.total!, seconds) : end;
      }
      default:
        return "";
    }
  }

  return {
    push(event) {
      if (holds && (event.type === "reasoning" || event.type === "status" && held.length > 0)) {
        held.push(event);
        return [];
      }
      took = event.type === "step_end" ? event.seconds : undefined;
      const piece = [...held.splice(0), event].map(text).join("");
      return piece === "" ? [] : [{ to: "content", text: piece }];
    },
  };
}

function splitAt(template: string, placeholder: string): [string, string] {
  const at = template.indexOf(placeholder);
  return at < 0 ? ["", template] : [template.slice(0, at), template.slice(at + placeholder.length)];
}
