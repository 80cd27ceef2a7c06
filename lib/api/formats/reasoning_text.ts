/** The text of steps and status lines, for formats without templates of their own. */
import type { ReasoningEvent, ReasoningTextEvent } from "../../reasoning/events.ts";

/** Creates the text of one completion. A step is `**Title**\n\ncontent\n\n`. */
export function createReasoningText(statusLines: boolean) {
  const bold = createBoldTitles();
  let gap = false;
  let seconds = 0;
  let titled = false;
  let ended = false;

  function separated(text: string): string {
    if (!gap) return text;
    gap = false;
    return `\n\n${text}`;
  }

  return {
    push(event: ReasoningEvent): string {
      switch (event.type) {
        case "reasoning":
          return separated(bold.push(event));
        case "step_end": {
          seconds += event.seconds;
          const end = bold.end();
          if (event.title !== "") {
            titled = true;
            return `${end}\n\n`;
          }
          // Untitled thinking is passed on unchanged. Only what follows it is set apart.
          gap = event.content !== "";
          return end;
        }
        case "status":
          return statusLines && !ended ? separated(`${event.text}\n`) : "";
        default:
          return "";
      }
    },
    /** Returns the last line before the answer; empty when called again. */
    beforeAnswer(): string {
      if (ended) return "";
      ended = true;
      return statusLines && titled ? `Total thinking time: ${seconds.toFixed(2)} seconds\n` : "";
    },
  };
}

/**
 * Creates the text of one response's reasoning summary. A step is one part: `**Title**\n\ncontent`.
 * Each part but the first begins a paragraph, for clients that join them.
 *
 * @returns a function that returns what an event adds to the open part.
 */
export function createSummaryText(statusLines: boolean): (event: ReasoningEvent) => string {
  const bold = createBoldTitles();
  let last: "none" | "text" | "status" = "none";
  let isFirst = true;

  function textOf(event: ReasoningEvent): string {
    switch (event.type) {
      case "reasoning": {
        const gap = last === "status" ? "\n\n" : "";
        last = "text";
        return gap + bold.push(event);
      }
      case "step_start":
        last = "none";
        return "";
      case "step_end":
        last = "none";
        return bold.end();
      case "status": {
        if (!statusLines) return "";
        const gap = last === "none" ? "" : last === "status" ? "\n" : "\n\n";
        last = "status";
        return gap + event.text;
      }
      default:
        return "";
    }
  }

  return (event) => {
    const begins = last === "none";
    const text = textOf(event);
    if (text === "") return "";
    // A stored part has its gap already.
    const gap = begins && !isFirst && !text.startsWith("\n\n") ? "\n\n" : "";
    isFirst = false;
    return gap + text;
  };
}

/** Writes titles in bold and as paragraphs of their own. */
function createBoldTitles() {
  let isOpen = false;
  function end(): string {
    const mark = isOpen ? "**" : "";
    isOpen = false;
    return mark;
  }
  return {
    push({ part, text }: ReasoningTextEvent): string {
      if (part === "title") {
        const mark = isOpen ? "" : "**";
        isOpen = true;
        return mark + text;
      }
      return isOpen ? `${end()}\n\n${text}` : text;
    },
    /** Closes a title that no content follows. */
    end,
  };
}
