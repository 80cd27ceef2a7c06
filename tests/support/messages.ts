/**
 * A stream of the Messages API, read as strictly as its document is written.
 *
 * @module
 */

// deno-lint-ignore no-explicit-any -- tests read whatever came
type Json = any;

/** A stream as a client reads it. */
export interface MessageStream {
  /** The message, put together from the events; as far as it came. */
  message: Json;
  /** The types of the events, in order. */
  events: string[];
  /** Whether `message_stop` came. */
  done: boolean;
  /** The error event's error, if one came. */
  error: Json | undefined;
}

/** What a delta may be, by the type of its block, and the block's field that it adds to. */
const DELTAS: Record<string, Record<string, [from: string, to: string]>> = {
  thinking: {
    thinking_delta: ["thinking", "thinking"],
    signature_delta: ["signature", "signature"],
  },
  text: { text_delta: ["text", "text"] },
  tool_use: { input_json_delta: ["partial_json", "json"] },
};

/**
 * Parses the whole text of a stream.
 *
 * @throws where blocks overlap, have gaps in their numbers or deltas of another type, where
 * anything comes before `message_start` or after the end, and for what is no frame.
 */
export function parseMessageStream(text: string): MessageStream {
  const out: MessageStream = { message: undefined, events: [], done: false, error: undefined };
  let open: Json;
  const must = (fact: unknown, what: string) => {
    if (!fact) throw new Error(`${what} after ${out.events.join(" ")}`);
  };
  const frames = text.split("\n\n");
  must(frames.pop() === "", "an unfinished frame");
  for (const frame of frames) {
    const [, name, data] = /^event: (\w+)\ndata: ([^\n]*)$/.exec(frame) ?? [];
    must(name !== undefined, `no frame: ${frame}`);
    const event = JSON.parse(data!);
    must(event.type === name, `${name} is a ${event.type}`);
    must(!out.done && out.error === undefined, `${name} follows the end`);
    must((out.message === undefined) === (name === "message_start"), `${name} out of place`);
    out.events.push(name!);
    switch (name) {
      case "message_start":
        out.message = event.message;
        must(out.message.content.length === 0, "content at the start");
        break;
      case "ping":
        break;
      case "content_block_start":
        must(open === undefined, "a block inside another");
        must(event.index === out.message.content.length, `the number ${event.index}`);
        open = { ...event.content_block };
        must(DELTAS[open.type] !== undefined, `a block of the type ${open.type}`);
        if (open.type === "tool_use") open.json = "";
        out.message.content.push(open);
        break;
      case "content_block_delta": {
        must(event.index === out.message.content.length - 1, `a delta for ${event.index}`);
        const [from, to] = DELTAS[open?.type]?.[event.delta.type] ?? [];
        must(from !== undefined, `${event.delta.type} in ${open?.type}`);
        must(event.delta[from!] !== "", "an empty delta");
        open[to!] += event.delta[from!];
        break;
      }
      case "content_block_stop":
        must(open !== undefined && event.index === out.message.content.length - 1, "a stop");
        open = undefined;
        break;
      case "message_delta":
        must(open === undefined, "a block that is still open");
        Object.assign(out.message, event.delta);
        Object.assign(out.message.usage, event.usage);
        break;
      case "message_stop":
        must(out.message.stop_reason !== null, "no stop reason");
        out.done = true;
        break;
      case "error":
        out.error = event.error;
        break;
      default:
        must(false, `an event ${name}`);
    }
  }
  return out;
}
