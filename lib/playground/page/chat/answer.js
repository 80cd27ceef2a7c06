import { ApiFault } from "../api.js";
import { copy } from "../clipboard.js";
import { followEnd, h, quietButton } from "../dom.js";
import { translate } from "../language/language.js";
import { createLiveText } from "../text/live_text.js";
import { createThinking } from "../thinking/thinking.js";
import { figures } from "./figures.js";

/**
 * @typedef {object} AnswerOptions
 * @property {string} name the model's display name
 * @property {(line: string) => void} announce announces progress to screen readers
 * @property {boolean} isBeside whether other answers are shown beside it
 * @property {() => void} onCode called when the user asks for the request as code
 * @property {() => void} onReasoning called when the user asks how the answer came about
 */

const CHARACTERS_PER_TOKEN = 4;

/**
 * Notes for finish reasons other than `stop`.
 *
 * @type {Record<string, () => string>}
 */
const NOTES = {
  length: () => translate("Cut off at the token limit."),
  content_filter: () => translate("The provider's content filter stopped this answer."),
};

/**
 * Shows one model's answer to one question as it streams.
 *
 * @param {AnswerOptions} options
 */
export function createAnswer({ name, announce, isBeside, onCode, onReasoning }) {
  const start = performance.now();
  /** @type {number | undefined} */
  let replayedSeconds;
  const elapsed = () => replayedSeconds ?? (performance.now() - start) / 1000;
  /** @type {number | undefined} */
  let thoughtSeconds;
  const heading = h("h2", { class: "who" }, name);
  const thoughts = h("details", { class: "thinking", open: true, hidden: true });
  const prose = h("div", { class: "prose answer" });
  const waiting = h("p", { class: "waiting" }, translate("Waiting for the first words…"));
  const notes = h("div", { class: "notes" });
  const meta = h("div", { class: "meta" });
  const element = h("article", {
    class: "lane",
    "aria-label": translate("Answer of {name}", { name }),
  });
  const content = h("div", { class: "content" }, thoughts, waiting, prose, notes, meta);
  // Beside other answers, each scrolls by itself.
  const scroller = h("div", { class: "scroller", tabindex: isBeside && 0 }, content);
  element.append(heading, scroller);
  followEnd(scroller, content);
  const thinking = createThinking(thoughts);
  const live = createLiveText(prose);
  let isAnswering = false;
  /** @type {any} */
  let usage;
  /**
   * What the calls that have ended used.
   *
   * @type {any}
   */
  let upstream;
  let received = 0;
  let reason = "stop";

  /** @param {string} text */
  function addAnswer(text) {
    waiting.remove();
    if (!isAnswering) {
      isAnswering = true;
      thoughtSeconds ??= elapsed();
      thinking.end(thoughtSeconds);
      announce(translate("{name} answers.", { name }));
    }
    live.push(text);
  }

  /** @param {string} text */
  const addNote = (text, role = "note") => notes.append(h("p", { class: role, role }, text));

  /** @param {string} outcome */
  function close(outcome) {
    waiting.remove();
    if (!isAnswering) thinking.end(elapsed());
    live.end();
    const facts = figures(usage ?? stoppedUsage(), elapsed());
    meta.append(
      h("p", { class: "figures" }, ...facts.map((fact) => h("span", {}, fact))),
      h(
        "p",
        { class: "actions" },
        live.text() === "" ? null : h("button", {
          type: "button",
          class: "quiet",
          "data-action": "copy",
          onclick: (/** @type {Event} */ { currentTarget }) => copy(live.text(), currentTarget),
        }, translate("Copy")),
        quietButton(translate("Code"), onCode),
        quietButton(translate("Reasoning"), onReasoning),
      ),
    );
    announce(`${name}: ${outcome} ${facts.join(", ")}.`);
    return {
      seconds: elapsed(),
      reason,
      ...(thoughtSeconds === undefined ? {} : { thoughtSeconds }),
      ...(usage === undefined ? {} : { usage }),
    };
  }

  /** An estimate of what a stopped or failed answer used. */
  function stoppedUsage() {
    const total = Math.max(
      Math.ceil(received / CHARACTERS_PER_TOKEN),
      upstream === undefined ? 0 : upstream.prompt_tokens + upstream.completion_tokens,
    );
    if (total === 0) return undefined;
    return { total_tokens: total, upstream: { ...upstream, estimated: true } };
  }

  /** @param {any} chunk a chunk of the stream */
  function take(chunk) {
    if (chunk.usage) usage = chunk.usage;
    if (chunk.o1) {
      if (chunk.o1.type === "usage") upstream = chunk.o1;
      else waiting.remove();
      const line = thinking.progress(chunk.o1);
      if (line !== undefined) announce(line);
    }
    for (const { delta, finish_reason: finishReason } of chunk.choices ?? []) {
      const text = delta.reasoning ?? delta.reasoning_content;
      received += (text ?? "").length + (delta.content ?? "").length;
      if (text) {
        waiting.remove();
        thinking.text(text);
      }
      if (delta.content) addAnswer(delta.content);
      if (delta.refusal) addAnswer(delta.refusal);
      if (finishReason) reason = finishReason;
    }
  }

  /** Closes an answer whose stream is complete. */
  function finish() {
    const note = NOTES[reason]?.();
    if (note !== undefined) addNote(note);
    if (live.text() === "" && note === undefined) {
      addNote(translate("The model returned an empty answer."));
    }
    return close(translate("Answer complete."));
  }

  /** Closes an answer that the user has stopped. */
  function stop() {
    addNote(translate("Stopped."));
    return close(translate("Stopped."));
  }

  /** @param {unknown} error */
  function fail(error) {
    const status = error instanceof ApiFault && error.status > 0 ? `${error.status} · ` : "";
    const message = `${status}${error instanceof Error ? error.message : error}`;
    addNote(message, "alert");
    return { ...close(translate("Failed.")), error: message };
  }

  return {
    element,
    take,
    finish,
    stop,
    fail,
    /**
     * Shows a stored answer.
     *
     * @param {import("./turns.ts").Answer} answer
     */
    replay(answer) {
      replayedSeconds = answer.seconds;
      thoughtSeconds = answer.thoughtSeconds;
      reason = answer.reason;
      for (const part of answer.parts) {
        take("o1" in part ? part : { choices: [{ delta: part, finish_reason: null }] });
      }
      if (answer.usage !== undefined) usage = answer.usage;
      thoughts.open = false;
      if (answer.outcome === "complete") finish();
      else if (answer.outcome === "stopped") stop();
      else fail(answer.error);
    },
  };
}
