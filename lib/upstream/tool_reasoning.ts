import { sha256 } from "../sha256.ts";
import type { Capabilities } from "./capabilities/capabilities.ts";
import { contentText, type UpstreamMessage, withoutField } from "./target.ts";
import { type MessageState, STATE_FIELDS } from "./wire/message_state.ts";

/**
 * Remembers the reasoning that led to tool calls, and the state of answers. DeepSeek and similar
 * upstreams reject a tool's result unless the call comes back with its reasoning, and most clients
 * drop it.
 */
export interface ToolReasoning {
  /**
   * May wait a short time for other servers to learn it.
   *
   * @param keys identify the calls among those of their owner; see {@linkcode rememberAnswer}
   */
  remember(owner: string, keys: readonly string[], entry: string): void | Promise<void>;
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
  entries: Map<string, string>;
  size: number;
}

/** Creates an empty memory of bounded size. The oldest entries of the largest owner are dropped. */
export function createToolReasoning(): ToolReasoning {
  const owners = new Map<string, Owned>();
  let calls = 0;
  let size = 0;

  function forget(owned: Owned, key: string): void {
    const { length } = owned.entries.get(key) ?? "";
    if (!owned.entries.delete(key)) return;
    calls--;
    size -= length;
    owned.size -= length;
  }

  /** Returns the owner with the largest share of both bounds. */
  function largest(): Owned {
    const shareOf = ({ entries, size }: Owned) => entries.size / MAX_CALLS + size / MAX_CHARACTERS;
    return [...owners.values()].reduce((a, b) => shareOf(a) < shareOf(b) ? b : a);
  }

  return {
    remember(owner, keys, entry) {
      const owned = owners.get(owner) ?? { entries: new Map(), size: 0 };
      owners.set(owner, owned);
      for (const key of keys) {
        forget(owned, key);
        owned.entries.set(key, entry);
        calls++;
        size += entry.length;
        owned.size += entry.length;
      }
      while (calls > MAX_CALLS || size > MAX_CHARACTERS) {
        const from = largest();
        forget(from, from.entries.keys().next().value!);
      }
    },
    find: (owner, key) => owners.get(owner)?.entries.get(key),
  };
}

export interface RememberedAnswer {
  callIds: readonly string[];
  /** The text, by which an answer without calls is found; undefined if it is never sent back. */
  text: string | undefined;
  /** Reasoning that led to the calls. */
  reasoning: string;
  /** What the provider wants back with the answer. */
  state: MessageState;
  /** `extra_content` by the id of the call. */
  extras: ReadonlyMap<string, unknown>;
}

interface StoredAnswer extends Pick<RememberedAnswer, "reasoning" | "state"> {
  extras: [id: string, extra: unknown][];
}

export async function rememberAnswer(
  memory: ToolReasoning,
  conversation: Conversation,
  { callIds, text, reasoning, state, extras }: RememberedAnswer,
): Promise<void> {
  const digest = (await digestsOf(conversation)).get(undefined)!;
  const names = callIds.length > 0 || text === undefined ? callIds : [await textDigest(text)];
  const stored: StoredAnswer = { reasoning, state, extras: [...extras] };
  const keys = names.map((name) => keyOf(digest, name));
  await memory.remember(conversation.owner, keys, JSON.stringify(stored));
}

/** Shared by all upstream calls of a request: loads of messages with tool calls, and of all answers. */
const callLoads = new WeakMap<Conversation, Promise<void> | undefined>();
const answerLoads = new WeakMap<Conversation, Promise<void> | undefined>();

/**
 * Returns a function that adds what is remembered to a message of the conversation, and removes
 * fields that the upstream does not accept. Remembered state replaces what the client sends, because
 * some clients keep only its last piece.
 */
export async function answerRestorer(
  memory: ToolReasoning,
  conversation: Conversation,
  { toolReasoning, toolState }: Pick<Capabilities, "toolReasoning" | "toolState">,
): Promise<(message: UpstreamMessage) => UpstreamMessage> {
  const { owner, messages } = conversation;
  const needsReasoning = (message: UpstreamMessage) =>
    toolReasoning && callsOf(message).length > 0 && typeof message.reasoning_content !== "string";
  const wanted = messages.filter((message) =>
    toolState ? message.role === "assistant" : needsReasoning(message)
  );
  let keys: Map<UpstreamMessage, string> | undefined;
  if (wanted.length > 0) {
    const digests = await digestsOf(conversation);
    const names = await Promise.all(wanted.map(nameOf));
    keys = new Map(wanted.map((message, i) => [message, keyOf(digests.get(message)!, names[i]!)]));
    const loads = toolState ? answerLoads : callLoads;
    const load = loads.get(conversation) ?? memory.load?.(owner, [...keys.values()]);
    loads.set(conversation, load);
    await load;
  }
  return (message) => {
    const key = keys?.get(message);
    const found = key && memory.find(owner, key);
    const stored: StoredAnswer | undefined = found && JSON.parse(found);
    let restored = message;
    if (!toolReasoning) restored = withoutField(message, "reasoning_content");
    else if (stored?.reasoning && needsReasoning(message)) {
      restored = { ...message, reasoning_content: stored.reasoning };
    }
    if (!toolState) return STATE_FIELDS.reduce<UpstreamMessage>(withoutField, restored);
    if (stored === undefined) return restored;
    const extras = new Map(stored.extras);
    const calls = callsOf(message).map((call) => {
      const extra = extras.get(idOf(call));
      return extra === undefined ? call : { extra_content: extra, ...call };
    });
    return { ...restored, ...(calls.length > 0 && { tool_calls: calls }), ...stored.state };
  };
}

/** Returns the name of a message's entry. An entry is stored under each call, so the first is enough. */
async function nameOf(message: UpstreamMessage): Promise<string> {
  const [call] = callsOf(message);
  return call === undefined ? await textDigest(contentText(message.content)) : idOf(call);
}

/**
 * An id alone does not identify a call: providers repeat ids such as `functions.add:0`. So a key also
 * contains a digest of all messages before the call. Only a client that has sent them gets the
 * reasoning about them.
 *
 * @param name id of a call, or the digest of a text.
 */
const keyOf = (digest: string, name: string) => `${digest} ${name}`;

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

const digestOf = async (text: string) => (await sha256(text)).toBase64();

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
