/**
 * One model's answer to one question, as it comes.
 *
 * @module
 */
import { ApiFault } from "./api.js";
import { h } from "./dom.js";
import { createLiveText } from "./live_text.js";
import { createThinking } from "./thinking.js";

/**
 * @typedef {object} AnswerOptions
 * @property {string} name who answers
 * @property {(line: string) => void} say tells of progress to who can't see it
 * @property {() => void} onCode the request is to be shown as code
 */

/** What a finish reason means to people; `stop` needs no words. */
const REASONS = {
  length: "Cut off at the token limit.",
  content_filter: "The provider's content filter ended this.",
};

/**
 * Creates the view of one answer.
 *
 * @param {AnswerOptions} options
 */
export function createAnswer({ name, say, onCode }) {
  const start = performance.now();
  const since = () => (performance.now() - start) / 1000;
  const heading = h("h3", { class: "who" }, name);
  const thoughts = h("details", { class: "thinking", open: true, hidden: true });
  const prose = h("div", { class: "prose answer" });
  const waiting = h("p", { class: "waiting" }, "Waiting for the first words…");
  const notes = h("div", { class: "notes" });
  const meta = h("div", { class: "meta" });
  const element = h("article", { class: "lane", "aria-label": `Answer of ${name}` });
  element.append(heading, thoughts, waiting, prose, notes, meta);
  const thinking = createThinking(thoughts);
  const live = createLiveText(prose);
  /** @type {number | undefined} */
  let first;
  /** @type {number | undefined} */
  let thought;
  /** @type {any} */
  let usage;
  let reason = "stop";

  function begin() {
    if (first !== undefined) return;
    first = since();
    waiting.remove();
  }

  /** @param {string} text */
  function answer(text) {
    begin();
    if (thought === undefined) {
      thought = since();
      thinking.answering();
      thinking.end(thought);
      say(`${name} answers.`);
    }
    live.push(text);
  }

  /** @param {string} text */
  const note = (text, role = "note") => notes.append(h("p", { class: role, role }, text));

  /** @param {string} outcome */
  function close(outcome) {
    waiting.remove();
    if (thought === undefined) thinking.end(since());
    live.end();
    const facts = figures(usage, first, since());
    meta.append(
      h("p", { class: "figures" }, ...facts.map((fact) => h("span", {}, fact))),
      h(
        "p",
        { class: "actions" },
        live.text() === "" ? null : h("button", {
          type: "button",
          class: "quiet",
          onclick: (/** @type {Event} */ { currentTarget }) => copy(live.text(), currentTarget),
        }, "Copy"),
        h("button", { type: "button", class: "quiet", onclick: onCode }, "Code"),
      ),
    );
    say(`${name}: ${outcome} ${facts.join(", ")}.`);
  }

  return {
    element,
    /** All of the answer so far. */
    text: () => live.text(),
    /** @param {any} chunk a chunk of the stream */
    take(chunk) {
      if (chunk.usage) usage = chunk.usage;
      if (chunk.o1) {
        if (chunk.o1.type !== "usage") begin();
        const line = thinking.progress(chunk.o1);
        if (line !== undefined) say(line);
      }
      for (const { delta, finish_reason: ended } of chunk.choices ?? []) {
        const text = delta.reasoning ?? delta.reasoning_content;
        if (text) {
          begin();
          thinking.text(text);
        }
        if (delta.content) answer(delta.content);
        if (delta.refusal) answer(delta.refusal);
        if (ended) reason = ended;
      }
    },
    /** The answer is whole. */
    finish() {
      const words = /** @type {Record<string, string>} */ (REASONS)[reason];
      if (words !== undefined) note(words);
      if (live.text() === "" && words === undefined) note("The model answered nothing.");
      close("Answer complete.");
    },
    /** The user has stopped it. */
    stop() {
      note("Stopped.");
      close("Stopped.");
    },
    /** @param {unknown} error */
    fail(error) {
      const status = error instanceof ApiFault && error.status > 0 ? `${error.status} · ` : "";
      note(`${status}${error instanceof Error ? error.message : error}`, "alert");
      close("Failed.");
    },
  };
}

/**
 * What a turn took, as short facts.
 *
 * @param {any} usage
 * @param {number | undefined} first seconds
 * @param {number} total seconds
 */
export function figures(usage, first, total) {
  /** @type {string[]} */
  const facts = [];
  if (usage) {
    const { upstream } = usage;
    const about = upstream?.estimated ? "≈ " : "";
    const thinking = usage.completion_tokens_details?.reasoning_tokens ?? 0;
    const tokens = number(usage.total_tokens);
    facts.push(
      `${about}${tokens} tokens${thinking > 0 ? ` (${number(thinking)} thinking)` : ""}`,
    );
    if (upstream?.calls !== undefined) {
      facts.push(upstream.calls === 1 ? "1 call" : `${number(upstream.calls)} calls`);
    }
    if (upstream?.cost !== undefined) facts.push(dollars(upstream.cost));
  }
  if (first !== undefined) facts.push(`first token ${first.toFixed(2)} s`);
  facts.push(`total ${total.toFixed(2)} s`);
  return facts;
}

const number = new Intl.NumberFormat("en").format;

/** @param {number} cost */
function dollars(cost) {
  if (cost === 0) return "$0";
  return `$${cost.toFixed(cost < 0.01 ? 6 : 4).replace(/0+$/, "")}`;
}

/**
 * @param {string} text
 * @param {EventTarget | null} button
 */
export async function copy(text, button) {
  if (!(button instanceof HTMLElement)) return;
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Can't copy here";
  }
  setTimeout(() => button.textContent = label, 1500);
}
