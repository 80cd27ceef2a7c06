import { tryParse } from "../../json.ts";
import {
  type AnswerParts,
  endsThinking,
  type ReasoningEvent,
  type ToolCallEvent,
} from "../../reasoning/events.ts";
import { type MessageState, packThinking } from "../../reasoning/output/private_thinking.ts";
import { createFormatter } from "../formats/formatter.ts";
import { newId } from "../ids.ts";
import { type Citation, citationsOf } from "./citations.ts";
import type { ThinkingDisplay } from "./decode.ts";
import { createShownUses, type KnownTools } from "./server_tools.ts";

export interface Block {
  /** Index in the message's content. */
  index: number;
  type:
    | "thinking"
    | "text"
    | "tool_use"
    | "server_tool_use"
    | "mcp_tool_use"
    | "server_tool_result";
  /** Id of a tool call. */
  id: string;
  name: string;
  /** Name of the MCP server whose tool it is. */
  server?: string | undefined;
  /** What the provider wants back with a call. */
  extra?: Record<string, unknown> | undefined;
  /** The whole block of a result. */
  result?: Record<string, unknown>;
  /** Pieces of the text, or of the JSON of a call's input. */
  pieces: string[];
  /** Number of pieces sent; -1 until the block's start has been sent. */
  sent: number;
  citations: Citation[];
  sentCitations: number;
}

export type BlockChange =
  | { type: "start" | "stop"; block: Block }
  /** `text` has the next characters. */
  | { type: "delta"; block: Block; text: string }
  | { type: "citation"; block: Block; citation: Citation };

export interface BlocksOptions {
  thinking: ThinkingDisplay;
  statusLines: boolean;
  /** The server's tools whose uses are blocks. Default: none. */
  serverTools?: KnownTools | undefined;
}

const NO_KNOWN_TOOLS: KnownTools = { kinds: [], mcpTools: {} };

export type Blocks = ReturnType<typeof createBlocks>;

/**
 * Creates the content of one message as blocks that never overlap, whatever the order of the
 * events. The thinking is one block, however many steps it has, and the uses of tools follow it.
 */
export function createBlocks(
  { thinking: display, statusLines, serverTools = NO_KNOWN_TOOLS }: BlocksOptions,
) {
  const format = createFormatter(display === "none" ? "hidden" : "both", {
    stream: true,
    statusLines,
  });
  const blocks: Block[] = [];
  const calls = new Map<number, Block>();
  /** Index of the block that is being sent; those before it have stopped. */
  let open = 0;
  let thinking = "";
  const state: MessageState[] = [];
  const uses = createShownUses(serverTools);
  let refused = false;

  function add(type: Block["type"], id = "", name = ""): Block {
    const block: Block = {
      index: blocks.length,
      type,
      id,
      name,
      pieces: [],
      sent: -1,
      citations: [],
      sentCitations: 0,
    };
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

  function addUses(): void {
    for (const { id, name, server, input, result } of uses.take()) {
      const block = add(server === undefined ? "server_tool_use" : "mcp_tool_use", id, name);
      block.server = server;
      block.pieces.push(input);
      add("server_tool_result").result = result;
    }
  }

  /** State is sent in the signature of the thinking. If there is no thinking, an empty block is added. */
  function addState(piece: MessageState): void {
    if (display === "none") return;
    if (blocks.length === 0) add("thinking");
    state.push(piece);
  }

  function addCall({ index, id, name, arguments: json, extra }: ToolCallEvent): void {
    let block = calls.get(index);
    if (block === undefined) {
      block = add("tool_use", id ?? newId("toolu_", 24), name ?? "");
      block.extra = extra;
      calls.set(index, block);
    }
    if (json !== "" && block.index >= open) block.pieces.push(json);
  }

  /** Only text can have citations. Those that arrive after its end are dropped. */
  function addCitations(parts: AnswerParts): void {
    const citations = citationsOf(parts);
    const last = blocks.at(-1);
    if (citations.length === 0 || last?.type === "tool_use") return;
    (last?.type === "text" ? last : add("text")).citations.push(...citations);
  }

  /** Sends the open block and, once it is complete, the blocks after it. */
  function send(isEnd: boolean): BlockChange[] {
    const changes: BlockChange[] = [];
    for (;;) {
      const block = blocks[open];
      if (block === undefined) return changes;
      if (block.sent < 0) {
        changes.push({ type: "start", block });
        block.sent = 0;
      }
      const isWhole = isEnd || open < blocks.length - 1 && isComplete(block);
      const { pieces } = block;
      // The input of a call must be an object.
      if (isWhole && block.type === "tool_use" && pieces.length === 0) pieces.push("{}");
      const text = pieces.slice(block.sent).join("");
      block.sent = pieces.length;
      if (text !== "") changes.push({ type: "delta", block, text });
      for (const citation of block.citations.slice(block.sentCitations)) {
        changes.push({ type: "citation", block, citation });
      }
      block.sentCitations = block.citations.length;
      if (!isWhole) return changes;
      changes.push({ type: "stop", block });
      open++;
    }
  }

  function push(event: ReasoningEvent): BlockChange[] {
    if (endsThinking(event)) addUses();
    for (const { to, text } of format(event)) {
      if (to === "reasoning") addThinking(text);
      else addText(text);
    }
    if (event.type === "step_end" && event.title === "") thinking = event.content;
    else if (event.type === "tool_call") addCall(event);
    else if (
      event.type === "tool_start" || event.type === "tool_output" || event.type === "tool_end"
    ) uses.add(event);
    else if (event.type === "state") addState(event.state);
    else if (event.type === "parts") addCitations(event.parts);
    else if (event.type === "refusal") {
      refused = true;
      addText(event.text);
    } else if (event.type === "finish") {
      // Clients read the first text block without checking that there is one.
      if (!blocks.some(({ type }) => type === "text" || type === "tool_use")) add("text");
    }
    return send(event.type === "finish");
  }

  return {
    push,
    all: (): readonly Block[] => blocks,
    /** The upstream's private thinking before the calls or the answer; may be empty. */
    thinking: () => packThinking(thinking, state),
    refused: () => refused,
  };
}

/** Returns true if a block that is not the last one can't grow any more. */
function isComplete({ type, pieces }: Block): boolean {
  if (type !== "tool_use") return true;
  const text = pieces.join("");
  return text.trimEnd().endsWith("}") && tryParse(text) !== undefined;
}
