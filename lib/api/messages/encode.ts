/**
 * Events in, a message out: the events of a stream, and the object.
 *
 * @see {@link https://docs.anthropic.com/en/docs/build-with-claude/streaming}
 */
import { isObject, tryParse } from "../../json.ts";
import type { FinishEvent, ReasoningEvent } from "../../reasoning/events.ts";
import type { Usage } from "../../reasoning/usage/meter.ts";
import type { AnswerWriter, Collector, Encoder } from "../dialect.ts";
import { newId } from "../ids.ts";
import { eventFrame } from "../sse_writer.ts";
import {
  type Block,
  type BlockChange,
  type Blocks,
  type BlocksOptions,
  createBlocks,
} from "./block_sequence.ts";
import { messagesErrorFrame } from "./errors.ts";

type Fields = Record<string, unknown>;

export type MessageHead = ReturnType<typeof messageHead>;

export interface MessageOptions extends BlocksOptions {
  /** Returns a signature from which the private thinking can be restored; never empty. */
  sign(thinking: string): Promise<string>;
}

/** Anthropic's clients skip this event. */
const PING = 'event: ping\ndata: {"type":"ping"}\n\n';

/** @param inputTokens estimate; the end of a stream reports the counted ones. */
export function messageHead(model: string, inputTokens: number) {
  return { id: newId("msg_", 24), model, inputTokens };
}

export function messageWriter(head: MessageHead, options: MessageOptions): AnswerWriter {
  const create = () => createMessageWriter(head, options);
  return { encoder: create, collector: create, keepalive: PING };
}

/** Writes one message, as a stream and as an object at once. */
function createMessageWriter(head: MessageHead, options: MessageOptions): Encoder & Collector {
  const blocks = createBlocks(options);
  let usage: Fields = {
    input_tokens: head.inputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: 0,
  };
  let signature = "";
  let stop: Fields = { stop_reason: null, stop_sequence: null, stop_details: null };

  function message(content: readonly Fields[]): Fields {
    const { id, model } = head;
    return { id, type: "message", role: "assistant", model, content, ...stop, usage };
  }

  function end(event: ReasoningEvent): string {
    if (event.type !== "finish") return "";
    stop = stopFields(event, blocks);
    return eventFrame({ type: "message_delta", delta: stop, usage }) +
      eventFrame({ type: "message_stop" });
  }

  function push(event: ReasoningEvent): string | Promise<string> {
    if (event.type === "usage") usage = usageObject(event.usage);
    const changes = blocks.push(event);
    const thoughtEnd = changes.findIndex(({ type, block }) =>
      type === "stop" && block.type === "thinking"
    );
    if (thoughtEnd < 0) return changes.map(changeFrame).join("") + end(event);
    const before = changes.slice(0, thoughtEnd).map(changeFrame).join("");
    const after = changes.slice(thoughtEnd).map(changeFrame).join("") + end(event);
    const { index } = changes[thoughtEnd]!.block;
    return options.sign(blocks.thinking()).then((signed) => {
      signature = signed;
      const delta = { type: "signature_delta", signature };
      return before + eventFrame({ type: "content_block_delta", index, delta }) + after;
    });
  }

  return {
    start: () => eventFrame({ type: "message_start", message: message([]) }) + PING,
    encode: push,
    push,
    fail: messagesErrorFrame,
    whole(cut) {
      if (cut !== undefined) {
        const event = { type: "finish" as const, reason: cut };
        blocks.push(event);
        stop = stopFields(event, blocks);
      }
      return message(blocks.all().map((block) => wholeBlock(block, signature)));
    },
  };
}

function changeFrame(change: BlockChange): string {
  const { type, block } = change;
  const { index } = block;
  switch (type) {
    case "start":
      return eventFrame({
        type: "content_block_start",
        index,
        content_block: wholeBlock({ ...block, pieces: [], citations: [] }, ""),
      });
    case "delta":
      return eventFrame({ type: "content_block_delta", index, delta: deltaOf(block, change.text) });
    case "citation": {
      const delta = { type: "citations_delta", citation: change.citation };
      return eventFrame({ type: "content_block_delta", index, delta });
    }
    case "stop":
      return eventFrame({ type: "content_block_stop", index });
  }
}

function deltaOf({ type }: Block, text: string): Fields {
  switch (type) {
    case "thinking":
      return { type: "thinking_delta", thinking: text };
    case "text":
      return { type: "text_delta", text };
    default:
      return { type: "input_json_delta", partial_json: text };
  }
}

function wholeBlock(block: Block, signature: string): Fields {
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

/** Cached tokens are not among Anthropic's input tokens. */
function usageObject(usage: Usage): Fields {
  return {
    input_tokens: Math.max(0, usage.promptTokens - usage.cachedTokens),
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: usage.cachedTokens,
    output_tokens: usage.completionTokens,
    output_tokens_details: { thinking_tokens: usage.reasoningTokens },
    upstream: usage.upstream,
  };
}

function stopFields(event: FinishEvent, blocks: Blocks): Fields {
  const stop_reason = stopReason(event, blocks);
  const stop_sequence = stop_reason === "stop_sequence" ? event.stop : null;
  return { stop_reason, stop_sequence, stop_details: null };
}

function stopReason({ reason, stop }: FinishEvent, blocks: Blocks): string {
  if (blocks.refused() || reason === "content_filter") return "refusal";
  if (reason === "length") return "max_tokens";
  if (blocks.all().some(({ type }) => type === "tool_use")) return "tool_use";
  return stop === undefined ? "end_turn" : "stop_sequence";
}
