/**
 * The thinking before an answer: steps, status lines, votes and candidates, as they come.
 *
 * @module
 */
import { h } from "./dom.js";
import { createLiveText } from "./live_text.js";

/** More candidates than these are counted, not shown. */
const MOST_CANDIDATES = 48;

/**
 * @typedef {object} Thinking
 * @property {(progress: any) => string | undefined} progress takes a chunk's `o1`; returns a line
 *   worth saying aloud
 * @property {(text: string) => void} text takes reasoning
 * @property {() => void} answering the answer has begun
 * @property {(seconds: number) => void} end nothing follows
 */

/**
 * Shows thinking in an element that is hidden until there is some.
 *
 * @param {HTMLDetailsElement} element
 * @returns {Thinking}
 */
export function createThinking(element) {
  const summary = h("summary", {}, "Thinking…");
  const list = h("ol", { class: "trail" });
  element.append(summary, list);
  /** @type {ReturnType<typeof createStep> | undefined} */
  let open;
  /** @type {ReturnType<typeof createTally> | undefined} */
  let tally;
  /** @type {ReturnType<typeof createCandidates> | undefined} */
  let candidates;
  let steps = 0;
  let told = "";

  /** @param {string} text */
  function line(text) {
    element.hidden = false;
    list.append(h("li", { class: "status" }, text));
  }

  /** @param {number} [seconds] */
  function endStep(title = "", seconds = undefined) {
    open?.end(title, seconds);
    open = undefined;
  }

  return {
    progress(event) {
      switch (event.type) {
        case "step_start":
          endStep();
          element.hidden = false;
          steps++;
          open = createStep(event.titled === true);
          list.append(h("li", {}, open.element));
          return undefined;
        case "step_end":
          endStep(event.title, event.seconds);
          return event.title === "" ? undefined : event.title;
        case "candidate":
          element.hidden = false;
          if (candidates === undefined) {
            candidates = createCandidates();
            list.append(h("li", {}, candidates.element));
          }
          candidates.add(event);
          return undefined;
        case "tally":
          element.hidden = false;
          if (tally === undefined) {
            tally = createTally();
            list.append(h("li", {}, tally.element));
          }
          tally.update(event);
          told = event.text;
          return event.text;
        case "status":
        case "call":
        case "retry":
          told = event.text;
          line(event.text);
          return event.text;
        default:
          return undefined;
      }
    },
    text(text) {
      if (open !== undefined) return open.push(text);
      const words = text.trim();
      // The line of a status event comes as text as well; so does the space around a title.
      if (words === "" || words === "**" || words === told) return;
      line(words);
    },
    answering() {
      endStep();
    },
    end(seconds) {
      endStep();
      const count = steps === 0 ? "" : steps === 1 ? " · 1 step" : ` · ${steps} steps`;
      summary.textContent = `Thought for ${seconds.toFixed(1)} s${count}`;
    },
  };
}

/** @param {boolean} titled whether its text begins with a title, as `**Title**` */
function createStep(titled) {
  const name = h("span", { class: "name" }, titled ? "…" : "Thinking");
  const time = h("span", { class: "time" });
  const body = h("div", { class: "prose small" });
  const live = createLiveText(body);
  const element = h(
    "details",
    { class: "step live", open: true },
    h("summary", {}, name, time),
    body,
  );
  let head = titled ? "" : undefined;
  let touched = false;
  element.querySelector("summary")?.addEventListener("click", () => touched = true);

  /** @param {string} text */
  function push(text) {
    if (head === undefined) return live.push(text);
    head += text;
    const start = head.trimStart();
    const end = start.indexOf("**\n\n", 2);
    name.textContent = (end < 0 ? start.slice(2).replace(/\*+\s*$/, "") : start.slice(2, end)) ||
      "…";
    if (end < 0) return;
    head = undefined;
    live.push(start.slice(end + 4));
  }

  return {
    element,
    push,
    /**
     * @param {string} title
     * @param {number | undefined} seconds
     */
    end(title, seconds) {
      if (title !== "") name.textContent = title;
      else if (titled && name.textContent === "…") name.textContent = "Thinking";
      if (seconds !== undefined) time.textContent = `${seconds.toFixed(1)} s`;
      element.classList.remove("live");
      live.end();
      if (!touched) element.open = false;
    },
  };
}

/** Votes for each answer, as bars. */
function createTally() {
  const caption = h("p", { class: "caption" });
  const rows = h("ul", { class: "votes" });
  return {
    element: h("div", { class: "tally" }, caption, rows),
    /** @param {{ text: string, counts: { answer: string, votes: number }[], total: number }} tally */
    update({ text, counts, total }) {
      caption.textContent = text;
      rows.replaceChildren(
        ...counts.slice(0, 12).map(({ answer, votes }) => {
          const label = `${votes} of ${total} for ${answer.slice(0, 200)}`;
          return h(
            "li",
            {},
            h("span", { class: "vote" }, answer.slice(0, 200)),
            h("progress", { max: total, value: votes, "aria-label": label }),
            h("span", { class: "count", "aria-hidden": "true" }, `${votes}`),
          );
        }),
      );
    },
  };
}

/** Answers that are compared, side by side; each opens. */
function createCandidates() {
  const grid = h("div", { class: "grid" });
  const caption = h("p", { class: "caption" });
  /** @type {Map<number, HTMLElement>} */
  const cards = new Map();
  return {
    element: h("div", { class: "candidates" }, caption, grid),
    /** @param {{ index: number, answer: string | null, text: string }} candidate */
    add({ index, answer, text }) {
      if (cards.size >= MOST_CANDIDATES && !cards.has(index)) return;
      const body = h("div", { class: "prose small" });
      const card = h(
        "details",
        { class: "candidate" },
        h(
          "summary",
          {},
          h("span", { class: "name" }, `Answer ${index + 1}`),
          h("span", { class: "value" }, (answer ?? text).trim().slice(0, 200)),
        ),
        body,
      );
      card.addEventListener("toggle", () => {
        const live = createLiveText(body);
        live.push(text);
        live.end();
      }, { once: true });
      const old = cards.get(index);
      if (old === undefined) grid.append(card);
      else old.replaceWith(card);
      cards.set(index, card);
      caption.textContent = cards.size === 1 ? "1 candidate" : `${cards.size} candidates`;
    },
  };
}
