import { h } from "../dom.js";
import { translate } from "../language/language.js";
import { createCandidates } from "./candidates.js";
import { createStep } from "./step.js";
import { createTally } from "./tally.js";

/**
 * @typedef {object} Thinking
 * @property {(event: any) => string | undefined} progress shows a chunk's `o1` event; returns a
 *   line worth announcing
 * @property {(text: string) => void} text shows reasoning text
 * @property {(seconds: number) => void} end closes the thinking
 */

/**
 * Shows the thinking before an answer in an element that is hidden until there is some.
 *
 * @param {HTMLDetailsElement} element
 * @returns {Thinking}
 */
export function createThinking(element) {
  const summary = h("summary", {}, translate("Thinking…"));
  const list = h("ol", { class: "trail" });
  element.append(summary, list);
  /** @type {ReturnType<typeof createStep> | undefined} */
  let openStep;
  /** @type {ReturnType<typeof createTally> | undefined} */
  let tally;
  /** @type {ReturnType<typeof createCandidates> | undefined} */
  let candidates;
  let steps = 0;
  let lastLine = "";

  /** @param {HTMLElement} item */
  function append(item) {
    element.hidden = false;
    list.append(item);
  }

  /** @param {number} [seconds] */
  function endStep(title = "", seconds = undefined) {
    openStep?.end(title, seconds);
    openStep = undefined;
  }

  return {
    progress(event) {
      switch (event.type) {
        case "step_start":
          endStep();
          steps++;
          openStep = createStep(event.titled === true);
          append(h("li", {}, openStep.element));
          return undefined;
        case "step_end":
          endStep(event.title, event.seconds);
          return event.title === "" ? undefined : event.title;
        case "candidate":
          if (candidates === undefined) {
            candidates = createCandidates();
            append(h("li", {}, candidates.element));
          }
          candidates.add(event);
          return undefined;
        case "tally":
          if (tally === undefined) {
            tally = createTally();
            append(h("li", {}, tally.element));
          }
          tally.update(event);
          lastLine = event.text;
          return event.text;
        case "status":
          lastLine = event.text;
          append(h("li", { class: "status" }, event.text));
          return event.text;
        default:
          return undefined;
      }
    },
    text(text) {
      if (openStep !== undefined) return openStep.push(text);
      const words = text.trim();
      // A status line also arrives as text, and so do the asterisks around a title.
      if (words === "" || words === "**" || words === lastLine) return;
      // The summary shows it.
      if (words.startsWith("Total thinking time")) return;
      append(h("li", { class: "status" }, words));
    },
    end(seconds) {
      endStep();
      const count = steps === 1
        ? translate("1 step")
        : translate("{count} steps", { count: steps });
      const time = translate("Thought for {seconds} s", { seconds: seconds.toFixed(1) });
      summary.textContent = steps === 0 ? time : `${time} · ${count}`;
    },
  };
}
