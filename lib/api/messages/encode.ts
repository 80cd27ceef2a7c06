/**
 * Events in, a message out: the events of a stream, or one object.
 *
 * @see {@link https://docs.anthropic.com/en/docs/build-with-claude/streaming}
 * @module
 */
import type { FinishEvent, ReasoningEvent } from "../../reasoning/events.ts";
import type { Usage } from "../../reasoning/usage.ts";
import type { AnswerWriter, Collector, Encoder } from "../dialect.ts";
import { newId } from "../ids.ts";
import {
  type Block,
  type BlockChange,
  type Blocks,
  type BlocksOptions,
  createBlocks,
} from "./content_blocks.ts";
import { messagesErrorFrame } from "./errors.ts";

export interface MessageHead {
  id: string;
  model: string;
  /** Estimated tokens of the prompt; the end of a stream reports the counted ones. */
  inputTokens: number;
}

export interface MessageOptions extends BlocksOptions {
  /** Creates the signature that brings private thinking back; never empty. */
  sign(thinking: string): Promise<string>;
}

/** Anthropic's clients skip this event. */
const PING = 'event: ping\ndata: {"type":"ping"}\n\n';

export function messageHead(model: string, inputTokens: number): MessageHead {
  return { id: newId("msg_", 24), model, inputTokens };
}

export function messageWriter(head: MessageHead, options: MessageOptions): AnswerWriter {
  return {
    encoder: () => createEventEncoder(head, options),
    collector: () => createMessageCollector(head, options),
    keepalive: PING,
  };
}

/** Cached tokens are not among Anthropic's input tokens. */
function usageObject(usage: Usage): Record<string, unknown> {
  return {
    input_tokens: Math.max(0, usage.promptTokens - usage.cachedTokens),
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: usage.cachedTokens,
    output_tokens: usage.completionTokens,
    output_tokens_details: { thinking_tokens: usage.reasoningTokens },
    upstream: usage.upstream,
  };
}

function estimatedUsage({ inputTokens }: MessageHead): Record<string, unknown> {
  return {
    input_tokens: inputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: 0,
  };
}

function stopReason({ reason, stop }: FinishEvent, blocks: Blocks): string {
  if (blocks.refused() || reason === "content_filter") return "refusal";
  if (reason === "length") return "max_tokens";
  if (blocks.all().some(({ type }) => type === "tool_use")) return "tool_use";
  return stop === undefined ? "end_turn" : "stop_sequence";
}

function stopFields(event: FinishEvent, blocks: Blocks): Record<string, unknown> {
  const stop_reason = stopReason(event, blocks);
  const stop_sequence = stop_reason === "stop_sequence" ? event.stop : null;
  return { stop_reason, stop_sequence, stop_details: null };
}

const endsThinking = ({ type, block }: BlockChange) => type === "stop" && block.type === "thinking";

function createEventEncoder(head: MessageHead, options: MessageOptions): Encoder {
  const blocks = createBlocks(options);
  let usage = estimatedUsage(head);

  function end(event: ReasoningEvent): string {
    if (event.type !== "finish") return "";
    const delta = JSON.stringify(stopFields(event, blocks));
    return frame("message_delta", `"delta":${delta},"usage":${JSON.stringify(usage)}`) +
      'event: message_stop\ndata: {"type":"message_stop"}\n\n';
  }

  return {
    start() {
      const message = messageObject(head, [], usage);
      return frame("message_start", `"message":${JSON.stringify(message)}`) + PING;
    },
    encode(event) {
      if (event.type === "usage") usage = usageObject(event.usage);
      const changes = blocks.push(event);
      const at = changes.findIndex(endsThinking);
      if (at < 0) return changes.map(changeFrame).join("") + end(event);
      const before = changes.slice(0, at).map(changeFrame).join("");
      const after = changes.slice(at).map(changeFrame).join("") + end(event);
      return options.sign(blocks.thinking()).then((signature) =>
        before + deltaFrame(changes[at]!.block, `"signature_delta","signature":"${signature}"`) +
        after
      );
    },
    fail: messagesErrorFrame,
  };
}

function frame(type: string, fields: string): string {
  return `event: ${type}\ndata: {"type":"${type}",${fields}}\n\n`;
}

function deltaFrame({ index }: Block, delta: string): string {
  return frame("content_block_delta", `"index":${index},"delta":{"type":${delta}}`);
}

/** The start of a delta, before its text. */
const DELTAS: Readonly<Record<Block["type"], string>> = {
  thinking: '"thinking_delta","thinking":',
  text: '"text_delta","text":',
  tool_use: '"input_json_delta","partial_json":',
};

function changeFrame({ type, block, text }: BlockChange): string {
  switch (type) {
    case "start": {
      const empty = JSON.stringify(emptyBlock(block));
      return frame("content_block_start", `"index":${block.index},"content_block":${empty}`);
    }
    case "delta":
      return deltaFrame(block, DELTAS[block.type] + JSON.stringify(text));
    case "stop":
      return frame("content_block_stop", `"index":${block.index}`);
  }
}

function emptyBlock({ type, id, name }: Block): Record<string, unknown> {
  switch (type) {
    case "thinking":
      return { type, thinking: "", signature: "" };
    case "text":
      return { type, text: "" };
    case "tool_use":
      return { type, id, name, input: {} };
  }
}

function messageObject(
  { id, model }: MessageHead,
  content: readonly Record<string, unknown>[],
  usage: Record<string, unknown>,
): Record<string, unknown> {
  const stop = { stop_reason: null, stop_sequence: null, stop_details: null };
  return { id, type: "message", role: "assistant", model, content, ...stop, usage };
}

function createMessageCollector(head: MessageHead, options: MessageOptions): Collector {
  const blocks = createBlocks(options);
  let usage = estimatedUsage(head);
  let signature = "";
  let stop: Record<string, unknown> | undefined;

  function wholeBlock(block: Block): Record<string, unknown> {
    const text = block.pieces.join("");
    switch (block.type) {
      case "thinking":
        return { type: block.type, thinking: text, signature };
      case "text":
        return { type: block.type, text };
      case "tool_use":
        return { ...emptyBlock(block), input: parseInput(text) };
    }
  }

  return {
    push(event) {
      if (event.type === "usage") usage = usageObject(event.usage);
      const changes = blocks.push(event);
      if (event.type === "finish") stop = stopFields(event, blocks);
      if (!changes.some(endsThinking)) return;
      return options.sign(blocks.thinking()).then((signed) => void (signature = signed));
    },
    whole(cut) {
      if (cut !== undefined) {
        const event = { type: "finish" as const, reason: cut };
        blocks.push(event);
        stop = stopFields(event, blocks);
      }
      return { ...messageObject(head, blocks.all().map(wholeBlock), usage), ...stop };
    },
  };
}

/** Parses a call's input. Anthropic marks what is not an object with `INVALID_JSON`. */
function parseInput(json: string): unknown {
  try {
    const input: unknown = JSON.parse(json);
    if (typeof input === "object" && input !== null && !Array.isArray(input)) return input;
  } catch {
    // The call was cut off, or the model wrote invalid JSON.
  }
  return { INVALID_JSON: json };
}
