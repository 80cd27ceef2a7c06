import { h } from "../dom/elements.ts";
import { translate } from "../language/translate.ts";
import { type Candidate, createCandidates } from "./candidates.ts";
import { createStep } from "./step.ts";
import { createTally, type Tally } from "./tally.ts";

/** An event of the server about its progress; others are not shown. */
export type Progress =
  | { type: "step_start"; titled: boolean }
  | { type: "step_end"; title: string; seconds: number }
  | { type: "candidate" } & Candidate
  | { type: "tally" } & Tally
  | { type: "status"; text: string }
  | { type: "usage"; prompt_tokens: number; completion_tokens: number };

/** Shows the thinking before an answer in an element that is hidden until there is some. */
export function createThinking(element: HTMLDetailsElement) {
  const summary = h("summary", translate("Thinking…"));
  const list = h("ol.trail");
  element.append(summary, list);
  let openStep: ReturnType<typeof createStep> | undefined;
  let tally: ReturnType<typeof createTally> | undefined;
  let candidates: ReturnType<typeof createCandidates> | undefined;
  let steps = 0;
  let lastLine = "";

  function append(item: HTMLElement) {
    element.hidden = false;
    list.append(item);
  }

  function endStep(title = "", seconds?: number) {
    openStep?.end(title, seconds);
    openStep = undefined;
  }

  return {
    /** Returns a line worth announcing. */
    progress(event: Progress): string | undefined {
      switch (event.type) {
        case "step_start":
          endStep();
          steps++;
          openStep = createStep(event.titled === true);
          append(h("li", openStep.element));
          return undefined;
        case "step_end":
          endStep(event.title, event.seconds);
          return event.title === "" ? undefined : event.title;
        case "candidate":
          if (candidates === undefined) {
            candidates = createCandidates();
            append(h("li", candidates.element));
          }
          candidates.add(event);
          return undefined;
        case "tally":
          if (tally === undefined) {
            tally = createTally();
            append(h("li", tally.element));
          }
          tally.update(event);
          lastLine = event.text;
          return event.text;
        case "status":
          lastLine = event.text;
          append(h("li.status", event.text));
          return event.text;
        default:
          return undefined;
      }
    },
    text(text: string): void {
      if (openStep !== undefined) return openStep.push(text);
      const words = text.trim();
      // A status line also arrives as text, and so do the asterisks around a title.
      if (words === "" || words === "**" || words === lastLine) return;
      // The summary shows it.
      if (words.startsWith("Total thinking time")) return;
      append(h("li.status", words));
    },
    end(seconds: number): void {
      endStep();
      const count = steps === 1
        ? translate("1 step")
        : translate("{count} steps", { count: steps });
      const time = translate("Thought for {seconds} s", { seconds: seconds.toFixed(1) });
      summary.textContent = steps === 0 ? time : `${time} · ${count}`;
    },
  };
}
