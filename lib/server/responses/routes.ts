import { ApiError } from "../../api/errors.ts";
import type { Item } from "../../api/responses/body.ts";
import { page } from "../../api/responses/object.ts";
import type { Handler } from "../exchange.ts";
import type { Route } from "../router.ts";
import { createApprovalStore } from "../tools/approvals.ts";
import { type BackgroundOptions, type BackgroundRuns, createBackgroundRuns } from "./background.ts";
import { conversationRoutes } from "./conversation_routes.ts";
import { createConversationStore } from "./conversation_store.ts";
import {
  createCompactHandler,
  createInputTokensHandler,
  createResponsesHandler,
  type ResponsesOptions,
} from "./handler.ts";
import { jsonRoute, listQuery, readQuery, streamQuery } from "./json_route.ts";
import { createLoadQuota } from "./load_quota.ts";
import { createResponseStore, type VersionedResponse } from "./response_store.ts";
import { notFound } from "./runs/errors.ts";
import { streamStored } from "./stored_stream.ts";

export interface ResponsesRoutesOptions
  extends
    Omit<ResponsesOptions, "responses" | "conversations" | "background" | "approvals">,
    Omit<BackgroundOptions, "responses"> {
  /** Set when it is first used. Background runs continue when the configuration is reloaded. */
  background: { runs?: BackgroundRuns };
}

export function responsesRoutes(options: ResponsesRoutesOptions): Route<Handler>[] {
  const { store, ttlMs, clock, vault, settings } = options;
  const maxLength = settings.max_body_bytes;
  const conversations = createConversationStore({ store, ttlMs, maxLength, clock });
  const responses = createResponseStore(store, conversations, ttlMs);
  const background = options.background.runs ??= createBackgroundRuns({ ...options, responses });
  const approvals = createApprovalStore(store, ttlMs);
  const shared = { ...options, responses, conversations, background, approvals };

  const { handle, restart } = createResponsesHandler(shared);
  background.use(restart);

  async function find(owner: string, id: string): Promise<VersionedResponse> {
    const found = await background.find(owner, id);
    if (found !== undefined) return found;
    throw notFound(id);
  }

  const retrieve: Handler = async (request, exchange, { id }) => {
    const { stored } = await find(exchange.client.owner, id!);
    const query = new URL(request.url).searchParams;
    if (query.get("stream") === "true") {
      const { starting_after } = readQuery(request, streamQuery);
      return await streamStored(shared, stored, request, exchange, starting_after);
    }
    const include = [...query.getAll("include"), ...query.getAll("include[]")];
    if (!include.includes("reasoning.encrypted_content")) return Response.json(stored.response);
    const sealed = await vault.seal(exchange.client.owner, stored.thinking ?? "");
    const output = stored.response.output.map((item) =>
      item.type === "reasoning" ? { ...item, encrypted_content: sealed } : item
    );
    return Response.json({ ...stored.response, output });
  };

  /** The items before a response's own; none if a previous response is missing. */
  async function itemsBefore(owner: string, previous: string | undefined): Promise<Item[]> {
    if (previous === undefined) return [];
    try {
      const { items } = await responses.history(owner, previous, createLoadQuota(settings));
      return items.map(({ item }) => item);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return [];
      throw error;
    }
  }

  return [
    { method: "POST", path: "/responses", meter: "place", handle },
    {
      method: "POST",
      path: "/responses/input_tokens",
      meter: "request",
      handle: createInputTokensHandler(shared),
    },
    {
      method: "POST",
      path: "/responses/compact",
      meter: "place",
      handle: createCompactHandler(shared),
    },
    { method: "GET", path: "/responses/:id", meter: "read", handle: retrieve },
    jsonRoute("DELETE", "/responses/:id", async (owner, { id }) => {
      await find(owner, id);
      await background.delete(owner, id);
      return { id, object: "response", deleted: true };
    }),
    {
      ...jsonRoute(
        "POST",
        "/responses/:id/cancel",
        async (owner, { id }) => await background.cancel(owner, await find(owner, id)),
      ),
      // It frees what the client has taken.
      meter: undefined,
    },
    jsonRoute("GET", "/responses/:id/input_items", async (owner, { id }, request) => {
      const { after, limit, order } = readQuery(request, listQuery);
      const { stored } = await find(owner, id);
      const items = [...await itemsBefore(owner, stored.ancestors.at(-1)), ...stored.input];
      if (order === "desc") items.reverse();
      const last = items.findIndex((item) => item.id === after);
      if (after !== undefined && last < 0) {
        throw new ApiError(404, `Item with id '${after.slice(0, 100)}' not found.`, {
          param: "after",
        });
      }
      const rest = items.slice(last + 1);
      return page(rest.slice(0, limit), rest.length > limit);
    }),
    ...conversationRoutes(conversations, options),
  ];
}
