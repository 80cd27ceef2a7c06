/** Script of a worker thread: one of several event loops that serve on the same port. */
import { type Call, connect } from "../../thread_calls.ts";
import { serverClock } from "../../clock.ts";
import type { ListenAddress } from "../../config/listen.ts";
import type { Config } from "../../config/schema/config.ts";
import { type App, createApp, type WorkerGroup } from "../../server/app.ts";
import { pollForChanges } from "../../store/backend.ts";
import type { Limiter } from "../../store/limiter.ts";
import type { Store } from "../../store/store.ts";
import { createToolReasoning, type ToolReasoning } from "../../upstream/tool_reasoning.ts";
import { resolveSettings } from "../configuration.ts";
import { keepListening } from "../keep_listening.ts";
import { logIncompleteResponse } from "../listener.ts";
import { crash, createProgramLog, flushLog, logUncaught } from "../log.ts";
import { openStores, type Stores } from "../open_stores.ts";

export interface WorkerStart {
  /** Starts at 0. */
  index: number;
  /** Number of workers of the server. */
  count: number;
  /** The configuration that the program started with. */
  first: Config;
  config: Config;
  address: ListenAddress;
  /** The setting `store`; undefined if stores are in the main thread's memory. */
  store: string | undefined;
  /** Folder of the configuration. */
  folder: string;
  /** Start of the program in seconds since 1970. */
  created: number;
  /** Random id of the server. */
  id: string;
}

/** Methods that a worker calls. */
export type MainMethods =
  & Pick<Store, "get" | "list" | "write" | "now">
  & Pick<Limiter, "take" | "settle" | "renew">
  & Pick<WorkerGroup, "values" | "health" | "endRun">
  & Pick<ToolReasoning, "remember">;

/** Methods that the main thread calls. */
export type WorkerMethods = ReturnType<typeof createMethods>;

globalThis.addEventListener("message", (event) => {
  connect<MainMethods>((event as MessageEvent<MessagePort>).data, createMethods);
}, { once: true });

function createMethods(call: Call<MainMethods>) {
  const toolReasoning = createToolReasoning();
  let app: App;
  let stores: Stores;
  let listener: ReturnType<typeof keepListening>;

  const reload = async (config: Config) => app.reload(await resolveSettings(config));

  return {
    /** Listens; rejects if it can't. */
    async start({ index, count, first, config, address, store, folder, created, id }: WorkerStart) {
      const initial = await resolveSettings(first);
      const log = createProgramLog(initial, index + 1);
      logUncaught(log);
      stores = store === undefined ? remoteStores(call) : await openStores({
        setting: store,
        ca: first.store_ca_file,
        folder,
        log,
        // The main thread waits for the same server, and decides when to give up.
        waitMs: Infinity,
        onGiveUp: crash,
      });
      app = createApp({
        ...stores,
        config: initial,
        clock: serverClock,
        random: Math.random,
        fetch,
        readsModelLists: true,
        log,
        workerGroup: {
          share: (limit) => shareOf(limit, index, count),
          id,
          created,
          values: () => call("values"),
          health: () => call("health"),
          endRun: (id) => void call("endRun", id),
          toolReasoning: {
            find: toolReasoning.find,
            remember(...added) {
              toolReasoning.remember(...added);
              void call("remember", ...added);
            },
          },
        },
      });
      await reload(config);
      app.watchBackends();
      const { hostname, port } = address;
      const onError = logIncompleteResponse(log);
      listener = keepListening({
        open: () =>
          Deno.serve({ hostname, port, reusePort: true, onListen() {}, onError }, app.handle),
        clock: serverClock,
        log,
        listeners: count,
        onLost: crash,
      });
    },
    reload,
    drain: (graceMs: number, delayMs: number) => app.drain(graceMs, delayMs),
    async close() {
      await listener.shutdown();
      await Promise.all([stores.store.close(), stores.limiter.close()]);
      flushLog();
    },
    values: () => app.values(),
    /** Returns what this worker alone knows about the upstreams. */
    health: () => app.health(),
    /** Ends the background run of a response if it is on this worker. */
    endRun: (id: string) => app.endRun(id),
    /** Stores reasoning that another worker has received. */
    remember: toolReasoning.remember,
  };
}

/** Stores that are in the main thread's memory. */
function remoteStores(call: Call<MainMethods>): Stores {
  const close = () => Promise.resolve();
  return {
    store: {
      kind: "memory",
      get: (keys) => call("get", keys),
      list: (range) => call("list", range),
      write: (changes) => call("write", changes),
      watch: pollForChanges,
      now: () => call("now"),
      close,
    },
    limiter: {
      take: (charges) => call("take", charges),
      settle: (charges, id) => call("settle", charges, id),
      renew: (charges) => call("renew", charges),
      close,
    },
  };
}

/** A worker's part of a limit, at least 1; the parts of all workers add up to the limit. */
function shareOf(limit: number, index: number, count: number): number {
  if (limit === 0) return 0;
  return Math.max(1, Math.floor(limit / count) + (index < limit % count ? 1 : 0));
}
