/**
 * What serves requests, in one event loop or in several.
 *
 * @module
 */
import type { ListenAddress } from "../config/listen.ts";
import type { Configuration } from "./configuration.ts";
import type { Listener } from "./listener.ts";

/** A server before it listens. */
export interface Served {
  /** Listens; ends the process with 1 where it can't. */
  listen(address: ListenAddress): Promise<Listener> | Listener;
  /** Answers a scrape; undefined where nothing is counted. */
  metrics: (() => Promise<Response>) | undefined;
  /** Serves new requests by another configuration, once it resolves. */
  reload(next: Configuration): Promise<void> | void;
  /** As `App.drain`. */
  drain(graceMs: number): Promise<void>;
}
