/**
 * A JSON answer that may take long: spaces before it keep everybody on the way patient.
 *
 * @module
 */
import { ClientGoneError } from "../../api/errors.ts";
import { type Clock, within } from "../../clock.ts";
import type { Exchange } from "../exchange.ts";

/** What the answer is made from. */
export interface JsonWithHeartbeatOptions {
  /** The whole answer, when it is there. */
  whole: Promise<unknown>;
  /** The best that there is, should the work fail after the first space. */
  draft: (error: unknown) => unknown;
  /** Time before the first space, and between them, in milliseconds. */
  heartbeatMs: number;
  /** The one clock. */
  clock: Clock;
  /** The request. */
  exchange: Exchange;
}

/**
 * Answers with JSON; JSON may begin with spaces (RFC 8259, section 2), so that they can go out
 * while the work goes on. A failure before the first space is thrown and keeps its status.
 */
export async function jsonWithHeartbeat(options: JsonWithHeartbeatOptions): Promise<Response> {
  const { whole, draft, heartbeatMs, clock, exchange } = options;
  let cancel = () => {};
  const early = await within(clock, heartbeatMs, whole);
  if (early !== "late") return Response.json(early);
  exchange.isStreaming = true;
  const utf8 = new TextEncoder();
  let over = false;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const beat = () => {
        controller.enqueue(utf8.encode(" "));
        cancel = clock.timer(heartbeatMs, beat);
      };
      const end = (json: unknown, error?: unknown) => {
        cancel();
        exchange.finish(error);
        if (over) return;
        over = true;
        controller.enqueue(utf8.encode(JSON.stringify(json)));
        controller.close();
      };
      beat();
      whole.then((json) => end(json), async (error) => end(await draft(error), error));
    },
    cancel() {
      over = true;
      cancel();
      const gone = new ClientGoneError("The client left before the answer");
      exchange.work.abort(gone);
      exchange.finish(gone);
    },
  });
  return new Response(body, { headers: { "content-type": "application/json" } });
}
