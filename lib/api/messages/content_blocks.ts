/**
 * The content of a message as blocks that never overlap, whatever the order of the events.
 *
 * @module
 */
import type { ReasoningEvent, ToolCallEvent } from "../../reasoning/events.ts";
import { createFormatter } from "../formats/formats.ts";
import { newId } from "../ids.ts";
import type { ThinkingDisplay } from "./decode.ts";

/** A block of the content. */
export interface Block {
  /** Its number, from 0. */
  index: number;
  /** What it holds. */
  type: "thinking" | "text" | "tool_use";
  /** A call's id. */
  id: string;
  /** The name of the tool that is called. */
  name: string;
  /** The pieces of its text, or of the JSON of a call's input. */
  pieces: string[];
}

/** What an event does to the blocks. */
export interface BlockChange {
  /** A block begins, goes on, or is whole. */
  type: "start" | "delta" | "stop";
  /** The block. */
  block: Block;
  /** The next characters of a block that goes on. */
  text: string;
}

/** The blocks of one message. */
export interface Blocks {
  /** Takes the next event. */
  push(event: ReasoningEvent): BlockChange[];
  /** All that has begun, in order. */
  all(): readonly Block[];
  /** The upstream's private thinking before the calls or the answer; empty where there is none. */
  thinking(): string;
  /** Whether the model has refused. */
  refused(): boolean;
}

/** How the blocks are made. */
export interface BlocksOptions {
  /** What is seen of the thinking. */
  thinking: ThinkingDisplay;
  /** Whether status lines are shown with it. */
  statusLines: boolean;
}

/** A block, and how much of it is out or has been looked at. */
interface Queued extends Block {
  begun: boolean;
  sent: number;
  checked: number;
}

/** Creates the blocks of one message. Its thinking is one block, however many steps it has. */
export function createBlocks({ thinking: display, statusLines }: BlocksOptions): Blocks {
  const formatter = createFormatter(display === "none" ? "hidden" : "both", {
    stream: true,
    statusLines,
  });
  const blocks: Queued[] = [];
  const calls = new Map<number, Queued>();
  let open = 0;
  let thinking = "";
  let refused = false;

  function add(type: Block["type"], id = "", name = ""): Queued {
    const progress = { begun: false, sent: 0, checked: 0 };
    const block = { index: blocks.length, type, id, name, pieces: [], ...progress };
    blocks.push(block);
    return block;
  }

  /** Text goes on in the last block where that is one of text. */
  function say(text: string): void {
    const last = blocks.at(-1);
    (last?.type === "text" ? last : add("text")).pieces.push(text);
  }

  function think(text: string): void {
    const last = blocks.at(-1) ?? add("thinking");
    // What comes after the thinking's end can't be shown any more.
    if (last.type === "thinking" && display === "shown") last.pieces.push(text);
  }

  function call({ index, id, name, arguments: json }: ToolCallEvent): void {
    let block = calls.get(index);
    if (block === undefined) {
      block = add("tool_use", id ?? newId("toolu_", 24), name ?? "");
      calls.set(index, block);
    }
    if (json !== "" && block.index >= open) block.pieces.push(json);
  }

  /** Writes the open block, and those after it as far as it is known to be whole. */
  function write(isEnd: boolean): BlockChange[] {
    const changes: BlockChange[] = [];
    for (;;) {
      const block = blocks[open];
      if (block === undefined) return changes;
      if (!block.begun) changes.push({ type: "start", block, text: "" });
      block.begun = true;
      const isWhole = isEnd || open < blocks.length - 1 && isComplete(block);
      const { pieces } = block;
      // An input always is an object.
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
      for (const { to, text } of formatter.push(event)) {
        if (to === "reasoning") think(text);
        else say(text);
      }
      switch (event.type) {
        case "step_end":
          if (event.title === "") thinking = event.content;
          break;
        case "refusal":
          refused = true;
          say(event.text);
          break;
        case "tool_call":
          call(event);
          break;
        case "finish":
          // Clients read the first text without asking whether there is one.
          if (blocks.every(({ type }) => type === "thinking")) add("text");
          break;
      }
      return write(event.type === "finish");
    },
    all: () => blocks,
    thinking: () => thinking,
    refused() {
      return refused;
    },
  };
}

/** Whether nothing more can come of a block that another one follows. */
function isComplete(block: Queued): boolean {
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
