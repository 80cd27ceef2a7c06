/**
 * The conversation: questions, and the answers of each column.
 *
 * @module
 */
import { createAnswer } from "./answer.js";
import { streamChat } from "./api.js";
import { h } from "./dom.js";

/**
 * @typedef {object} ChatOptions
 * @property {HTMLElement} log where the turns stand
 * @property {() => string} key
 * @property {(line: string) => void} say tells of progress to who can't see it
 * @property {ReturnType<typeof import("./drawer.js").createDrawer>} drawer
 * @property {(body: Record<string, unknown>) => void} showCode
 */

/**
 * @typedef {object} Question
 * @property {string} text
 * @property {string[]} images data URLs
 * @property {import("./controls.js").Pick[]} picks who is asked
 * @property {string} effort empty: as the model does
 */

/**
 * Creates an empty conversation.
 *
 * @param {ChatOptions} options
 */
export function createChat({ log, key, say, drawer, showCode }) {
  /** Each column's own conversation: later questions build on its own answers. */
  /** @type {Record<string, unknown>[][]} */
  let histories = [];
  /** @type {AbortController | undefined} */
  let running;

  /**
   * @param {number} lane
   * @param {Question} question
   * @param {HTMLElement} lanes
   * @param {AbortSignal} signal
   */
  async function ask(lane, question, lanes, signal) {
    const pick = question.picks[lane];
    if (pick === undefined) return;
    // A new column begins with what the first one has said so far.
    const history = histories[lane] ??= [...histories[0] ?? []];
    const message = messageOf(question);
    const body = bodyOf(pick, question.effort, [...history, message]);
    const answer = createAnswer({ name: pick.name, say, onCode: () => showCode(body) });
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
    // A question without an answer is forgotten: two in a row are refused by some providers.
    if (answer.text() !== "" && histories[lane] === history) {
      history.push(message, { role: "assistant", content: answer.text() });
    }
  }

  return {
    /** Whether answers are being written. */
    isRunning: () => running !== undefined,
    /**
     * Asks everybody at once; resolves when all have answered.
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
            ...question.images.map((src) => h("img", { src, alt: "Picture of the question" })),
            question.text === "" ? null : h("p", {}, question.text),
          ),
          lanes,
        ),
      );
      say("Asked.");
      // Every column has to have its beginning before one of them goes on.
      question.picks.forEach((_, lane) => histories[lane] ??= [...histories[0] ?? []]);
      await Promise.all(
        question.picks.map((_, lane) => ask(lane, question, lanes, controller.signal)),
      );
      if (running === controller) running = undefined;
    },
    /** Stops what is being written, the work upstream too. */
    stop() {
      running?.abort();
    },
    /** Begins anew. */
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
 * @param {import("./controls.js").Pick} pick
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
