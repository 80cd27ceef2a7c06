import { endsThinking } from "../../reasoning/events.ts";
import type { Formatter, FormatterOptions } from "./format.ts";
import { createReasoningText } from "./reasoning_text.ts";
import { createTagGuard } from "./tag_guard.ts";

/** A block at the head of the content. */
interface Block {
  /** The name of its tag, which the reasoning inside must not contain. */
  tag: string;
  /** Called at the start of a stream, or at the end of a whole answer. */
  open(): string;
  close: string;
  /** Changes each piece of the text inside the block. */
  quote?(text: string): string;
}

function wrapped(block: Block, statusLines: boolean, stream: boolean): Formatter {
  const { quote = (text: string) => text } = block;
  const text = createReasoningText(statusLines);
  const guard = createTagGuard(block.tag);
  let state: "before" | "inside" | "after" = "before";
  let held = "";

  function inside(safe: string): string {
    if (safe === "") return "";
    const start = state === "before" && stream ? block.open() : "";
    state = "inside";
    if (stream) return start + quote(safe);
    held += quote(safe);
    return "";
  }

  function end(): string {
    const last = inside(guard.push(text.beforeAnswer()) + guard.end());
    const isOpen = state === "inside";
    state = "after";
    if (!isOpen) return "";
    return stream ? last + block.close : block.open() + held + block.close;
  }

  return (event) => {
    let piece = "";
    if (!endsThinking(event)) piece = inside(guard.push(text.push(event)));
    else if (state !== "after") piece = end();
    if (event.type === "answer") piece += event.text;
    return piece === "" ? [] : [{ to: "content", text: piece }];
  };
}

/** `<think>…</think>` before the answer. */
export function thinkFormatter({ statusLines }: FormatterOptions): Formatter {
  const block: Block = { tag: "think", open: () => "<think>\n", close: "</think>\n\n" };
  return wrapped(block, statusLines, true);
}

/** Open WebUI's block, with each line quoted. Only a whole answer contains the time. */
export function detailsFormatter({ stream, statusLines }: FormatterOptions): Formatter {
  let seconds = 0;
  const block: Block = {
    tag: "details",
    open() {
      const rounded = Math.round(seconds);
      const attributes = stream ? "" : ` done="true" duration="${rounded}"`;
      const summary = stream ? "Thinking" : `Thought for ${rounded} seconds`;
      return `<details type="reasoning"${attributes}>\n<summary>${summary}</summary>\n> `;
    },
    close: "\n</details>\n\n",
    quote: (text) => text.replaceAll("\n", "\n> "),
  };
  const inner = wrapped(block, statusLines, stream);
  return (event) => {
    if (event.type === "step_end") seconds += event.seconds;
    return inner(event);
  };
}
