/**
 * Several event loops on one port, each in a thread of its own. The main thread serves nothing: it
 * keeps what they share, and starts, reloads and ends them.
 *
 * @module
 */
import type { Config } from "../../config/schema/config.ts";
import type { Log } from "../../server/telemetry/log.ts";
import {
  type MetricValues,
  scrapeResponse,
  sumMetricValues,
  withoutGauges,
} from "../../server/telemetry/metric_values.ts";
import { type Clock, within } from "../../clock.ts";
import type { Configuration } from "../configuration.ts";
import type { Doors } from "./calls.ts";
import type { Stores } from "../open_stores.ts";
import { freePort } from "../listener.ts";
import type { Served } from "../served.ts";
import { createSupervisor, type WorkerThread } from "./supervisor.ts";
import type { MainDoors, WorkerDoors, WorkerStart } from "./doors.ts";

/** What workers are made of. */
export interface WorkersOptions {
  /** How many. */
  count: number;
  /** The configuration that the program starts with. */
  configuration: Configuration;
  /** Shared by the workers if it is in memory. */
  stores: Stores;
  /** The one clock. */
  clock: Clock;
  /** Where the server says what it does. */
  log: Log;
}

/** How long a worker may take to tell what it has counted, in milliseconds. */
const VALUES_MS = 1_000;

/** How long a worker may take to reload, and how much longer than its grace to drain. */
const LATE_MS = 5_000;

/** Creates workers, which start when they are to listen. */
export function createWorkers(
  { count, configuration, stores, clock, log }: WorkersOptions,
): Served {
  const { folder, resolved: { store: setting, metrics } } = configuration;
  const first = configuration.config;
  const created = Math.floor(clock.date() / 1000);
  let config: Config = first;
  let address: WorkerStart["address"];
  const counted = createCounted();
  const { get, list, write, kind } = stores.store;
  const { take, settle, renew } = stores.limiter;
  const shared: Omit<MainDoors, "remember"> = { get, list, write, take, settle, renew, values };

  const supervisor = createSupervisor<WorkerDoors>({
    script: new URL("./worker.ts", import.meta.url),
    count,
    clock,
    log,
    doors: (index): Doors => ({
      ...shared,
      remember: (callIds: readonly string[], reasoning: string) =>
        tellAll((each) => each.index !== index && each.call("remember", callIds, reasoning)),
    }),
    async begin(worker) {
      let sent = config;
      await worker.call("start", {
        index: worker.index,
        count,
        first,
        config: sent,
        address,
        // What `auto` came to holds for all of them.
        store: kind === "memory" ? undefined : setting === "auto" ? kind : setting,
        folder,
        created,
      });
      // It may have changed meanwhile.
      while (sent !== config) await worker.call("reload", sent = config);
    },
    onLost: counted.lost,
  });

  /** Resolves when all have answered, or are lost. */
  async function tellAll(tell: (worker: WorkerThread<WorkerDoors>) => unknown): Promise<void> {
    await Promise.allSettled(supervisor.serving().map(tell));
  }

  async function values(): Promise<MetricValues> {
    // Here and below: a worker that hangs must not keep the others.
    await within(clock, VALUES_MS, tellAll(tellValues));
    return counted.sum();
  }

  async function tellValues(worker: WorkerThread<WorkerDoors>): Promise<void> {
    const own = await worker.call("values");
    if (supervisor.serving().includes(worker)) counted.set(worker.index, own);
  }

  return {
    async listen(wanted) {
      address = { ...wanted, port: freePort(wanted) };
      try {
        await supervisor.start();
      } catch (error) {
        console.error(
          `Can't start ${count} workers: ${error instanceof Error ? error.message : String(error)}`,
        );
        Deno.exit(1);
      }
      const finished = Promise.withResolvers<void>();
      return {
        port: address.port,
        finished: finished.promise,
        async shutdown() {
          await tellAll((each) => each.call("close"));
          supervisor.stop();
          finished.resolve();
        },
      };
    },
    metrics: metrics.enabled ? async () => scrapeResponse(await values()) : undefined,
    async reload(next) {
      config = next.config;
      await within(clock, LATE_MS, tellAll((worker) => worker.call("reload", config)));
    },
    async drain(graceMs) {
      supervisor.leave();
      await within(clock, graceMs + LATE_MS, tellAll((each) => each.call("drain", graceMs)));
    },
  };
}

/** What workers have counted; what the lost had told last is still counted, so that sums only grow. */
function createCounted() {
  const latest = new Map<number, MetricValues>();
  let lost: MetricValues = new Map();
  return {
    set: (index: number, values: MetricValues): unknown => latest.set(index, values),
    lost(index: number) {
      lost = sumMetricValues([lost, withoutGauges(latest.get(index) ?? new Map())]);
      latest.delete(index);
    },
    sum: (): MetricValues => sumMetricValues([lost, ...latest.values()]),
  };
}
