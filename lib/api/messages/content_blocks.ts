import type { ReasoningEvent, ToolCallEvent } from "../../reasoning/events.ts";
import { createFormatter } from "../formats/formatter.ts";
import { newId } from "../ids.ts";
import type { ThinkingDisplay } from "./decode.ts";

export interface Block {
  /** Index in the message's content. */
  index: number;
  type: "thinking" | "text" | "tool_use";
  /** Id of a tool call. */
  id: string;
  /** Name of the called tool. */
  name: string;
  /** Pieces of the text, or of the JSON of a call's input. */
  pieces: string[];
}

export interface BlockChange {
  type: "start" | "delta" | "stop";
  block: Block;
  /** The next characters of a delta. */
  text: string;
}

/** The content of one message as blocks that never overlap, whatever the order of the events. */
export interface Blocks {
  push(event: ReasoningEvent): BlockChange[];
  all(): readonly Block[];
  /** The upstream's private thinking before the calls or the answer; may be empty. */
  thinking(): string;
  /** Whether the model has refused. */
  refused(): boolean;
}

export interface BlocksOptions {
  thinking: ThinkingDisplay;
  statusLines: boolean;
}

interface QueuedBlock extends Block {
  started: boolean;
  /** Number of pieces sent. */
  sent: number;
  /** Number of pieces that the last check for completeness saw. */
  checked: number;
}

/** Creates the blocks of one message. Its thinking is one block, however many steps it has. */
export function createBlocks({ thinking: display, statusLines }: BlocksOptions): Blocks {
  const format = createFormatter(display === "none" ? "hidden" : "both", {
    stream: true,
    statusLines,
  });
  const blocks: QueuedBlock[] = [];
  const calls = new Map<number, QueuedBlock>();
  /** Index of the block that is being sent; those before it have stopped. */
  let open = 0;
  let thinking = "";
  let refused = false;

  function add(type: Block["type"], id = "", name = ""): QueuedBlock {
    const progress = { started: false, sent: 0, checked: 0 };
    const block = { index: blocks.length, type, id, name, pieces: [], ...progress };
    blocks.push(block);
    return block;
  }

  function addText(text: string): void {
    const last = blocks.at(-1);
    (last?.type === "text" ? last : add("text")).pieces.push(text);
  }

  function addThinking(text: string): void {
    const last = blocks.at(-1) ?? add("thinking");
    // Thinking that comes after another block can't be shown any more.
    if (last.type === "thinking" && display === "shown") last.pieces.push(text);
  }

  function addCall({ index, id, name, arguments: json }: ToolCallEvent): void {
    let block = calls.get(index);
    if (block === undefined) {
      block = add("tool_use", id ?? newId("toolu_", 24), name ?? "");
      calls.set(index, block);
    }
    if (json !== "" && block.index >= open) block.pieces.push(json);
  }

  /** Sends the open block, and those after it as far as they are complete. */
  function send(isEnd: boolean): BlockChange[] {
    const changes: BlockChange[] = [];
    for (;;) {
      const block = blocks[open];
      if (block === undefined) return changes;
      if (!block.started) changes.push({ type: "start", block, text: "" });
      block.started = true;
      const isWhole = isEnd || open < blocks.length - 1 && isComplete(block);
      const { pieces } = block;
      // The input of a call must be an object.
      if (isWhole && block.type === "tool_use" && pieces.length === 0) pieces.push("{}");
      const text = pieces.slice(block.sent).join("");
      block.sent = pieces.length;
      if (text !== "") changes.push({ type: "delta", block, text });
      if (!isWhole) return changes;
      changes.push({ type: "stop", block, text: "" });
      open++;
    }
  }

  return {
    push(event) {
      for (const { to, text } of format(event)) {
        if (to === "reasoning") addThinking(text);
        else addText(text);
      }
      switch (event.type) {
        case "step_end":
          if (event.title === "") thinking = event.content;
          break;
        case "refusal":
          refused = true;
          addText(event.text);
          break;
        case "tool_call":
          addCall(event);
          break;
        case "finish":
          // Clients read the first text block without checking that there is one.
          if (blocks.every(({ type }) => type === "thinking")) add("text");
          break;
      }
      return send(event.type === "finish");
    },
    all: () => blocks,
    thinking: () => thinking,
    refused: () => refused,
  };
}

/** Whether a block that another one follows can't grow any more. */
function isComplete(block: QueuedBlock): boolean {
  const { type, pieces } = block;
  if (type !== "tool_use") return true;
  if (block.checked === pieces.length) return false;
  block.checked = pieces.length;
  const text = pieces.join("");
  if (!text.trimEnd().endsWith("}")) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
