/**
 * The text of steps and status lines, for every format without headings of its own.
 *
 * @module
 */
import type { ReasoningEvent } from "../../reasoning/events.ts";

/** Makes the text; a step is `**Title**\n\ncontent\n\n`. */
export interface ReasoningText {
  /** What an event adds; empty where that is nothing. */
  push(event: ReasoningEvent): string;
  /** What stands before the answer; empty when called again. */
  beforeAnswer(): string;
}

/** Whether an event is the answer, or stands in its place: the thinking before it is over. */
export function endsThinking({ type }: ReasoningEvent): boolean {
  return type === "answer" || type === "refusal" || type === "tool_call" || type === "finish";
}

/** Creates the text of one completion. */
export function createReasoningText(statusLines: boolean): ReasoningText {
  let titleOpen = false;
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
    push(event) {
      switch (event.type) {
        case "reasoning":
          if (event.part === "title") {
            const text = titleOpen ? event.text : separated(`**${event.text}`);
            titleOpen = true;
            return text;
          }
          if (!titleOpen) return separated(event.text);
          titleOpen = false;
          return `**\n\n${event.text}`;
        case "step_end": {
          seconds += event.seconds;
          if (event.title !== "") titled = true;
          const text = titleOpen ? "**" : "";
          titleOpen = false;
          // Free thinking is passed on to the letter; only what follows it is set apart.
          if (event.title === "") {
            gap = event.content !== "";
            return text;
          }
          return `${text}\n\n`;
        }
        case "status":
          return statusLines && !ended ? separated(`${event.text}\n`) : "";
        default:
          return "";
      }
    },
    beforeAnswer() {
      if (ended) return "";
      ended = true;
      return statusLines && titled ? `Total thinking time: ${seconds.toFixed(2)} seconds\n` : "";
    },
  };
}
