/**
 * The routes around what is kept: responses that can be fetched, and conversations.
 *
 * @module
 */
import { ApiError, invalidRequest } from "../../api/errors.ts";
import { missingParameter, parseBody } from "../../api/body.ts";
import { conversationBody, type Item } from "../../api/responses/body.ts";
import { conversationItems } from "../../api/responses/decode.ts";
import { page } from "../../api/responses/object.ts";
import { readJson } from "../http/json_body.ts";
import type { ListQuery } from "./conversations.ts";
import type { Handler } from "../exchange.ts";
import type { FoundResponse } from "./stored.ts";
import type { Memory } from "./recall.ts";
import type { Route } from "../router.ts";
import type { RunOptions } from "../runs.ts";

/** What the routes need from outside. */
export interface KeptRoutesOptions extends Pick<RunOptions, "settings" | "clock"> {
  /** What is kept. */
  memory: Memory;
}

/** The routes. */
export function keptRoutes({ memory, settings, clock }: KeptRoutesOptions): Route<Handler>[] {
  const { responses, conversations, background } = memory;
  const read = (request: Request) => readJson(request, { settings, clock });

  async function find(owner: string, id: string): Promise<FoundResponse> {
    const found = await background.find(owner, id);
    if (found !== undefined) return found;
    throw new ApiError(404, `Response with id '${id.slice(0, 100)}' not found.`);
  }

  const retrieve: Handler = async (request, exchange, { id }) => {
    const { owner } = exchange.client;
    const { kept } = await find(owner, id!);
    const query = new URL(request.url).searchParams;
    if (query.get("stream") === "true") {
      const startingAfter = numberOf(query, "starting_after", -1, Number.MAX_SAFE_INTEGER);
      return await memory.answerAgain(owner, kept, {
        request,
        exchange,
        settings,
        clock,
        startingAfter,
      });
    }
    const include = [...query.getAll("include"), ...query.getAll("include[]")];
    if (!include.includes("reasoning.encrypted_content")) return Response.json(kept.response);
    const sealed = await memory.seal(kept.thinking ?? "");
    const output = kept.response.output.map((item) =>
      item.type === "reasoning" ? { ...item, encrypted_content: sealed } : item
    );
    return Response.json({ ...kept.response, output });
  };

  /** The items before a response's own; none where one of the responses is gone. */
  async function itemsBefore(owner: string, previous: string | undefined): Promise<Item[]> {
    if (previous === undefined) return [];
    try {
      return (await responses.history(owner, previous)).items.map(({ item }) => item);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return [];
      throw error;
    }
  }

  const inputItems: Handler = async (request, { client: { owner } }, { id }) => {
    const query = listQuery(request);
    const { kept } = await find(owner, id!);
    const items = [...await itemsBefore(owner, kept.ancestors.at(-1)), ...kept.input];
    if (query.order === "desc") items.reverse();
    const last = items.findIndex((each) => each.id === query.after);
    if (query.after !== undefined && last < 0) {
      throw new ApiError(404, `Item with id '${query.after.slice(0, 100)}' not found.`, {
        param: "after",
      });
    }
    const first = last + 1;
    const wanted = items.slice(first, first + query.limit);
    return Response.json(page(wanted, first + wanted.length < items.length));
  };

  const metadataAndItems = async (request: Request) => {
    const body = parseBody(conversationBody, await read(request));
    return { metadata: body.metadata, items: conversationItems(body) };
  };

  return [
    {
      // Optional in OpenAI's API; a client that tries it is to know that it is not here.
      method: "POST",
      path: "/responses/compact",
      handle() {
        throw new ApiError(404, "Invalid URL (POST /responses/compact)");
      },
    },
    { method: "GET", path: "/responses/:id", handle: retrieve },
    {
      method: "DELETE",
      path: "/responses/:id",
      async handle(_request, { client: { owner } }, { id }) {
        await find(owner, id!);
        await memory.forget(owner, id!);
        return Response.json({ id, object: "response", deleted: true });
      },
    },
    {
      method: "POST",
      path: "/responses/:id/cancel",
      async handle(_request, { client: { owner } }, { id }) {
        return Response.json(await background.cancel(owner, await find(owner, id!)));
      },
    },
    { method: "GET", path: "/responses/:id/input_items", handle: inputItems },
    {
      method: "POST",
      path: "/conversations",
      async handle(request, { client: { owner } }) {
        // Everything in the body can be left out, and so can the body.
        const { metadata, items } = request.body === null
          ? { metadata: {}, items: [] }
          : await metadataAndItems(request);
        return Response.json(await conversations.create(owner, metadata ?? {}, items));
      },
    },
    {
      method: "GET",
      path: "/conversations/:id",
      handle: async (_request, { client: { owner } }, { id }) =>
        Response.json(await conversations.get(owner, id!)),
    },
    {
      method: "POST",
      path: "/conversations/:id",
      async handle(request, { client: { owner } }, { id }) {
        const { metadata } = await metadataAndItems(request);
        if (metadata === undefined) throw missingParameter("metadata");
        return Response.json(await conversations.update(owner, id!, metadata ?? {}));
      },
    },
    {
      method: "DELETE",
      path: "/conversations/:id",
      async handle(_request, { client: { owner } }, { id }) {
        await conversations.delete(owner, id!);
        return Response.json({ id, object: "conversation.deleted", deleted: true });
      },
    },
    {
      method: "GET",
      path: "/conversations/:id/items",
      async handle(request, { client: { owner } }, { id }) {
        const { items, hasMore } = await conversations.list(owner, id!, listQuery(request));
        return Response.json(page(items, hasMore));
      },
    },
    {
      method: "POST",
      path: "/conversations/:id/items",
      async handle(request, { client: { owner } }, { id }) {
        const { items } = await metadataAndItems(request);
        if (items.length === 0) throw missingParameter("items");
        const added = await conversations.append(owner, id!, items) ?? [];
        return Response.json(page(added, false));
      },
    },
    {
      method: "GET",
      path: "/conversations/:id/items/:item",
      handle: async (_request, { client: { owner } }, { id, item }) =>
        Response.json(await conversations.item(owner, id!, item!)),
    },
    {
      method: "DELETE",
      path: "/conversations/:id/items/:item",
      handle: async (_request, { client: { owner } }, { id, item }) =>
        Response.json(await conversations.deleteItem(owner, id!, item!)),
    },
  ];
}

function listQuery(request: Request): ListQuery {
  const query = new URL(request.url).searchParams;
  const order = query.get("order") ?? "desc";
  if (order !== "asc" && order !== "desc") {
    throw invalidRequest(
      "order",
      "Invalid value for 'order'. Supported values are: 'asc' and 'desc'.",
    );
  }
  return {
    order,
    limit: numberOf(query, "limit", 1, 100) ?? 20,
    after: query.get("after") ?? undefined,
  };
}

function numberOf(
  query: URLSearchParams,
  name: string,
  least: number,
  most: number,
): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw invalidRequest(name, `Invalid value for '${name}': expected a number from ${least} on.`);
}
