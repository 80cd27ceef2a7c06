/**
 * What the program's threads let each other call.
 *
 * @module
 */
import type { ListenAddress } from "../../config/listen.ts";
import type { Config } from "../../config/schema/config.ts";
import type { MetricValues } from "../../server/telemetry/metric_values.ts";
import type { Limiter } from "../../store/limiter.ts";
import type { Store } from "../../store/store.ts";

/** What a worker starts with. */
export interface WorkerStart {
  /** Its number, from 0 on. */
  index: number;
  /** How many workers there are. */
  count: number;
  /** The configuration that the program started with. */
  first: Config;
  /** The one that is served by now. */
  config: Config;
  /** Where it listens, beside the others. */
  address: ListenAddress;
  /** Where it opens the store; undefined: what is kept is in the main thread's memory. */
  store: string | undefined;
  /** The folder of the configuration. */
  folder: string;
  /** When the program began, in seconds since 1970. */
  created: number;
}

/** What the main thread asks of a worker. */
export type WorkerDoors = {
  /** Listens; rejects where it can't. */
  start(start: WorkerStart): Promise<void>;
  /** Serves new requests by another configuration. */
  reload(config: Config): void;
  /** As `App.drain`. */
  drain(graceMs: number): Promise<void>;
  /** Closes all that is open; resolves when the last answer is out. */
  close(): Promise<void>;
  /** What it has counted by itself. */
  values(): MetricValues;
  /** Hears what a model thought before it called tools. */
  remember(callIds: readonly string[], reasoning: string): void;
};

/** What a worker asks of the main thread. */
export type MainDoors =
  & Pick<Store, "get" | "list" | "write">
  & Pick<
    Limiter,
    "take" | "settle" | "renew"
  >
  & {
    /** What all workers have counted. */
    values(): Promise<MetricValues>;
    /** Tells all other workers what a model thought before it called tools. */
    remember(callIds: readonly string[], reasoning: string): void;
  };
