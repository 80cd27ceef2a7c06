import { splitPair } from "../../text.ts";

export interface ToolCallDelta {
  /** Number of the call in the answer, from 0. */
  index: number;
  /** In the first piece of a call. */
  id?: string;
  /** In the first piece of a call. */
  name?: string;
  /** The next characters of the arguments' JSON. */
  arguments: string;
  /** Opaque state of the provider, which it wants back with the call. */
  extra?: Record<string, unknown>;
}

interface OpenCall {
  index: number;
  id: string;
  name: string;
  /** Finds the end of the arguments. */
  json: ReturnType<typeof createJsonEnd>;
  /** Arguments that wait for the name or for the second half of a character. */
  held: string;
  /** State that has not been passed on. */
  extra?: Record<string, unknown> | undefined;
  hasBegun: boolean;
  /** Whether its name has waited for the arguments. */
  wasHeld: boolean;
}

/** Assigns pieces of tool calls to the calls of one answer, in any provider's dialect. */
export function createToolCallReader() {
  const calls: OpenCall[] = [];
  const byUpstreamIndex = new Map<number, OpenCall>();
  const byId = new Map<string, OpenCall>();
  /** Calls that have a name and wait for arguments. */
  let named: OpenCall[] = [];

  /**
   * Returns the call that a piece belongs to. Some upstreams omit `index` or count every call as
   * 0, some repeat the id or the name in each piece, some send the name in pieces.
   */
  function callOf(upstreamIndex: unknown, id: string, name: string, json: string): OpenCall {
    const isCounted = typeof upstreamIndex === "number";
    let call = isCounted
      ? byUpstreamIndex.get(upstreamIndex)
      : id === ""
      ? calls.at(-1)
      : byId.get(id);
    if (call === undefined || isNext(call, isCounted, id, name, json)) {
      call = {
        index: calls.length,
        id,
        name,
        json: createJsonEnd(),
        held: "",
        hasBegun: false,
        wasHeld: false,
      };
      calls.push(call);
    } else if (call.name !== name && !call.hasBegun) call.name += name;
    if (isCounted) byUpstreamIndex.set(upstreamIndex, call);
    call.id ||= id;
    if (id !== "" && !byId.has(id)) byId.set(id, call);
    return call;
  }

  function take(call: OpenCall): ToolCallDelta[] {
    const [args, half] = splitPair(call.held);
    call.held = half;
    const piece: ToolCallDelta = { index: call.index, arguments: args };
    const { extra } = call;
    call.extra = undefined;
    const first: ToolCallDelta = { ...piece, ...(extra && { extra }) };
    if (call.hasBegun) return args === "" && extra === undefined ? [] : [first];
    call.hasBegun = true;
    if (call.id !== "") first.id = call.id;
    if (call.name !== "") first.name = call.name;
    // Two pieces, as if the name had not waited for the arguments.
    return call.wasHeld && args !== "" ? [{ ...first, arguments: "" }, piece] : [first];
  }

  return {
    /** Returns the pieces to pass on. A call begins with its first arguments, after its name. */
    add(
      upstreamIndex: unknown,
      id: string,
      name: string,
      json: string,
      extra?: Record<string, unknown>,
    ): ToolCallDelta[] {
      const count = calls.length;
      const call = callOf(upstreamIndex, id, name, json);
      // A name that another call follows is complete.
      const earlier = calls.length === count ? [] : named.filter(({ hasBegun }) => !hasBegun);
      if (calls.length > count) named = [];
      call.held += json;
      call.extra = extra ?? call.extra;
      call.json.push(json);
      const hasStarted = call.hasBegun || call.name !== "" && call.held !== "";
      if (!hasStarted && call.name !== "" && !call.wasHeld) {
        call.wasHeld = true;
        named.push(call);
      }
      return [...earlier, ...hasStarted ? [call] : []].flatMap(take);
    },
    /** Returns the calls that have not begun. */
    end: () => calls.filter((call) => !call.hasBegun).flatMap(take),
  };
}

/** Whether a piece begins another call than the one that its index or id belongs to. */
function isNext(
  call: OpenCall,
  isCounted: boolean,
  id: string,
  name: string,
  json: string,
): boolean {
  if (call.name === "" || name === "") return false;
  if (id !== "") return call.id !== id;
  if (!isCounted) return true;
  // Without ids, calls that share an index follow each other when the arguments are complete.
  return (name !== call.name || json !== "") && call.json.isComplete();
}

/** Finds the end of a JSON object that arrives in pieces, each of which is read once. */
function createJsonEnd() {
  let depth = 0;
  let inString = false;
  let isEscaped = false;
  let isComplete = false;
  return {
    push(text: string): void {
      for (const char of text) {
        if (isEscaped) isEscaped = false;
        else if (char === "\\") isEscaped = inString;
        else if (char === '"') inString = !inString;
        else if (inString) continue;
        else if (char === "{" || char === "[") depth++;
        else if ((char === "}" || char === "]") && --depth === 0) isComplete = true;
      }
    },
    isComplete: () => isComplete,
  };
}
