/**
 * Responses that are kept, each under the client that made it, and the conversation that leads
 * to one.
 *
 * @module
 */
import { ApiError, invalidRequest } from "../../api/errors.ts";
import type { Item } from "../../api/responses/body.ts";
import { ownerOf } from "../../api/responses/items.ts";
import { isRunning, type ResponseObject } from "../../api/responses/object.ts";
import type { Change, EntryKey, Store } from "../../store/store.ts";

/** A response with what it was made from. */
export interface KeptResponse {
  /** The response as it stands. */
  response: ResponseObject;
  /** The request's own input, each item with its id. */
  input: Item[];
  /** Ids of the responses before it, oldest first. */
  ancestors: string[];
  /** The upstream's private thinking, which its models want back with the results of tools. */
  thinking?: string;
  /** How its stream was written, where it can be asked for again. */
  stream?: { summaries: boolean; statusLines: boolean; sealed: boolean };
}

/** A kept response and the version that a change has to name. */
export interface FoundResponse {
  /** The response. */
  kept: KeptResponse;
  /** The version that was read. */
  version: string;
}

/** Where responses are kept. */
export interface KeptResponses {
  /** The response of this id, if this owner has one. */
  find(owner: string, id: string): Promise<FoundResponse | undefined>;
  /**
   * The change that keeps a response.
   *
   * @param version what has to be kept now: a version, null for nothing, undefined for anything.
   */
  saving(owner: string, kept: KeptResponse, version?: string | null): Change;
  /** The change that forgets a response. */
  deleting(owner: string, id: string): Change;
  /**
   * The line of responses that ends with this one, oldest first.
   *
   * @throws {ApiError} 404 where it, or one before it, is not there any more; 400 where it is
   *   still being made.
   */
  history(owner: string, id: string): Promise<History>;
  /** The item of this id in the response that it belongs to. */
  item(owner: string, id: string): Promise<HistoryItem | undefined>;
}

/** An item of an earlier response. */
export interface HistoryItem {
  /** The item. */
  item: Item;
  /** The private thinking behind it. */
  thinking?: string;
}

/** What a response goes on from. */
export interface History {
  /** The responses' ids, oldest first. */
  ids: string[];
  /** All their items, in order. */
  items: HistoryItem[];
}

/** Creates the keeper of responses. */
export function createKeptResponses(
  store: Store,
  { ttlMs, now }: { ttlMs: number; now: () => number },
): KeptResponses {
  const key = (owner: string, id: string): EntryKey => ({
    collection: `response/${encodeURIComponent(owner)}`,
    id,
  });

  async function read(
    owner: string,
    ids: readonly string[],
  ): Promise<(KeptResponse | undefined)[]> {
    const entries = await store.get(ids.map((id) => key(owner, id)));
    return entries.map((entry) => entry && JSON.parse(entry.value) as KeptResponse);
  }

  async function find(owner: string, id: string): Promise<FoundResponse | undefined> {
    const [entry] = isId(id) ? await store.get([key(owner, id)]) : [];
    if (entry === undefined) return undefined;
    return { kept: JSON.parse(entry.value), version: entry.version };
  }

  return {
    find,
    saving: (owner, kept, version) => ({
      key: key(owner, kept.response.id),
      value: JSON.stringify(kept),
      expiresAt: now() + ttlMs,
      ...(version === undefined ? {} : { ifVersion: version }),
    }),
    deleting: (owner, id) => ({ key: key(owner, id), delete: true }),
    async history(owner, id) {
      const last = await find(owner, id);
      if (last === undefined) throw notFound(id);
      if (isRunning(last.kept.response)) throw notOver(id);
      const { ancestors } = last.kept;
      const before = await read(owner, ancestors);
      const lost = before.indexOf(undefined);
      if (lost >= 0) throw notFound(ancestors[lost]!, id);
      return {
        ids: [...ancestors, id],
        items: [...before as KeptResponse[], last.kept].flatMap(itemsOf),
      };
    },
    async item(owner, id) {
      const tail = ownerOf(id);
      if (tail === undefined) return undefined;
      const [kept] = await read(owner, [`resp_${tail}`]);
      return kept && itemsOf(kept).find(({ item }) => item.id === id);
    },
  };
}

const isId = (id: string) => /^resp_[0-9a-f]{48}$/.test(id);

function itemsOf({ input, response, thinking }: KeptResponse): HistoryItem[] {
  return [
    ...input.map((item) => ({ item })),
    ...response.output.map((item) =>
      item.type === "reasoning" && thinking ? { item, thinking } : { item }
    ),
  ];
}

function notOver(id: string): ApiError {
  return invalidRequest(
    "previous_response_id",
    `Response '${id}' is still being made. Wait until it is completed.`,
  );
}

/** A line of responses can't go on without one of them: the model would answer without it. */
function notFound(id: string, from?: string): ApiError {
  const shown = id.slice(0, 100);
  const message = from === undefined
    ? `Previous response with id '${shown}' not found.`
    : `Response with id '${shown}', which '${from}' goes on from, was deleted or has expired.`;
  return new ApiError(404, message, {
    code: "previous_response_not_found",
    param: "previous_response_id",
  });
}
