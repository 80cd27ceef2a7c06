import { abortable } from "@std/async";
import { isObject } from "../json.ts";
import type { ToolContext, ToolResult } from "./tool.ts";

/** A failure with a message that models may read: no address, key or header of the configuration. */
export class ToolFailure extends Error {}

export const failureResult = (text: string): ToolResult => ({
  content: [{ type: "text", text }],
  isError: true,
});

/**
 * Runs the work of a tool within `timeMs` milliseconds. All that goes wrong becomes a result; only a
 * {@link ToolFailure} says what it was. Work that ignores its signal is left behind.
 *
 * @throws the reason of the context's signal when it is aborted.
 */
export async function attempt(
  { signal, clock }: ToolContext,
  timeMs: number,
  work: (signal: AbortSignal) => Promise<ToolResult>,
): Promise<ToolResult> {
  signal.throwIfAborted();
  const late = new AbortController();
  const stop = AbortSignal.any([signal, late.signal]);
  const cancelTimer = clock.timer(
    timeMs,
    () => late.abort(new ToolFailure(`There was no result within ${timeMs} ms.`)),
  );
  try {
    return await abortable(work(stop), stop);
  } catch (error) {
    signal.throwIfAborted();
    return failureResult(error instanceof ToolFailure ? error.message : "The tool failed.");
  } finally {
    cancelTimer();
  }
}

/** Returns a text of an object's field, or undefined for anything else. */
export function textField(value: unknown, name: string): string | undefined {
  const field = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return typeof field === "string" ? field : undefined;
}
