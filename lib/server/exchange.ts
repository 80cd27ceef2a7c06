/**
 * One request on its way through the server.
 *
 * @module
 */
import type { Client } from "./middleware/auth.ts";
import type { LimitReservation } from "./limits/limits.ts";
import type { LogFields } from "./telemetry/log.ts";
import type { RequestObserver } from "./telemetry/observer.ts";
import type { Work } from "./work.ts";

/** One request on its way. */
export interface Exchange {
  /** Who asks; nobody, until the token has been checked. */
  client: Client;
  /** What it holds of its client's limits. */
  reservation?: LimitReservation | undefined;
  /** Its work. */
  work: Work;
  /** Fields for its line in the log. */
  fields: LogFields;
  /** Who watches it. */
  observer: RequestObserver | undefined;
  /** Whether the answer goes on after the handler has returned; who writes it then says `done`. */
  isStreaming: boolean;
  /** Gives its place among the running requests back. */
  releaseSlot(): void;
  /** The answer is over: whole, failed or abandoned. Only the first call counts. */
  finish(error?: unknown): void;
  /** Calls this when the answer, or its beginning, is handed to the runtime. */
  onResponse(end: () => void): void;
}

/** A route's answer. Throws what `toApiError` understands. */
export type Handler = (
  request: Request,
  exchange: Exchange,
  params: Readonly<Record<string, string>>,
) => Response | Promise<Response>;
