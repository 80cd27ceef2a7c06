import { contentText, type UpstreamMessage } from "./target.ts";
import type { MessageState } from "./wire/message_state.ts";

/**
 * Remembers the reasoning that led to tool calls, and the state of answers. DeepSeek and similar
 * upstreams reject a tool's result unless the call comes back with its reasoning, and most clients
 * drop it.
 */
export interface ToolReasoning {
  /**
   * May wait a short time for other servers to learn it.
   *
   * @param keys identify the calls among those of their owner; see {@linkcode rememberReasoning}
   */
  remember(owner: string, keys: readonly string[], reasoning: string): void | Promise<void>;
  find(owner: string, key: string): string | undefined;
  /** Waits a short time for what other servers remember; then `find` returns it. */
  load?(owner: string, keys: readonly string[]): Promise<void>;
}

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

export async function rememberReasoning(
  memory: ToolReasoning,
  conversation: Conversation,
  callIds: readonly string[],
  reasoning: string,
): Promise<void> {
  const digest = (await digestsOf(conversation)).get(undefined)!;
  await memory.remember(conversation.owner, callIds.map((id) => keyOf(digest, id)), reasoning);
}

type Loads = WeakMap<Conversation, Promise<void>>;

/** Shared by all calls of a request. */
const reasoningLoads: Loads = new WeakMap();
const stateLoads: Loads = new WeakMap();

function loadOnce(
  loads: Loads,
  memory: ToolReasoning,
  conversation: Conversation,
  keys: readonly string[],
): Promise<void> {
  const load = loads.get(conversation) ?? memory.load?.(conversation.owner, keys) ??
    Promise.resolve();
  loads.set(conversation, load);
  return load;
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
  // All calls of a message have the same reasoning.
  const keys = new Map(
    conversation.messages.filter(lacksReasoning)
      .map((message) => [message, keyOf(digests.get(message)!, idOf(callsOf(message)[0]!))]),
  );
  await loadOnce(reasoningLoads, memory, conversation, [...keys.values()]);
  return (message) => {
    const key = keys.get(message);
    const reasoning = key && memory.find(conversation.owner, key);
    return reasoning === undefined ? message : { ...message, reasoning_content: reasoning };
  };
}

/** An answer whose provider wants something back with it. */
export interface AnswerState {
  callIds: readonly string[];
  /** `extra_content` by the id of the call. */
  extras: ReadonlyMap<string, unknown>;
  state: MessageState;
  /** The text, by which an answer without calls is found; undefined if it is never sent back. */
  text: string | undefined;
}

export async function rememberState(
  memory: ToolReasoning,
  conversation: Conversation,
  { callIds, extras, state, text }: AnswerState,
): Promise<void> {
  const digest = (await digestsOf(conversation)).get(undefined)!;
  const remember = async (key: string, stored: StoredState) => {
    if (Object.keys(stored).length === 0) return;
    await memory.remember(conversation.owner, [key], JSON.stringify(stored));
  };
  const hasState = Object.keys(state).length > 0;
  await Promise.all(callIds.map((id, index) =>
    remember(stateKeyOf(digest, id), {
      ...(extras.has(id) && { extra: extras.get(id) }),
      ...(index === 0 && hasState && { state }),
    })
  ));
  if (callIds.length > 0 || text === undefined || !hasState) return;
  await remember(stateKeyOf(digest, await textDigest(text)), { state });
}

interface StoredState {
  extra?: unknown;
  state?: MessageState;
}

/** @param answer id of a call, or the digest of a text. */
const stateKeyOf = (digest: string, answer: string) => `${keyOf(digest, answer)} state`;

/**
 * Returns a function that adds what is remembered to a message of the assistant. It takes the place
 * of what the client sends, of which some clients keep only the last piece.
 *
 * @returns the function; it takes the message of the conversation, and the message to change.
 */
export async function stateRestorer(
  memory: ToolReasoning,
  conversation: Conversation,
): Promise<(original: UpstreamMessage, message: UpstreamMessage) => UpstreamMessage> {
  const { owner, messages } = conversation;
  if (!messages.some(({ role }) => role === "assistant")) return (_, message) => message;
  const digests = await digestsOf(conversation);
  const textDigests = new Map(
    await Promise.all(
      messages.filter((message) => digests.has(message) && callsOf(message).length === 0)
        .map(async (message) => [message, await textDigest(contentText(message.content))] as const),
    ),
  );
  const keys = messages.filter((message) => digests.has(message)).flatMap((message) => {
    const text = textDigests.get(message);
    const answers = text === undefined ? callsOf(message).map(idOf) : [text];
    return answers.map((answer) => stateKeyOf(digests.get(message)!, answer));
  });
  await loadOnce(stateLoads, memory, conversation, keys);
  const find = (digest: string, answer: string): StoredState =>
    JSON.parse(memory.find(owner, stateKeyOf(digest, answer)) ?? "{}");
  return (original, message) => {
    const digest = digests.get(original);
    if (digest === undefined) return message;
    const textDigest = textDigests.get(original);
    if (textDigest !== undefined) return { ...message, ...find(digest, textDigest).state };
    let stored: MessageState | undefined;
    const tool_calls = callsOf(message).map((call) => {
      const { extra, state } = find(digest, idOf(call));
      stored ??= state;
      return extra === undefined ? call : { extra_content: extra, ...call };
    });
    return { ...message, tool_calls, ...stored };
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
 * Returns, by message of the assistant, a digest of the messages before it; the digest of all
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
    if (message === undefined || message.role === "assistant") {
      digest = await digestOf(JSON.stringify([digest, since]));
      since = [];
      digests.set(message, digest);
    }
    if (message !== undefined) since.push(identityOf(message));
  }
  return digests;
}

async function digestOf(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toBase64();
}

/** Clients may drop white space around an answer. */
const textDigest = (text: string) => digestOf(text.trim());

/** Returns the fields that a client repeats unchanged, without reasoning and cache markers. */
function identityOf({ role, content, name, tool_calls, tool_call_id }: UpstreamMessage): unknown {
  const others = Array.isArray(content)
    ? content.filter((part) => typeof part?.text !== "string")
    : [];
  return [role, contentText(content), others, name, tool_calls, tool_call_id];
}

function callsOf({ role, tool_calls }: UpstreamMessage): { id?: unknown }[] {
  if (role !== "assistant" || !Array.isArray(tool_calls)) return [];
  return tool_calls.filter((call) => typeof call === "object" && call !== null);
}

/** A client can send an id of any type. */
const idOf = ({ id }: { id?: unknown }) => typeof id === "string" ? id : "";
