import type { FetchLike } from "@modelcontextprotocol/client";
import { isObject, tryParse } from "../../json.ts";
import { ToolFailure } from "../failure.ts";
import { createValueCounter } from "./count_values.ts";

/** What a server may still send and cause. */
export interface ServerBudget {
  /** Bytes that it may send. */
  bytes: number;
  /** HTTP requests that its messages may cause, such as answers to pings. */
  requests: number;
  /** Called when the server exceeds one of these numbers. */
  onExceeded(failure: ToolFailure): void;
}

/**
 * Sends requests to one MCP server. Redirects are refused, so that headers with keys go to the
 * configured address only.
 *
 * @param isLegacy whether the server sends all its messages in one stream, which is opened by the
 * first GET and not opened again.
 */
export function createBoundedFetch(budget: ServerBudget, isLegacy: boolean): FetchLike {
  let isOpened = false;
  /** Requests that wait for results, by the ids of their messages. */
  const open = new Map<unknown, AbortController>();

  return async (url, init) => {
    const isStream = (init?.method ?? "GET") === "GET";
    if (isStream && isLegacy && isOpened) return new Response(null, { status: 204 });
    // Messages that belong to no call are of no use.
    const isResumed = new Headers(init?.headers).has("last-event-id");
    if (isStream && !isLegacy && !isResumed) return new Response(null, { status: 405 });
    isOpened ||= isStream;
    if (--budget.requests < 0) throw exceeded(budget, "The MCP server caused too many requests.");
    const { id, method, params } = messageOf(init);
    // The server may ignore it, and would keep the request open.
    if (method === "notifications/cancelled") open.get(params?.requestId)?.abort();
    const controller = new AbortController();
    if (id !== undefined) open.set(id, controller);
    const close = () => void open.delete(id);
    const signals = [controller.signal, ...(init?.signal ? [init.signal] : [])];
    const signal = AbortSignal.any(signals);
    const response = await fetch(url, { ...init, signal, redirect: "manual" }).catch((error) => {
      close();
      throw error;
    });
    const { status, statusText, headers } = response;
    if (status >= 300 && status < 400) {
      close();
      await response.body?.cancel();
      throw new ToolFailure("The MCP server redirects to another address.");
    }
    const hasBody = response.body !== null && status !== 204 && status !== 205;
    if (!hasBody) close();
    const body = hasBody ? response.body!.pipeThrough(countBytes(budget, close)) : null;
    return new Response(body, { status, statusText, headers });
  };
}

/** Values of one answer or stream, which take up to 40 ms to validate. */
const MAX_VALUES = 20_000;

interface Message {
  id?: unknown;
  method?: string;
  params?: { requestId?: unknown };
}

/** Returns the client's message. */
function messageOf(init: RequestInit | undefined): Message {
  const message = typeof init?.body === "string" ? tryParse(init.body) : undefined;
  return isObject(message) ? message : {};
}

/** @param onEnd called when the body has ended, was cancelled or has failed. */
function countBytes(budget: ServerBudget, onEnd: () => void) {
  const countValues = createValueCounter();
  return new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(bytes, controller) {
      budget.bytes -= bytes.length;
      const isSmall = budget.bytes >= 0 && countValues(bytes) <= MAX_VALUES;
      if (isSmall) controller.enqueue(bytes);
      else controller.error(exceeded(budget, "The MCP server sent too much."));
    },
    flush: onEnd,
    cancel: onEnd,
  });
}

function exceeded(budget: ServerBudget, message: string): ToolFailure {
  const failure = new ToolFailure(message);
  budget.onExceeded(failure);
  return failure;
}
