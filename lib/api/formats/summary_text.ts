/**
 * The text of one step as one part of a reasoning summary: `**Title**` and the content.
 *
 * @module
 */
import type { ReasoningEvent } from "../../reasoning/events.ts";

/** Makes the text of the part that is open; a new step opens a new one. */
export interface SummaryText {
  /** What an event adds. */
  push(event: ReasoningEvent): string;
}

/** Creates the text of one response. */
export function createSummaryText(statusLines: boolean): SummaryText {
  let titleOpen = false;
  /** What ended the part so far, so that a line of status stands by itself. */
  let last: "none" | "text" | "status" = "none";

  return {
    push(event) {
      switch (event.type) {
        case "reasoning": {
          const gap = last === "status" ? "\n\n" : "";
          last = "text";
          if (event.part === "title") {
            const opening = titleOpen ? "" : "**";
            titleOpen = true;
            return gap + opening + event.text;
          }
          const closing = titleOpen ? "**\n\n" : "";
          titleOpen = false;
          return gap + closing + event.text;
        }
        case "step_start":
          last = "none";
          return "";
        case "step_end": {
          const closing = titleOpen ? "**" : "";
          titleOpen = false;
          last = "none";
          return closing;
        }
        case "status": {
          if (!statusLines) return "";
          const gap = last === "none" ? "" : last === "status" ? "\n" : "\n\n";
          last = "status";
          return gap + event.text;
        }
        default:
          return "";
      }
    },
  };
}
