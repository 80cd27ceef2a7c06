import { missingParameter, parseBody } from "../../api/body.ts";
import { conversationBody } from "../../api/responses/body.ts";
import { conversationItems } from "../../api/responses/decode.ts";
import { page } from "../../api/responses/object.ts";
import type { Handler } from "../exchange.ts";
import { readJson } from "../http/json_body.ts";
import type { Route } from "../router.ts";
import type { RunOptions } from "../runs.ts";
import type { ConversationStore } from "./conversation_store.ts";
import { jsonRoute, listQuery, readQuery } from "./json_route.ts";

const CONVERSATION = "/conversations/:id";
const ITEMS = `${CONVERSATION}/items`;
const ITEM = `${ITEMS}/:item`;

export function conversationRoutes(
  conversations: ConversationStore,
  options: Pick<RunOptions, "settings" | "clock">,
): Route<Handler>[] {
  async function readBody(request: Request) {
    // Over the network an absent body is an empty stream.
    const isEmpty = request.body === null || request.headers.get("content-length") === "0";
    const json = isEmpty ? {} : await readJson(request, options);
    const body = parseBody(conversationBody, json);
    return { metadata: body.metadata, items: conversationItems(body) };
  }

  return [
    jsonRoute("POST", "/conversations", async (owner, _, request) => {
      // Every field is optional, and so is the body.
      const { metadata, items } = await readBody(request);
      return await conversations.create(owner, metadata ?? {}, items);
    }),
    jsonRoute("GET", CONVERSATION, (owner, { id }) => conversations.get(owner, id)),
    jsonRoute("POST", CONVERSATION, async (owner, { id }, request) => {
      const { metadata } = await readBody(request);
      if (metadata === undefined) throw missingParameter("metadata");
      return await conversations.update(owner, id, metadata ?? {});
    }),
    jsonRoute("DELETE", CONVERSATION, async (owner, { id }) => {
      await conversations.delete(owner, id);
      return { id, object: "conversation.deleted", deleted: true };
    }),
    jsonRoute("GET", ITEMS, async (owner, { id }, request) => {
      const { items, hasMore } = await conversations.list(owner, id, readQuery(request, listQuery));
      return page(items, hasMore);
    }),
    jsonRoute("POST", ITEMS, async (owner, { id }, request) => {
      const { items } = await readBody(request);
      if (items.length === 0) throw missingParameter("items");
      return page(await conversations.append(owner, id, items) ?? [], false);
    }),
    jsonRoute("GET", ITEM, (owner, { id, item }) => conversations.item(owner, id, item)),
    jsonRoute("DELETE", ITEM, (owner, { id, item }) => conversations.deleteItem(owner, id, item)),
  ];
}
