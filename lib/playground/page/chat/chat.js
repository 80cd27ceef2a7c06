import { streamChat } from "../api.js";
import { h } from "../dom.js";
import { createAnswer } from "./answer.js";

/**
 * @typedef {object} ChatOptions
 * @property {HTMLElement} log container of the turns
 * @property {() => string} key
 * @property {(line: string) => void} announce announces progress to screen readers
 * @property {ReturnType<typeof import("../drawer.js").createDrawer>} drawer
 * @property {(body: Record<string, unknown>) => void} showCode
 */

/**
 * @typedef {object} Question
 * @property {string} text
 * @property {string[]} images data URLs
 * @property {import("./picker.js").Pick[]} picks one per column
 * @property {string} effort empty for the model's default
 */

/** @param {ChatOptions} options */
export function createChat({ log, key, announce, drawer, showCode }) {
  /**
   * The conversation of each column, which continues with that column's own answers.
   *
   * @type {Record<string, unknown>[][]}
   */
  let histories = [];
  /** @type {AbortController | undefined} */
  let running;

  /**
   * @param {number} lane
   * @param {Question} question
   * @param {HTMLElement} lanes
   * @param {AbortSignal} signal
   */
  async function askLane(lane, question, lanes, signal) {
    const pick = question.picks[lane];
    if (pick === undefined) return;
    const history = histories[lane] ?? [];
    const message = messageOf(question);
    const body = bodyOf(pick, question.effort, [...history, message]);
    const answer = createAnswer({
      name: pick.name,
      announce,
      isBeside: question.picks.length > 1,
      onCode: () => showCode(body),
    });
    lanes.append(answer.element);
    try {
      for await (const chunk of streamChat(key(), body, signal)) {
        drawer.add(pick.name, chunk);
        answer.take(chunk);
      }
      answer.finish();
    } catch (error) {
      if (signal.aborted) answer.stop();
      else answer.fail(error);
    }
    // Drop a question without an answer: some providers reject two user messages in a row.
    if (answer.text() !== "" && histories[lane] === history) {
      history.push(message, { role: "assistant", content: answer.text() });
    }
  }

  return {
    isRunning: () => running !== undefined,
    /**
     * Asks every column at once; resolves when all have ended.
     *
     * @param {Question} question
     */
    async ask(question) {
      const controller = running = new AbortController();
      const lanes = h("div", { class: "lanes", "data-count": question.picks.length });
      log.append(
        h(
          "section",
          { class: "turn", "aria-label": "Question and answer" },
          h(
            "div",
            { class: "question" },
            ...question.images.map((src) => h("img", { src, alt: "Picture in the question" })),
            question.text === "" ? null : h("p", {}, question.text),
          ),
          lanes,
        ),
      );
      announce("Question sent.");
      // A new column starts with the first column's conversation, before that one continues.
      question.picks.forEach((_, lane) => histories[lane] ??= [...histories[0] ?? []]);
      await Promise.all(
        question.picks.map((_, lane) => askLane(lane, question, lanes, controller.signal)),
      );
      if (running === controller) running = undefined;
    },
    /** Stops every running answer, including the work upstream. */
    stop() {
      running?.abort();
    },
    clear() {
      running?.abort();
      running = undefined;
      histories = [];
      log.replaceChildren();
      drawer.clear();
    },
  };
}

/** @param {Question} question */
function messageOf({ text, images }) {
  if (images.length === 0) return { role: "user", content: text };
  return {
    role: "user",
    content: [
      ...(text === "" ? [] : [{ type: "text", text }]),
      ...images.map((url) => ({ type: "image_url", image_url: { url } })),
    ],
  };
}

/**
 * @param {import("./picker.js").Pick} pick
 * @param {string} effort
 * @param {Record<string, unknown>[]} messages
 */
function bodyOf({ model, strategy }, effort, messages) {
  return {
    model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
    ...(effort === "" ? {} : { reasoning_effort: effort }),
    reasoning: { events: true, ...(strategy === undefined ? {} : { strategy }) },
    reasoning_format: "reasoning",
  };
}
