import { contentText, type UpstreamMessage } from "./target.ts";

/**
 * Remembers the reasoning that led to tool calls. DeepSeek and similar upstreams reject a tool's
 * result unless the call comes back with its reasoning, and most clients drop it.
 */
export interface ToolReasoning {
  /** @param keys identify the calls among those of their owner; see {@linkcode rememberReasoning} */
  remember(owner: string, keys: readonly string[], reasoning: string): void;
  find(owner: string, key: string): string | undefined;
}

/** What a client has sent, and who it is. */
export interface Conversation {
  owner: string;
  messages: readonly UpstreamMessage[];
}

const MAX_CALLS = 10_000;
const MAX_CHARACTERS = 16_000_000;

interface Owned {
  reasoningByKey: Map<string, string>;
  size: number;
}

/** Creates an empty memory of bounded size. The oldest entries of the largest owner are dropped. */
export function createToolReasoning(): ToolReasoning {
  const owners = new Map<string, Owned>();
  let calls = 0;
  let size = 0;

  function forget(owned: Owned, key: string): void {
    const { length } = owned.reasoningByKey.get(key) ?? "";
    if (!owned.reasoningByKey.delete(key)) return;
    calls--;
    size -= length;
    owned.size -= length;
  }

  /** Returns the owner with the largest share of both bounds. */
  function largest(): Owned {
    const shareOf = ({ reasoningByKey, size }: Owned) =>
      reasoningByKey.size / MAX_CALLS + size / MAX_CHARACTERS;
    return [...owners.values()].reduce((a, b) => shareOf(a) < shareOf(b) ? b : a);
  }

  return {
    remember(owner, keys, reasoning) {
      const owned = owners.get(owner) ?? { reasoningByKey: new Map(), size: 0 };
      owners.set(owner, owned);
      for (const key of keys) {
        forget(owned, key);
        owned.reasoningByKey.set(key, reasoning);
        calls++;
        size += reasoning.length;
        owned.size += reasoning.length;
      }
      while (calls > MAX_CALLS || size > MAX_CHARACTERS) {
        const from = largest();
        forget(from, from.reasoningByKey.keys().next().value!);
      }
    },
    find: (owner, key) => owners.get(owner)?.reasoningByKey.get(key),
  };
}

/** Remembers the reasoning before tool calls that answer a conversation. */
export async function rememberReasoning(
  memory: ToolReasoning,
  conversation: Conversation,
  callIds: readonly string[],
  reasoning: string,
): Promise<void> {
  if (callIds.length === 0 || reasoning === "") return;
  const digest = (await digestsOf(conversation)).get(undefined)!;
  memory.remember(conversation.owner, callIds.map((id) => keyOf(digest, id)), reasoning);
}

/**
 * Returns a function that adds the reasoning to a message of the conversation, if it has none and
 * the reasoning is known.
 */
export async function reasoningRestorer(
  memory: ToolReasoning,
  conversation: Conversation,
): Promise<(message: UpstreamMessage) => UpstreamMessage> {
  const lacksReasoning = (message: UpstreamMessage) =>
    callsOf(message).length > 0 && typeof message.reasoning_content !== "string";
  if (!conversation.messages.some(lacksReasoning)) return (message) => message;
  const digests = await digestsOf(conversation);
  return (message) => {
    const digest = digests.get(message);
    if (digest === undefined || !lacksReasoning(message)) return message;
    for (const { id = "" } of callsOf(message)) {
      const reasoning = memory.find(conversation.owner, keyOf(digest, id));
      if (reasoning !== undefined) return { ...message, reasoning_content: reasoning };
    }
    return message;
  };
}

/** What a provider wants back with the calls of a message, unread. */
export interface ToolState {
  /** `extra_content` by the id of the call. */
  extras: ReadonlyMap<string, unknown>;
  /** `reasoning_details` of the message, in pieces. */
  details: readonly Record<string, unknown>[];
}

/** Remembers the state of tool calls that answer a conversation. */
export async function rememberState(
  memory: ToolReasoning,
  conversation: Conversation,
  callIds: readonly string[],
  { extras, details }: ToolState,
): Promise<void> {
  const digest = (await digestsOf(conversation)).get(undefined)!;
  for (const [index, id] of callIds.entries()) {
    const state: StoredState = {};
    if (extras.has(id)) state.extra = extras.get(id);
    if (index === 0 && details.length > 0) state.details = joinDetails(details);
    if (Object.keys(state).length === 0) continue;
    memory.remember(conversation.owner, [stateKeyOf(digest, id)], JSON.stringify(state));
  }
}

