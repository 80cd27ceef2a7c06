import type { Clock } from "../../clock.ts";
import type { ReasoningEvent } from "../events.ts";

/** Creates a step of free thinking, whose time runs from now. It opens with its first text. */
export function createUntitledStep(clock: Clock, step: number) {
  const start = clock.now();
  const pieces: string[] = [];
  let isOpen = false;
  return {
    isOpen: () => isOpen,
    /** All of its text so far. */
    text: () => pieces.join(""),
    /** Returns the events that show the next characters. */
    add(text: string): ReasoningEvent[] {
      pieces.push(text);
      const event: ReasoningEvent = { type: "reasoning", step, part: "content", text };
      if (isOpen) return [event];
      isOpen = true;
      return [{ type: "step_start", step, titled: false }, event];
    },
    /** Returns the event that closes the step, or none if the step is not open. */
    end(): ReasoningEvent[] {
      if (!isOpen) return [];
      isOpen = false;
      const seconds = (clock.now() - start) / 1000;
      return [{ type: "step_end", step, title: "", content: pieces.join(""), seconds }];
    },
  };
}
