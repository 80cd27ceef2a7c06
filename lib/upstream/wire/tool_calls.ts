/** A piece of a tool call. */
export interface ToolCallDelta {
  /** Number of the call in the answer, from 0. */
  index: number;
  /** In the first piece of a call. */
  id?: string;
  /** In the first piece of a call. */
  name?: string;
  /** The next characters of the arguments' JSON. */
  arguments: string;
}

interface OpenCall {
  index: number;
  id: string;
  name: string;
  /** Arguments that wait for the name or for the second half of a character. */
  held: string;
  hasBegun: boolean;
}

/** Assigns pieces of tool calls to calls, in any provider's dialect. */
export interface ToolCallReader {
  /** Returns the piece to pass on, if any. */
  add(upstreamIndex: unknown, id: string, name: string, json: string): ToolCallDelta | undefined;
  /** Returns the calls that never got a name. */
  end(): ToolCallDelta[];
}

/** Splits off the first half of a surrogate pair at the end of a text. */
export function splitPair(text: string): [whole: string, half: string] {
  const last = text.charCodeAt(text.length - 1);
  const at = last >= 0xd800 && last <= 0xdbff ? text.length - 1 : text.length;
  return [text.slice(0, at).toWellFormed(), text.slice(at)];
}

/** Creates a reader for one answer. */
export function createToolCallReader(): ToolCallReader {
  const calls: OpenCall[] = [];
  const byUpstreamIndex = new Map<number, OpenCall>();

  /**
   * Returns the call that a piece belongs to. Some upstreams omit `index` or count every call as
   * 0, some repeat the id in each piece: a call begins with a name under a new id.
   */
  function callOf(upstreamIndex: unknown, id: string, name: string): OpenCall {
    const isCounted = typeof upstreamIndex === "number";
    let call = isCounted
      ? byUpstreamIndex.get(upstreamIndex)
      : id === ""
      ? calls.at(-1)
      : calls.find((call) => call.id === id);
    const isNamedTwice = call !== undefined && call.name !== "" && name !== "";
    if (call === undefined || isNamedTwice && (id === "" ? !isCounted : call.id !== id)) {
      call = { index: calls.length, id, name, held: "", hasBegun: false };
      calls.push(call);
    }
    if (isCounted) byUpstreamIndex.set(upstreamIndex, call);
    call.id ||= id;
    call.name ||= name;
    return call;
  }

  function next(call: OpenCall): ToolCallDelta | undefined {
    const [args, half] = splitPair(call.held);
    call.held = half;
    const piece: ToolCallDelta = { index: call.index, arguments: args };
    if (call.hasBegun) return args === "" ? undefined : piece;
    call.hasBegun = true;
    if (call.id !== "") piece.id = call.id;
    if (call.name !== "") piece.name = call.name;
    return piece;
  }

  return {
    add(upstreamIndex, id, name, json) {
      const call = callOf(upstreamIndex, id, name);
      call.held += json;
      return call.hasBegun || call.name !== "" ? next(call) : undefined;
    },
    end: () => calls.filter((call) => !call.hasBegun).flatMap((call) => next(call) ?? []),
  };
}
