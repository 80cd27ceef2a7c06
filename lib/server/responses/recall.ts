import type { Item, ResponsesBody } from "../../api/responses/body.ts";
import { ownItems, type ResponsesContext } from "../../api/responses/decode.ts";
import type { ConversationStore } from "./conversation_store.ts";
import type { ResponseStore } from "./response_store.ts";
import type { Vault } from "./vault.ts";

export interface RecallSources {
  responses: ResponseStore;
  conversations: ConversationStore;
  vault: Vault;
}

/** What a request refers to: earlier responses, a conversation, items and private thinking. */
export interface Recalled {
  context: ResponsesContext;
  /** Ids of the previous responses, oldest first. */
  ancestors: string[];
}

/**
 * Loads what a request refers to.
 *
 * @throws {ApiError} 404 for a missing response or conversation. A missing item is left out.
 */
export async function recall(
  { responses, conversations, vault }: RecallSources,
  owner: string,
  body: ResponsesBody,
): Promise<Recalled> {
  const thinking = new Map<Item, string>();
  const references = new Map<string, Item>();
  let history: readonly Item[] = [];
  let ancestors: string[] = [];

  /** Loads private thinking, which models need back only if it led to a tool call. */
  async function recallThinking(items: readonly Item[]): Promise<void> {
    const wanted = thinkingOfCalls(items).filter((item) => !thinking.has(item));
    await Promise.all(wanted.map(async (item) => {
      const sealed = typeof item.encrypted_content === "string"
        ? await vault.open(owner, item.encrypted_content)
        : undefined;
      const text = sealed ?? (item.id && (await responses.item(owner, item.id))?.thinking);
      if (text) thinking.set(item, text);
    }));
  }

  const conversation = conversationId(body);
  if (body.previous_response_id) {
    const { ids, items } = await responses.history(owner, body.previous_response_id);
    ancestors = ids;
    history = items.map(({ item }) => item);
    for (const { item, thinking: text } of items) if (text) thinking.set(item, text);
  } else if (conversation !== undefined) {
    history = await conversations.items(owner, conversation);
    await recallThinking(history);
  }
  const own = ownItems(body);
  await Promise.all(own.map(async ({ type, id }) => {
    if (type !== "item_reference" || !id) return;
    const stored = await responses.item(owner, id);
    const item = stored?.item ?? await conversations.find(owner, id);
    if (item === undefined) return;
    references.set(id, item);
    if (stored?.thinking) thinking.set(item, stored.thinking);
  }));
  await recallThinking(own);
  return {
    ancestors,
    context: {
      own,
      history,
      item: (id) => references.get(id),
      thinking: (item) => thinking.get(item),
    },
  };
}

/**
 * Returns the thinking that a tool call follows, with only messages of the assistant in between.
 * Reads the items once, since a request may have a hundred thousand.
 */
function thinkingOfCalls(items: readonly Item[]): Item[] {
  let leadsToCall = false;
  return items.toReversed().filter(({ type, role }) => {
    const isWanted = type === "reasoning" && leadsToCall;
    if (type !== "message" || role !== "assistant") {
      leadsToCall = type === "function_call" || type === "item_reference";
    }
    return isWanted;
  });
}

function conversationId({ conversation }: ResponsesBody): string | undefined {
  if (!conversation) return undefined;
  return typeof conversation === "string" ? conversation : conversation.id;
}
