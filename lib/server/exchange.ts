import type { Dialect } from "../api/dialect.ts";
import { findDialect } from "../api/dialects.ts";
import { ANONYMOUS, type Client } from "./client.ts";
import type { Reservation } from "./limits/charge.ts";
import type { Match } from "./router.ts";
import type { LogFields } from "./telemetry/log.ts";
import type { RequestObserver } from "./telemetry/observer.ts";
import type { Work } from "./work.ts";

/** Handles the requests of a route. Throws what `toApiError` understands. */
export type Handler = (
  request: Request,
  exchange: Exchange,
  params: Readonly<Record<string, string>>,
) => Response | Promise<Response>;

/** The state of one request, shared by the steps and the handler. */
export class Exchange {
  readonly id: string;
  /**
   * The URL's path as the client sent it. The runtime builds the URL from an unchecked Host header,
   * for which `new URL` can throw.
   */
  readonly rawPath: string;
  /** The path without `/v1` prefixes and slashes after them, which some clients repeat. */
  readonly path: string;
  readonly dialect: Dialect;
  readonly observer: RequestObserver | undefined;
  /** Fields for the request's log line. */
  readonly logFields: LogFields = {};
  /** Anonymous until the token has been checked. */
  client: Client = ANONYMOUS;
  /** Servers that the request has passed, for its upstream calls. */
  hops = "";
  /** Status of a response without an error, once it is known. */
  status = 200;
  /** Set by the routing step. */
  match!: Match<Handler>;
  /** Whether the client's limits were asked to admit the request. */
  isMetered = false;
  /** What a request of a client with limits has taken of them. */
  reservation?: Reservation;
  /** If true, the body is still being written after the handler returned, and calls `finish`. */
  isStreaming = false;
  /** Ends the watch for a client that disconnects. */
  stopWatching: () => void = () => {};
  readonly #callbacks: ((error?: unknown) => void)[] = [];
  #finished = false;

  constructor(
    request: Request,
    readonly work: Work,
    /** When it began, on the clock's `now`. */
    readonly start: number,
    observe: (exchange: Exchange) => RequestObserver | undefined,
  ) {
    this.id = requestId(request.headers);
    this.rawPath = /^[^:]*:\/\/[^/?#]*([^?#]*)/.exec(request.url)?.[1] ?? "";
    this.path = pathOf(this.rawPath);
    this.dialect = findDialect(this.path, request.headers);
    this.observer = observe(this);
  }

  /** Adds to the log line the types of tools that the request has but this server does not support. */
  logLeftOut(types: readonly string[]): void {
    if (types.length === 0) return;
    this.logFields.left_out = types.slice(0, 10).map((type) => type.slice(0, 40)).join(" ");
  }

  /** Registers a callback for the end of the request. */
  onFinish(callback: (error?: unknown) => void): void {
    this.#callbacks.push(callback);
  }

  /** Ends the request: completed, failed or abandoned. Only the first call has an effect. */
  finish(error?: unknown): void {
    if (this.#finished) return;
    this.#finished = true;
    this.work.end();
    for (const callback of this.#callbacks) callback(error);
  }
}

/** Maximum length of the path of a URL; a longer one is rejected, and cut here. */
export const MAX_PATH_LENGTH = 2_048;

function pathOf(rawPath: string): string {
  let path = rawPath.slice(0, MAX_PATH_LENGTH);
  while (path === "/v1" || path.startsWith("/v1/")) {
    path = path.slice("/v1".length);
    while (path.startsWith("//")) path = path.slice(1);
  }
  while (path.endsWith("/")) path = path.slice(0, -1);
  return path || "/";
}

function requestId(headers: Headers): string {
  const id = headers.get("x-request-id");
  return id !== null && /^[\w.-]{1,128}$/.test(id)
    ? id
    : `req_${crypto.randomUUID().replaceAll("-", "")}`;
}
