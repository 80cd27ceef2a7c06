import type { Clock } from "../../clock.ts";
import type { ReasoningEvent } from "../events.ts";

/** A step of free thinking: it opens with its first text and ends once. */
export interface UntitledStep {
  isOpen(): boolean;
  /** All of its text so far. */
  text(): string;
  /** Returns the events that show the next characters. */
  add(text: string): ReasoningEvent[];
  /** Returns the event that closes the step, or none if the step is not open. */
  end(): ReasoningEvent[];
}

/** Creates a step whose time runs from now. */
export function createUntitledStep(clock: Clock, step: number): UntitledStep {
  const start = clock.now();
  const pieces: string[] = [];
  let isOpen = false;
  return {
    isOpen: () => isOpen,
    text: () => pieces.join(""),
    add(text) {
      pieces.push(text);
      const event: ReasoningEvent = { type: "reasoning", step, part: "content", text };
      if (isOpen) return [event];
      isOpen = true;
      return [{ type: "step_start", step, titled: false }, event];
    },
    end() {
      if (!isOpen) return [];
      isOpen = false;
      const seconds = (clock.now() - start) / 1000;
      return [{ type: "step_end", step, title: "", content: pieces.join(""), seconds }];
    },
  };
}
