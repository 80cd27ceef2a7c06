/**
 * One of several event loops that serve together: the script of a thread. Its first message is the
 * port over which the main thread calls it.
 *
 * @module
 */
import { resolveConfig } from "../../config/resolve.ts";
import { type App, createApp } from "../../server/app.ts";
import { serverClock } from "../../clock.ts";
import { createToolReasoning } from "../../upstream/tool_reasoning.ts";
import { type Calls, createCalls } from "./calls.ts";
import { openStores, type Stores } from "../open_stores.ts";
import { flushLog, logOf, logRejections } from "../log.ts";
import type { MainDoors, WorkerDoors, WorkerStart } from "./doors.ts";

const env = (name: string) => Deno.env.get(name);

globalThis.addEventListener("message", (event) => {
  const toolReasoning = createToolReasoning();
  let app: App;
  let stores: Stores;
  let server: Deno.HttpServer;

  const doors: WorkerDoors = {
    async start(start) {
      const config = resolveConfig(start.first, { env });
      const log = logOf(config, start.index + 1);
      logRejections(log);
      stores = start.store === undefined
        ? storesOver(main)
        : await openStores(start.store, start.folder, false, log);
      app = createApp({
        ...stores,
        config,
        clock: serverClock,
        random: Math.random,
        fetch,
        log,
        workerGroup: {
          share: (bound) => shareOf(bound, start),
          created: start.created,
          values: () => main.call("values"),
          toolReasoning: {
            restore: toolReasoning.restore,
            remember(callIds, reasoning) {
              if (callIds.length === 0 || reasoning === "") return;
              toolReasoning.remember(callIds, reasoning);
              void main.call("remember", callIds, reasoning);
            },
          },
        },
      });
      app.reload(resolveConfig(start.config, { env }));
      const { hostname, port } = start.address;
      server = Deno.serve(
        { hostname, port, reusePort: true, onListen() {} },
        (request) => app.handle(request),
      );
    },
    reload: (config) => app.reload(resolveConfig(config, { env })),
    drain: (graceMs) => app.drain(graceMs),
    async close() {
      await server.shutdown();
      await Promise.all([stores.store.close(), stores.limiter.close()]);
      flushLog();
    },
    values: () => app.values(),
    remember: toolReasoning.remember,
  };
  const main = createCalls<MainDoors>((event as MessageEvent<MessagePort>).data, doors);
}, { once: true });

/** Calls the stores in the memory of the main thread. */
function storesOver({ call }: Calls<MainDoors>): Stores {
  const close = () => Promise.resolve();
  return {
    store: {
      kind: "memory",
      get: (keys) => call("get", keys),
      list: (range) => call("list", range),
      write: (changes) => call("write", changes),
      close,
    },
    limiter: {
      take: (now, asks) => call("take", now, asks),
      settle: (now, corrections) => call("settle", now, corrections),
      renew: (now, leases) => call("renew", now, leases),
      close,
    },
  };
}

/** A worker's part of a bound for all: together they make it up, but each has at least one. */
function shareOf(bound: number, { index, count }: WorkerStart): number {
  if (bound === 0) return 0;
  return Math.max(1, Math.floor(bound / count) + (index < bound % count ? 1 : 0));
}
