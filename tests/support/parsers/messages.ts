/**
 * A strict parser of streams of the Messages API.
 *
 * @module
 */

// deno-lint-ignore no-explicit-any -- tests read any field
type Json = any;

export interface MessageStream {
  /** The message so far, assembled from the events. */
  message: Json;
  /** The event types in order. */
  events: string[];
  /** True after `message_stop`. */
  done: boolean;
  /** The error of the error event, if there is one. */
  error: Json | undefined;
}

/** By type of block: its types of deltas, with the field that a delta's text comes from and goes to. */
const DELTAS: Record<string, Record<string, [from: string, to: string]>> = {
  thinking: {
    thinking_delta: ["thinking", "thinking"],
    signature_delta: ["signature", "signature"],
  },
  text: { text_delta: ["text", "text"] },
  tool_use: { input_json_delta: ["partial_json", "json"] },
};

/**
 * Parses the text of a stream.
 *
 * @throws if blocks overlap, skip an index or have deltas of another type, if anything comes before
 * `message_start` or after the end, and for anything but frames.
 */
export function parseMessageStream(text: string): MessageStream {
  const out: MessageStream = { message: undefined, events: [], done: false, error: undefined };
  let open: Json;
  const check = (condition: unknown, problem: string) => {
    if (!condition) throw new Error(`${problem} after ${out.events.join(" ")}`);
  };
  const frames = text.split("\n\n");
  check(frames.pop() === "", "an unfinished frame");
  for (const frame of frames) {
    const [, name, data] = /^event: (\w+)\ndata: ([^\n]*)$/.exec(frame) ?? [];
    check(name !== undefined, `not a frame: ${frame}`);
    const event = JSON.parse(data!);
    check(event.type === name, `${name} is a ${event.type}`);
    check(!out.done && out.error === undefined, `${name} follows the end`);
    check((out.message === undefined) === (name === "message_start"), `${name} out of place`);
    out.events.push(name!);
    switch (name) {
      case "message_start":
        out.message = event.message;
        check(out.message.content.length === 0, "content at the start");
        break;
      case "ping":
        break;
      case "content_block_start":
        check(open === undefined, "a block inside another");
        check(event.index === out.message.content.length, `index ${event.index}`);
        open = { ...event.content_block };
        check(DELTAS[open.type] !== undefined, `a block of the type ${open.type}`);
        if (open.type === "tool_use") open.json = "";
        out.message.content.push(open);
        break;
      case "content_block_delta": {
        check(event.index === out.message.content.length - 1, `a delta for ${event.index}`);
        if (open?.type === "text" && event.delta.type === "citations_delta") {
          (open.citations ??= []).push(event.delta.citation);
          break;
        }
        const [from, to] = DELTAS[open?.type]?.[event.delta.type] ?? [];
        check(from !== undefined, `${event.delta.type} in ${open?.type}`);
        check(event.delta[from!] !== "", "an empty delta");
        open[to!] += event.delta[from!];
        break;
      }
      case "content_block_stop":
        check(open !== undefined && event.index === out.message.content.length - 1, "a stop");
        open = undefined;
        break;
      case "message_delta":
        check(open === undefined, "a block that is still open");
        Object.assign(out.message, event.delta);
        Object.assign(out.message.usage, event.usage);
        break;
      case "message_stop":
        check(out.message.stop_reason !== null, "no stop reason");
        out.done = true;
        break;
      case "error":
        out.error = event.error;
        break;
      default:
        check(false, `an event ${name}`);
    }
  }
  return out;
}
