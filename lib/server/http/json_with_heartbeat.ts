import { ClientGoneError } from "../../api/errors.ts";
import { type Clock, within } from "../../clock.ts";
import type { Exchange } from "../exchange.ts";

const utf8 = new TextEncoder();

export interface JsonWithHeartbeatOptions {
  json: Promise<unknown>;
  /** Returns the body to send if `json` rejects after the first space, or a promise of it. */
  onError: (error: unknown) => unknown;
  /** Milliseconds before the first space and between spaces. */
  heartbeatMs: number;
  clock: Clock;
  exchange: Exchange;
}

/**
 * Answers with JSON and sends spaces, which JSON allows at its start (RFC 8259, section 2), until it
 * is ready: clients and proxies time out on silent connections.
 *
 * @throws what `json` rejects with before the first space, so that the response can have its status.
 */
export async function jsonWithHeartbeat(
  { json, onError, heartbeatMs, clock, exchange }: JsonWithHeartbeatOptions,
): Promise<Response> {
  const early = await within(clock, heartbeatMs, json);
  if (early !== "late") return Response.json(early);
  exchange.isStreaming = true;
  let stopHeartbeat = () => {};
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const beat = () => {
        controller.enqueue(utf8.encode(" "));
        stopHeartbeat = clock.timer(heartbeatMs, beat);
      };
      const end = (value: unknown, error?: unknown) => {
        stopHeartbeat();
        exchange.finish(error);
        if (cancelled) return;
        controller.enqueue(utf8.encode(JSON.stringify(value)));
        controller.close();
      };
      beat();
      json.then(end, async (error) => end(await onError(error), error));
    },
    cancel() {
      cancelled = true;
      stopHeartbeat();
      const gone = new ClientGoneError("The client disconnected before the response");
      exchange.work.abort(gone);
      exchange.finish(gone);
    },
  });
  return new Response(body, { headers: { "content-type": "application/json" } });
}
