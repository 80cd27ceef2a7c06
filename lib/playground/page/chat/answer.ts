import { ApiFault } from "../api/requests.ts";
import type { Chunk, Usage } from "../api/types.ts";
import { copyButton } from "../dom/clipboard.ts";
import { followEnd, h, quietButton } from "../dom/elements.ts";
import { translate } from "../language/translate.ts";
import { createLiveText } from "../text/live_text.ts";
import { createThinking, type Progress } from "../thinking/thinking.ts";
import { figures } from "./figures.ts";
import type { Answer } from "./turns.ts";

export interface AnswerOptions {
  /** The model's display name. */
  name: string;
  /** Announces progress to screen readers. */
  announce: (line: string) => void;
  /** Whether other answers are shown beside it. */
  isBeside: boolean;
  /** Called when the user asks for the request as code. */
  onCode: () => void;
  /** Called when the user asks how the answer came about. */
  onReasoning: () => void;
}

const CHARACTERS_PER_TOKEN = 4;

/** Notes for finish reasons other than `stop`. */
const NOTES: Record<string, () => string> = {
  length: () => translate("Cut off at the token limit."),
  content_filter: () => translate("The provider's content filter stopped this answer."),
};

/** Shows one model's answer to one question as it streams. */
export function createAnswer({ name, announce, isBeside, onCode, onReasoning }: AnswerOptions) {
  const start = performance.now();
  let replayedSeconds: number | undefined;
  const elapsed = () => replayedSeconds ?? (performance.now() - start) / 1000;
  let thoughtSeconds: number | undefined;
  const heading = h("h2.who", name);
  const thoughts = h("details.thinking", { open: true, hidden: true });
  const prose = h("div.prose.answer");
  const waiting = h("p.waiting", translate("Waiting for the first words…"));
  const notes = h("div.notes");
  const meta = h("div.meta");
  const element = h("article.lane", {
    "aria-label": translate("Answer of {name}", { name }),
  });
  const content = h("div.content", thoughts, waiting, prose, notes, meta);
  // Beside other answers, each scrolls by itself.
  const scroller = h("div.scroller", { tabindex: isBeside && 0 }, content);
  element.append(heading, scroller);
  followEnd(scroller, content);
  const thinking = createThinking(thoughts);
  const live = createLiveText(prose);
  let isAnswering = false;
  let usage: Usage | undefined;
  /** What the calls that have ended used. */
  let upstream: Extract<Progress, { type: "usage" }> | undefined;
  let received = 0;
  let reason = "stop";

  function addAnswer(text: string) {
    waiting.remove();
    if (!isAnswering) {
      isAnswering = true;
      thoughtSeconds ??= elapsed();
      thinking.end(thoughtSeconds);
      announce(translate("{name} starts to answer.", { name }));
    }
    live.push(text);
  }

  const addNote = (text: string, role = "note") =>
    notes.append(h("p", { class: role, role }, text));

  function close(outcome: string) {
    waiting.remove();
    if (!isAnswering) thinking.end(elapsed());
    live.end();
    const facts = figures(usage ?? stoppedUsage(), elapsed());
    meta.append(
      h("p.figures", ...facts.map((fact) => h("span", fact))),
      h(
        "p.actions",
        live.text() === "" ? null : copyButton(live.text, { "data-action": "copy" }),
        quietButton(translate("Code"), onCode),
        quietButton(translate("Reasoning"), onReasoning),
      ),
    );
    announce(`${name}: ${outcome} ${facts.join(", ")}.`);
    return { seconds: elapsed(), reason, thoughtSeconds, usage };
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

  function take(chunk: Chunk) {
    if (chunk.usage) usage = chunk.usage;
    if (chunk.o1) {
      const event = chunk.o1 as Progress;
      if (event.type === "usage") upstream = event;
      else waiting.remove();
      const line = thinking.progress(event);
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

  function fail(error: unknown) {
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
    /** Shows a stored answer. */
    replay(answer: Answer) {
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
