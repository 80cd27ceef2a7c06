/**
 * One request on its way through the server.
 *
 * @module
 */
import type { Dialect } from "../api/dialect.ts";
import { findDialect } from "../api/dialects.ts";
import { newHexId } from "../api/ids.ts";
import { ANONYMOUS, type Client } from "./client.ts";
import type { Match } from "./router.ts";
import type { LogFields } from "./telemetry/log.ts";
import type { RequestObserver } from "./telemetry/observer.ts";
import type { Work } from "./work.ts";

/** A request's state, shared by middleware and handler. */
export interface Exchange {
  readonly id: string;
  /** The URL's path without the `/v1` prefix. */
  readonly path: string;
  readonly dialect: Dialect;
  readonly work: Work;
  readonly observer: RequestObserver | undefined;
  /** Fields for the request's log line. */
  readonly logFields: LogFields;
  /** Anonymous until the token has been checked. */
  client: Client;
  /** Set by the routing middleware. */
  match: Match<Handler>;
  /** `x-ratelimit-*` headers of a request that has reserved a part of its client's limits. */
  limitHeaders?: Record<string, string>;
  /** If true, the body is still being written after the handler returned, and calls `finish`. */
  isStreaming: boolean;
  /** Ends the watch for a client that disconnects. */
  stopWatching(): void;
  /** Registers a callback for the end of the request. */
  onFinish(callback: (error?: unknown) => void): void;
  /** Ends the request: completed, failed or abandoned. Only the first call has an effect. */
  finish(error?: unknown): void;
}

/** Handles the requests of a route. Throws what `toApiError` understands. */
export type Handler = (
  request: Request,
  exchange: Exchange,
  params: Readonly<Record<string, string>>,
) => Response | Promise<Response>;

const UNROUTED: Match<Handler> = {
  route: {
    method: "GET",
    path: "",
    handle() {
      throw new Error("The request has no route yet");
    },
  },
  params: {},
};

/** Creates the state of a request whose work has begun. */
export function createExchange(
  request: Request,
  work: Work,
  observe: (id: string) => RequestObserver | undefined,
): Exchange {
  const callbacks: ((error?: unknown) => void)[] = [];
  let finished = false;
  const id = requestId(request.headers);
  const path = pathOf(request.url);
  return {
    id,
    path,
    dialect: findDialect(path, request.headers),
    work,
    observer: observe(id),
    logFields: {},
    client: ANONYMOUS,
    match: UNROUTED,
    isStreaming: false,
    stopWatching() {},
    onFinish: (callback) => void callbacks.push(callback),
    finish(error) {
      if (finished) return;
      finished = true;
      work.end();
      for (const callback of callbacks) callback(error);
    },
  };
}

/**
 * Returns the path without `/v1` prefixes, which some clients double, and without trailing slashes.
 * The runtime builds the URL from an unchecked Host header, for which `new URL` can throw.
 */
function pathOf(url: string): string {
  const [, path = ""] = /^[^:]*:\/\/[^/?#]*([^?#]*)/.exec(url) ?? [];
  return path.replace(/^(?:\/v1)+(?=\/|$)/, "").replace(/\/+$/, "") || "/";
}

function requestId(headers: Headers): string {
  const id = headers.get("x-request-id");
  return id !== null && /^[\w.-]{1,128}$/.test(id) ? id : newHexId("req_", 32);
}
