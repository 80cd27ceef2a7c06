/**
 * Reasoning as one block at the head of the content.
 *
 * @module
 */
import type { Formatter, FormatterOptions } from "./format.ts";
import { createReasoningText } from "./reasoning_text.ts";
import { createTagGuard } from "./tag_guard.ts";

/** Reasoning between two marks at the head of the content. */
function wrapped(
  statusLines: boolean,
  tag: string,
  open: string,
  close: string,
  quote = (text: string) => text,
): Formatter {
  const text = createReasoningText(statusLines);
  const guard = createTagGuard(tag);
  let state: "before" | "inside" | "after" = "before";

  function inside(raw: string): string {
    const safe = guard.push(raw);
    if (safe === "") return "";
    const start = state === "before" ? open : "";
    state = "inside";
    return start + quote(safe);
  }

  return {
    push(event) {
      if (event.type !== "answer" && event.type !== "tool_call" && event.type !== "finish") {
        const piece = inside(text.push(event));
        return piece === "" ? [] : [{ to: "content", text: piece }];
      }
      if (state === "after") {
        return event.type === "answer" ? [{ to: "content", text: event.text }] : [];
      }
      const last = inside(text.beforeAnswer()) + quote(guard.end());
      const end = state === "inside" ? close : "";
      state = "after";
      const answer = event.type === "answer" ? event.text : "";
      const whole = last + end + answer;
      return whole === "" ? [] : [{ to: "content", text: whole }];
    },
  };
}

/** `<think>…</think>` before the answer. */
export function thinkFormatter({ statusLines }: FormatterOptions): Formatter {
  return wrapped(statusLines, "think", "<think>\n", "</think>\n\n");
}

/** Open WebUI's block: each line quoted. How long it took is known only to a whole answer. */
export function detailsFormatter({ stream, statusLines }: FormatterOptions): Formatter {
  let seconds = 0;
  const close = "\n</details>\n\n";
  const quote = (text: string) => text.replaceAll("\n", "\n> ");
  const summary = (attributes: string, text: string) =>
    `<details type="reasoning"${attributes}>\n<summary>${text}</summary>\n> `;
  if (stream) return wrapped(statusLines, "details", summary("", "Thinking"), close, quote);
  const mark = "\u0000";
  const inner = wrapped(statusLines, "details", mark, close, quote);
  const held: string[] = [];
  let open = true;
  return {
    push(event) {
      if (event.type === "step_end") seconds += event.seconds;
      const pieces = inner.push(event);
      if (!open) return pieces;
      for (const { text } of pieces) held.push(text);
      if (event.type !== "answer" && event.type !== "tool_call" && event.type !== "finish") {
        return [];
      }
      open = false;
      const took = Math.round(seconds);
      const head = summary(` done="true" duration="${took}"`, `Thought for ${took} seconds`);
      const text = held.join("").replace(mark, () => head);
      return text === "" ? [] : [{ to: "content", text }];
    },
  };
}
