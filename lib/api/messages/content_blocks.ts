/** Content blocks on the wire: `thinking_delta` and the other events of a block, and the whole block. */
import { isObject, tryParse } from "../../json.ts";
import { eventFrame } from "../sse_writer.ts";
import type { Block, BlockChange } from "./block_sequence.ts";

export type Fields = Record<string, unknown>;

export function changeFrame(change: BlockChange): string {
  const { type, block } = change;
  const { index } = block;
  switch (type) {
    case "start":
      return eventFrame({ type: "content_block_start", index, content_block: emptyBlock(block) });
    case "delta":
      return eventFrame({ type: "content_block_delta", index, delta: delta(block, change.text) });
    case "citation": {
      const { citation } = change;
      const delta = { type: "citations_delta", citation };
      return eventFrame({ type: "content_block_delta", index, delta });
    }
    case "stop":
      return eventFrame({ type: "content_block_stop", index });
  }
}

function emptyBlock(block: Block): Fields {
  return wholeBlock({ ...block, pieces: [], citations: [] }, "");
}

function delta({ type }: Block, text: string): Fields {
  switch (type) {
    case "thinking":
      return { type: "thinking_delta", thinking: text };
    case "text":
      return { type: "text_delta", text };
    default:
      return { type: "input_json_delta", partial_json: text };
  }
}

export function wholeBlock(block: Block, signature: string): Fields {
  const { type, id, name, server, extra, result, pieces, citations } = block;
  const text = pieces.join("");
  switch (type) {
    case "thinking":
      return { type, thinking: text, signature };
    case "text":
      return { type, text, ...(citations.length > 0 && { citations }) };
    case "tool_use":
      return { type, id, name, input: parseInput(text), ...(extra && { extra_content: extra }) };
    case "server_tool_use":
      return { type, id, name, input: parseInput(text) };
    case "mcp_tool_use":
      return { type, id, name, server_name: server, input: parseInput(text) };
    case "server_tool_result":
      return result!;
  }
}

/** Anthropic marks what is not an object, such as a call that was cut off, with `INVALID_JSON`. */
function parseInput(json: string): unknown {
  const input = tryParse(json || "{}");
  return isObject(input) ? input : { INVALID_JSON: json };
}
