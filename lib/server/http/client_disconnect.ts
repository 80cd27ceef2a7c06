/**
 * Notices a client that leaves while its answer is made.
 *
 * `Deno.serve` of Deno 2.8.3 to 2.9.6 does so by itself (`request.signal`) only where the whole
 * request came in its first read of 1 kB. For any other it looks at the connection only when
 * somebody reads the request's body; so the body is read here again and again, at its end, where
 * there is nothing to read. The stream of a body closes at its end, so that the runtime's own
 * `read` has to do it, which is no public API: where it is missing, nothing is watched.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";

/** Time between two looks, in milliseconds: a reset connection takes two, and 100 ms must do. */
export const DISCONNECT_POLL_MS = 30;

/**
 * The number by which the runtime knows a request's body, while it comes from the network.
 *
 * @returns undefined for a body that is here already, or that no server received.
 */
export function bodyResourceId(body: ReadableStream<Uint8Array>): number | undefined {
  for (const key of Object.getOwnPropertySymbols(body)) {
    const value: unknown = Reflect.get(body, key);
    if (typeof value !== "object" || value === null || !("rid" in value)) continue;
    if (typeof value.rid === "number") return value.rid;
  }
  return undefined;
}

/**
 * Whether all of a request's body is here already, so that no stream of it has to be made: that
 * costs as much as to parse it. False where the runtime does not tell.
 */
export function isBodyReceived(request: Request): boolean {
  innerKey ??= Object.getOwnPropertySymbols(request).find((key) => key.description === "request");
  if (innerKey === undefined) return false;
  const inner: { body?: { streamOrStatic?: unknown } | null } | undefined = Reflect.get(
    request,
    innerKey,
  );
  const source = inner?.body?.streamOrStatic;
  return typeof source === "object" && source !== null && "consumed" in source;
}

/** Under which the runtime keeps what is behind a request; the same for all. */
let innerKey: symbol | undefined;

/**
 * Calls `onGone` when the client of this body, which has been read but for its end, has left.
 *
 * @returns ends the watch and closes the body. To be called before the answer is handed to the
 * runtime: from then on it looks by itself, and an open body would hold the connection.
 */
export function watchForDisconnect(
  body: ReadableStream<Uint8Array>,
  clock: Clock,
  onGone: () => void,
): () => void {
  const rid = bodyResourceId(body);
  const read = runtimeRead();
  const nothing = new Uint8Array(1);
  let over = rid === undefined || read === undefined;
  let cancel = () => {};

  async function look(): Promise<void> {
    try {
      await read!(rid!, nothing);
      next();
    } catch (error) {
      // Any other error means that this is not the runtime that we know.
      if (!over && error instanceof Deno.errors.BadResource) onGone();
    }
  }
  function next(): void {
    if (!over) cancel = clock.timer(DISCONNECT_POLL_MS, look);
  }

  next();
  return () => {
    over = true;
    cancel();
    body.cancel().catch(() => {});
  };
}

/** The runtime's own way to read a resource: how many bytes came, 0 at the end. */
type Read = (rid: number, buffer: Uint8Array) => Promise<number>;

function runtimeRead(): Read | undefined {
  const { internal } = Deno as unknown as { internal?: symbol };
  if (typeof internal !== "symbol") return undefined;
  const internals: { core?: { read?: Read } } | undefined = Reflect.get(Deno, internal);
  const core = internals?.core;
  return typeof core?.read === "function" ? (rid, buffer) => core.read!(rid, buffer) : undefined;
}
