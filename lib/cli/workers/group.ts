/**
 * Several event loops on one port, each in its own thread. The main thread holds what they share,
 * and starts, reloads and stops them.
 */
import { systemClock as clock, within } from "../../clock.ts";
import type { ListenAddress } from "../../config/listen.ts";
import { randomServerId } from "../../server/app.ts";
import type { UpstreamRecord } from "../../server/health/health.ts";
import type { Log } from "../../server/telemetry/log.ts";
import {
  type MetricValues,
  scrapeResponse,
  sumMetricValues,
  withoutGauges,
} from "../../server/telemetry/metric_values.ts";
import type { Configuration } from "../configuration.ts";
import { type ApiServer, reservePort } from "../listener.ts";
import type { Stores } from "../open_stores.ts";
import { createSupervisor, type WorkerThread } from "./supervisor.ts";
import type { MainMethods, WorkerMethods } from "./worker.ts";

export interface WorkersOptions {
  count: number;
  address: ListenAddress;
  configuration: Configuration;
  /** Workers use these if they are in memory, and otherwise open their own. */
  stores: Stores;
  log: Log;
}

/** Time limits in milliseconds, so that a hanging worker does not block the others. */
const VALUES_MS = 1_000;
const RELOAD_MS = 5_000;
/** Added to the delay and the grace period. */
const DRAIN_MS = 5_000;

type Worker = WorkerThread<WorkerMethods>;

/** Resolves when all workers listen. Exits with 1 if the port is in use or a worker crashes. */
export async function startWorkers(
  { count, address: requested, configuration, stores, log }: WorkersOptions,
): Promise<ApiServer> {
  using reserved = reservePort(requested);
  const address = { ...requested, port: reserved.port };
  const { folder, config: first, resolved: { metrics } } = configuration;
  const id = randomServerId();
  const created = Math.floor(clock.date() / 1000);
  const { get, list, write, now, kind } = stores.store;
  const { take, settle, renew } = stores.limiter;
  let config = first;
  /** Latest metrics of each serving worker, and the sum of those of crashed workers. */
  const latest = new Map<number, MetricValues>();
  let crashed: MetricValues = new Map();

  const supervisor = createSupervisor<WorkerMethods>({
    script: new URL("./worker.ts", import.meta.url),
    count,
    clock,
    log,
    methods(index): MainMethods {
      return {
        get,
        list,
        write,
        now,
        take,
        settle,
        renew,
        values,
        health,
        remember: (...added) =>
          void forAll((worker) =>
            worker.index === index ? undefined : worker.call("remember", ...added)
          ),
        endRun: (id) =>
          void forAll((worker) => worker.index === index ? undefined : worker.call("endRun", id)),
      };
    },
    async prepare(worker) {
      let sent = config;
      await worker.call("start", {
        index: worker.index,
        count,
        first,
        config,
        address,
        folder,
        created,
        id,
        // All workers use the store that `auto` has opened here.
        store: kind === "memory" ? undefined : first.store === "auto" ? kind : first.store,
      });
      // The configuration may have changed meanwhile.
      while (sent !== config) await worker.call("reload", sent = config);
    },
    onCrash(index) {
      // Counters must not decrease, so the last values of a crashed worker stay in the sum.
      crashed = sumMetricValues([crashed, withoutGauges(latest.get(index) ?? new Map())]);
      latest.delete(index);
    },
  });

  /** Resolves when every worker has answered or crashed. */
  async function forAll(action: (worker: Worker) => unknown): Promise<void> {
    await Promise.allSettled(supervisor.serving().map(action));
  }

  async function values(): Promise<MetricValues> {
    const update = async (worker: Worker) => {
      const own = await worker.call("values");
      if (supervisor.serving().includes(worker)) latest.set(worker.index, own);
    };
    await within(clock, VALUES_MS, forAll(update));
    return sumMetricValues([crashed, ...latest.values()]);
  }

  async function health(): Promise<UpstreamRecord[]> {
    const records: UpstreamRecord[] = [];
    const add = async (worker: Worker) => records.push(...await worker.call("health"));
    await within(clock, VALUES_MS, forAll(add));
    return records;
  }

  try {
    await supervisor.start();
  } catch (error) {
    console.error(`Can't start ${count} workers: ${(error as Error).message}`);
    Deno.exit(1);
  }
  return {
    port: address.port,
    async shutdown() {
      await forAll((worker) => worker.call("close"));
      supervisor.stop();
    },
    metrics: metrics.enabled ? async () => scrapeResponse(await values()) : undefined,
    async reload(next) {
      config = next.config;
      await within(clock, RELOAD_MS, forAll((worker) => worker.call("reload", config)));
    },
    async drain(graceMs, delayMs) {
      supervisor.retire();
      const drained = forAll((worker) => worker.call("drain", graceMs, delayMs));
      await within(clock, delayMs + graceMs + DRAIN_MS, drained);
    },
  };
}
