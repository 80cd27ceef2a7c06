import type { FetchLike } from "@modelcontextprotocol/client";
import { ToolFailure } from "../attempt.ts";

/** What a server may still send and cause until the next call. */
export interface ServerBudget {
  /** Bytes that it may send. */
  bytes: number;
  /** HTTP requests that its messages may cause, such as answers to pings. */
  requests: number;
  /** Called when it causes more. */
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
  return async (url, init) => {
    const isStream = (init?.method ?? "GET") === "GET";
    if (isStream && isLegacy && isOpened) return new Response(null, { status: 204 });
    // Messages that belong to no call are of no use.
    const isResumed = new Headers(init?.headers).has("last-event-id");
    if (isStream && !isLegacy && !isResumed) return new Response(null, { status: 405 });
    isOpened ||= isStream;
    if (--budget.requests < 0) throw exceeded(budget, "The MCP server caused too many requests.");
    const response = await fetch(url, { ...init, redirect: "manual" });
    const { status, statusText, headers } = response;
    if (status >= 300 && status < 400) {
      await response.body?.cancel();
      throw new ToolFailure("The MCP server redirects to another address.");
    }
    const hasBody = response.body !== null && status !== 204 && status !== 205;
    const body = hasBody ? response.body!.pipeThrough(countBytes(budget)) : null;
    return new Response(body, { status, statusText, headers });
  };
}

function countBytes(budget: ServerBudget) {
  return new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(bytes, controller) {
      budget.bytes -= bytes.length;
      if (budget.bytes >= 0) controller.enqueue(bytes);
      else controller.error(exceeded(budget, "The MCP server sent too much."));
    },
  });
}

function exceeded(budget: ServerBudget, message: string): ToolFailure {
  const failure = new ToolFailure(message);
  budget.onExceeded(failure);
  return failure;
}
