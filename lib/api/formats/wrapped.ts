/**
 * Reasoning as one block at the head of the content.
 *
 * @module
 */
import type { Formatter, FormatterOptions } from "./format.ts";
import { createReasoningText, endsThinking } from "./reasoning_text.ts";
import { createTagGuard } from "./tag_guard.ts";

/** A block at the head of the content. */
interface Block {
  /** The name of its tag, which the reasoning inside must not hold. */
  tag: string;
  /** What opens it; a block that goes out whole is asked at its end. */
  open(): string;
  /** What closes it. */
  close: string;
  /** Changes the text inside, piece by piece. */
  quote?(text: string): string;
}

/** Reasoning in a block at the head of the content, streamed or whole. */
function wrapped(block: Block, statusLines: boolean, stream: boolean): Formatter {
  const { quote = (text: string) => text } = block;
  const text = createReasoningText(statusLines);
  const guard = createTagGuard(block.tag);
  let state: "before" | "inside" | "after" = "before";
  let held = "";

  function inside(safe: string): string {
    if (safe === "") return "";
    const piece = quote(safe);
    const start = state === "before" && stream ? block.open() : "";
    state = "inside";
    if (stream) return start + piece;
    held += piece;
    return "";
  }

  function end(): string {
    const last = inside(guard.push(text.beforeAnswer()) + guard.end());
    const opened = state === "inside";
    state = "after";
    if (!opened) return "";
    return stream ? last + block.close : block.open() + held + block.close;
  }

  return {
    push(event) {
      let piece = "";
      if (!endsThinking(event)) piece = inside(guard.push(text.push(event)));
      else if (state !== "after") piece = end();
      if (event.type === "answer") piece += event.text;
      return piece === "" ? [] : [{ to: "content", text: piece }];
    },
  };
}

/** `<think>…</think>` before the answer. */
export function thinkFormatter({ statusLines }: FormatterOptions): Formatter {
  const block: Block = { tag: "think", open: () => "<think>\n", close: "</think>\n\n" };
  return wrapped(block, statusLines, true);
}

/** Open WebUI's block: each line quoted. How long it took is known only to a whole answer. */
export function detailsFormatter({ stream, statusLines }: FormatterOptions): Formatter {
  let seconds = 0;
  const inner = wrapped(
    {
      tag: "details",
      open() {
        const took = Math.round(seconds);
        const attributes = stream ? "" : ` done="true" duration="${took}"`;
        const summary = stream ? "Thinking" : `Thought for ${took} seconds`;
        return `<details type="reasoning"${attributes}>\n<summary>${summary}</summary>\n> `;
      },
      close: "\n</details>\n\n",
      quote: (text) => text.replaceAll("\n", "\n> "),
    },
    statusLines,
    stream,
  );
  return {
    push(event) {
      if (event.type === "step_end") seconds += event.seconds;
      return inner.push(event);
    },
  };
}