interface StoredState {
  extra?: unknown;
  details?: Record<string, unknown>[];
}

const stateKeyOf = (digest: string, callId: string) => `${keyOf(digest, callId)} state`;

/** Fields of a detail that arrive in pieces. */
const DETAIL_TEXTS = ["text", "summary", "data"];

/** Joins the pieces of each detail. */
function joinDetails(pieces: ToolState["details"]): Record<string, unknown>[] {
  const details: Record<string, unknown>[] = [];
  for (const piece of pieces) {
    const last = details.at(-1);
    const isNext = last !== undefined && typeof piece.index === "number" &&
      last.index === piece.index && last.type === piece.type;
    if (!isNext) {
      details.push({ ...piece });
      continue;
    }
    for (const [name, value] of Object.entries(piece)) {
      const isText = DETAIL_TEXTS.includes(name) && typeof last[name] === "string";
      last[name] = isText && typeof value === "string" ? last[name] + value : value ?? last[name];
    }
  }
  return details;
}

/**
 * Returns a function that adds what is remembered to the tool calls of a message.
 *
 * @returns the function; it takes the message of the conversation, and the message to change.
 */
export async function stateRestorer(
  memory: ToolReasoning,
  conversation: Conversation,
): Promise<(original: UpstreamMessage, message: UpstreamMessage) => UpstreamMessage> {
  if (!conversation.messages.some((message) => callsOf(message).length > 0)) {
    return (_, message) => message;
  }
  const digests = await digestsOf(conversation);
  return (original, message) => {
    const digest = callsOf(original).length > 0 ? digests.get(original) : undefined;
    if (digest === undefined) return message;
    let { reasoning_details } = message;
    const tool_calls = callsOf(message).map((call) => {
      const stored = memory.find(conversation.owner, stateKeyOf(digest, call.id ?? ""));
      if (stored === undefined) return call;
      const { extra, details }: StoredState = JSON.parse(stored);
      reasoning_details ??= details;
      return extra === undefined ? call : { extra_content: extra, ...call };
    });
    return { ...message, tool_calls, ...(reasoning_details ? { reasoning_details } : {}) };
  };
}

/**
 * An id alone does not identify a call: providers repeat ids such as `functions.add:0`. With all
 * that came before the call, reasoning only reaches clients that have sent what it is about.
 */
const keyOf = (digest: string, callId: string) => `${digest} ${callId}`;

type Digests = ReadonlyMap<UpstreamMessage | undefined, string>;

/** Shared by all calls of a request. */
const cache = new WeakMap<Conversation, Promise<Digests>>();

/**
 * Returns, by message with tool calls, a digest of the messages before it; the digest of all
 * messages has the key undefined.
 */
function digestsOf(conversation: Conversation): Promise<Digests> {
  const digests = cache.get(conversation) ?? computeDigests(conversation.messages);
  cache.set(conversation, digests);
  return digests;
}

async function computeDigests(messages: readonly UpstreamMessage[]): Promise<Digests> {
  const digests = new Map<UpstreamMessage | undefined, string>();
  let digest = "";
  let since: unknown[] = [];
  for (const message of [...messages, undefined]) {
    if (message === undefined || callsOf(message).length > 0) {
      const bytes = new TextEncoder().encode(JSON.stringify([digest, since]));
      digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toBase64();
      since = [];
      digests.set(message, digest);
    }
    if (message !== undefined) since.push(identityOf(message));
  }
  return digests;
}

/** Returns the fields that a client repeats unchanged, without reasoning and cache markers. */
function identityOf({ role, content, name, tool_calls, tool_call_id }: UpstreamMessage): unknown {
  const others = Array.isArray(content)
    ? content.filter((part) => typeof part?.text !== "string")
    : [];
  return [role, contentText(content), others, name, tool_calls, tool_call_id];
}

function callsOf({ role, tool_calls }: UpstreamMessage): { id?: string }[] {
  if (role !== "assistant" || !Array.isArray(tool_calls)) return [];
  return tool_calls.filter((call) => typeof call === "object" && call !== null);
}
