import type { Item, ResponsesBody } from "../../api/responses/body.ts";
import { isCall } from "../../api/responses/conversation.ts";
import { isToolUse } from "../../api/responses/tool_uses.ts";
import { ownItems, type ResponsesContext } from "../../api/responses/decode.ts";
import type { ConversationStore } from "./conversation_store.ts";
import { createLoadQuota, type StoreSettings } from "./load_quota.ts";
import type { HistoryItem, ResponseStore } from "./response_store.ts";
import type { Vault } from "../../vault.ts";

export interface RecallSources {
  responses: ResponseStore;
  conversations: ConversationStore;
  /** Seals private thinking. */
  vault: Vault;
}

/**
 * Loads what a request refers to: earlier responses, a conversation, items and private thinking.
 *
 * @returns also the ids of the previous responses, oldest first.
 * @throws {ApiError} 404 for a missing response or conversation, 400 if it is too much. A missing
 *   item is left out.
 */
export async function recall(
  { responses, conversations, vault, settings }: RecallSources & { settings: StoreSettings },
  owner: string,
  body: ResponsesBody,
) {
  const quota = createLoadQuota(settings);
  const thinking = new Map<Item, string>();
  const references = new Map<string, Item>();
  let history: readonly Item[] = [];
  let ancestors: string[] = [];
  const findItem = responses.reader(owner, quota);

  /** Adds stored thinking to the quota each time, since each time it is sent. */
  function setThinking(item: Item, stored: HistoryItem | undefined): void {
    if (!stored?.thinking) return;
    quota.add(stored.thinking, 0);
    thinking.set(item, stored.thinking);
  }

  /** Loads private thinking, which models need back only if it led to a tool call. */
  async function recallThinking(items: readonly Item[]): Promise<void> {
    const compacted = items.filter(({ type }) => type === "compaction");
    for (const item of [...compacted, ...thinkingOfCalls(items)]) {
      if (thinking.has(item)) continue;
      const { encrypted_content: blob } = item;
      if (item.type === "compaction") {
        const summary = typeof blob === "string"
          ? await openSummary(vault, owner, blob)
          : undefined;
        if (summary !== undefined) thinking.set(item, summary);
        continue;
      }
      const sealed = typeof blob === "string" ? await vault.open(owner, blob) : undefined;
      if (sealed) thinking.set(item, sealed);
      else if (item.id) setThinking(item, await findItem(item.id));
    }
  }

  const conversation = conversationId(body);
  if (body.previous_response_id) {
    const { ids, items } = await responses.history(owner, body.previous_response_id, quota);
    ancestors = ids;
    history = items.map(({ item }) => item);
    for (const stored of items) setThinking(stored.item, stored);
    await recallThinking(history.filter(({ type }) => type === "compaction"));
  } else if (conversation !== undefined) {
    history = await conversations.items(owner, conversation, quota);
    await recallThinking(history);
  }
  const own = ownItems(body);
  const referenced = own.flatMap(({ type, id }) => type === "item_reference" && id ? id : []);
  for (const id of new Set(referenced)) {
    const stored = await findItem(id);
    const item = stored?.item ?? await conversations.find(owner, id, quota);
    if (item === undefined) continue;
    references.set(id, item);
    setThinking(item, stored);
  }
  await recallThinking(own);
  const context: ResponsesContext = {
    own,
    history,
    item: (id) => references.get(id),
    thinking: (item) => thinking.get(item),
  };
  return { context, ancestors };
}

/** Distinguishes summaries, which the model may repeat to the client, from private thinking. */
const SUMMARY = "summary\n";

/** Seals the summary of a conversation for the client to keep. */
export function sealSummary(vault: Vault, owner: string, summary: string): Promise<string> {
  return vault.seal(owner, SUMMARY + summary);
}

/** Returns undefined for a summary that was not sealed here for this client. */
export async function openSummary(
  vault: Vault,
  owner: string,
  blob: string,
): Promise<string | undefined> {
  const text = await vault.open(owner, blob);
  return text?.startsWith(SUMMARY) ? text.slice(SUMMARY.length) : undefined;
}

/**
 * Returns the thinking that a tool call follows, with only the assistant's messages and the server's own tools in between.
 * Reads the items once, since a request may have a hundred thousand.
 */
function thinkingOfCalls(items: readonly Item[]): Item[] {
  let leadsToCall = false;
  return items.toReversed().filter(({ type, role }) => {
    const isWanted = type === "reasoning" && leadsToCall;
    if (!isToolUse(type) && (type !== "message" || role !== "assistant")) {
      leadsToCall = isCall(type) || type === "item_reference";
    }
    return isWanted;
  });
}

function conversationId({ conversation }: ResponsesBody): string | undefined {
  if (!conversation) return undefined;
  return typeof conversation === "string" ? conversation : conversation.id;
}
