import type { ReasoningEvent } from "../events.ts";

/** Watches the events of an answer, so that another one can take its place. */
export function createAnswerWatch() {
  let openStep: { step: number; content: string[] } | undefined;
  let next = 1;
  let hasBegun = false;
  let isEmpty = true;
  return {
    add(event: ReasoningEvent): void {
      switch (event.type) {
        case "step_start":
          openStep = { step: event.step, content: [] };
          next = event.step + 1;
          break;
        case "reasoning":
          if (event.part === "content") openStep?.content.push(event.text);
          break;
        case "step_end":
          openStep = undefined;
          break;
        case "status":
        case "candidate":
          break;
        default:
          hasBegun = true;
          isEmpty &&= event.type === "answer" && event.text.trim() === "";
      }
    },
    /** Whether anything but thinking was shown. */
    hasBegun: () => hasBegun,
    /** Whether nothing but thinking and white space was shown. */
    isEmpty: () => isEmpty,
    /** Returns the number of the next step. */
    next: () => next,
    /** Returns the event that closes an incomplete step. */
    endStep(): ReasoningEvent[] {
      if (openStep === undefined) return [];
      const { step, content } = openStep;
      openStep = undefined;
      return [{ type: "step_end", step, title: "", content: content.join(""), seconds: 0 }];
    },
  };
}
