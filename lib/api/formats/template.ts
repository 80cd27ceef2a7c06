import type { ReasoningEvent } from "../../reasoning/events.ts";
import type { Formatter, FormatterOptions, TemplateFormat } from "./format.ts";
import { createTagGuard } from "./tag_guard.ts";

/** The formats of the original O1-API, which its `use_regex_processing` chose between. */
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

export function templateFormatter(
  format: TemplateFormat,
  { stream, statusLines }: FormatterOptions,
): Formatter {
  const hasTitle = format.step.includes("{title}");
  const [beforeContent, afterContent] = splitAt(format.step, "{content}");
  const [beforeTitle, afterTitle] = splitAt(beforeContent, "{title}");
  const [beforeAnswer, afterAnswer] = splitAt(format.answer, "{content}");
  const guard = format.step.includes("</details") ? createTagGuard("details") : undefined;
  let n = 0;
  let seconds = 0;
  let part: "none" | "title" | "content" = "none";
  let answering = false;
  // A step's time is known only at its end. A stream leaves it out before the content; a whole
  // answer holds the step's events back instead.
  const holdsSteps = !stream && beforeContent.includes("{seconds}");
  const held: ReasoningEvent[] = [];
  let stepSeconds: number | undefined;

  const fill = (template: string, time?: number) =>
    template.replaceAll("{n}", String(n)).replaceAll("{seconds}", time?.toFixed(2) ?? "");
  const body = (text: string) => {
    const safe = guard?.push(text) ?? text;
    return format.lineBreak === undefined ? safe : safe.replaceAll("\n", format.lineBreak);
  };

  function open(next: "title" | "content", first: string): string {
    let text = "";
    if (part === "none") {
      n++;
      text = fill(beforeTitle, stepSeconds) + (next === "content" && hasTitle ? "Thinking" : "");
    }
    if (next === "content" && part !== "content") {
      text += (guard?.end() ?? "") + fill(afterTitle, stepSeconds);
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

  return (event) => {
    const isInStep = event.type === "reasoning" || event.type === "status" && held.length > 0;
    if (holdsSteps && isInStep) {
      held.push(event);
      return [];
    }
    stepSeconds = event.type === "step_end" ? event.seconds : undefined;
    const piece = [...held.splice(0), event].map(text).join("");
    return piece === "" ? [] : [{ to: "content", text: piece }];
  };
}

function splitAt(template: string, placeholder: string): [string, string] {
  const at = template.indexOf(placeholder);
  return at < 0 ? ["", template] : [template.slice(0, at), template.slice(at + placeholder.length)];
}
