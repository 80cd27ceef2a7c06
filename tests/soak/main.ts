#!/usr/bin/env -S deno run --frozen --no-prompt --config tests/deno.json --allow-net=127.0.0.1 --allow-read=.,/tmp --allow-write=/tmp --allow-run --allow-env
/**
 * Soak test: runs the server under mixed traffic and faults. Afterwards sockets, memory and records
 * must be consistent, and nothing that was acknowledged may be lost.
 *
 * `tests/soak/main.ts [--minutes 10] [--clients 16] [--seed 1]`
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { createRandom } from "../../lib/random.ts";
import { freePort } from "../support/port.ts";
import { compareLimits, compareRequests, compareTokens } from "./compare.ts";
import { createClient } from "./client.ts";
import { slopeOf } from "./growth.ts";
import type { Usage } from "./probe.ts";
import { createReport, type Report } from "./report.ts";
import { configText, scrape, type SoakServer, startServer } from "./server.ts";
import { checkBackground, checkStored } from "./stored.ts";
import { createExpected, type Expected, sendTraffic } from "./traffic.ts";
import { type SoakUpstream, startSoakUpstream } from "./upstream.ts";

/** Allowed growth from the first sample after the warm-up to the last one, in MiB. */
const MAX_HEAP_GROWTH = 4;
const MAX_RESIDENT_GROWTH = 64;

/** Allowed growth of the memory per 100,000 requests, in MiB. */
const MAX_GROWTH = 1;

/** Shortest run whose growth counts, in milliseconds: a shorter one is all warm-up. */
const GROWTH_MS = 600_000;

/** Number of samples of timers and memory. */
const SAMPLES = 30;

/** Number of the first samples that don't count for growth: code is still loaded and compiled. */
const WARM_SAMPLES = SAMPLES / 3;

const RELOAD_MS = 20_000;
const IDLE_MS = 60_000;

/** Time in which the last timer must have fired, in milliseconds. */
const LINGER_MS = 1_000;

/** The runtime closes connections that are idle for 90 s, and checks every 90 s. In milliseconds. */
const POOL_MS = 200_000;

const MIB = 2 ** 20;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Polls until the condition is true. Returns false after `ms` milliseconds. */
async function until(ms: number, condition: () => boolean | Promise<boolean>): Promise<boolean> {
  const end = performance.now() + ms;
  while (!await condition()) {
    if (performance.now() > end) return false;
    await sleep(100);
  }
  return true;
}

interface Soak {
  folder: string;
  port: number;
  random: () => number;
  report: Report;
  clients: number;
  ms: number;
}

async function writeConfig(folder: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${folder}/config.yaml.new`, text);
  await Deno.rename(`${folder}/config.yaml.new`, `${folder}/config.yaml`);
}

/** Changes, breaks and repairs the configuration and sends SIGHUP, in turn. */
async function reload(
  soak: Soak,
  server: SoakServer,
  upstream: SoakUpstream,
  isRunning: () => boolean,
): Promise<void> {
  const faults: string[] = [];
  const gap = Math.min(RELOAD_MS, soak.ms / 6);
  // Turn 0 is the configuration at the start.
  let turn = 1;
  for (; await until(gap, () => !isRunning()) === false; turn++) {
    const isBroken = turn % 3 === 1;
    const message = isBroken ? "was not reloaded" : "was reloaded";
    const before = server.count(message);
    if (turn % 3 === 2) {
      // Repaired before SIGHUP, which reloads the current file.
      await writeConfig(soak.folder, await configText(upstream, soak.port, turn));
      server.kill("SIGHUP");
    } else if (isBroken) await writeConfig(soak.folder, "modles: {}\nserver: { port: many }\n");
    else await writeConfig(soak.folder, await configText(upstream, soak.port, turn));
    if (!await until(10_000, () => server.count(message) > before)) {
      faults.push(`reload ${turn}: not logged within 10 s`);
    }
  }
  await writeConfig(soak.folder, await configText(upstream, soak.port, turn));
  soak.report.note("configurations written", turn - 1);
  soak.report.none("missing reloads", faults);
}

interface Sample extends Usage {
  /** Number of requests so far. */
  requests: number;
}

/** Samples timers and memory of the server. */
async function sample(
  soak: Soak,
  server: SoakServer,
  isRunning: () => boolean,
  countRequests: () => number,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  while (!await until(soak.ms / SAMPLES, () => !isRunning())) {
    samples.push({ ...await server.usage(), requests: countRequests() });
  }
  return samples;
}

/** Sends traffic for the whole time and compares all records. */
async function traffic(soak: Soak): Promise<Expected> {
  const { report, folder, port, random } = soak;
  await using upstream = startSoakUpstream({ random, faults: 0.08, paceMs: 40 });
  await writeConfig(folder, await configText(upstream, port));
  const server = await startServer(folder);
  const before = { sockets: await server.sockets(), timers: (await server.usage()).timers };
  const client = createClient(server.url);
  const expected = createExpected();
  const end = performance.now() + soak.ms;
  const isRunning = () => performance.now() < end;
  const countRequests = () => {
    const { length } = client.entries;
    console.error(`${length} requests, ${expected.responses.length} responses stored`);
    return length;
  };
  const [samples] = await Promise.all([
    sample(soak, server, isRunning, countRequests),
    reload(soak, server, upstream, isRunning),
    ...Array.from(
      { length: soak.clients },
      (_, i) =>
        sendTraffic({
          client,
          random: createRandom(1_000 * random() + i),
          expected,
          isRunning,
        }),
    ),
  ]);
  let quiet = 0;
  const idle = await until(IDLE_MS, async () => {
    const metrics = await scrape(port);
    const active = metrics.sum("o1_api_requests_active") + metrics.sum("o1_api_streams_active");
    quiet = active + upstream.open === 0 ? quiet + 1 : 0;
    // Longer than the longest delay before a retry.
    return quiet > 30;
  });
  const metrics = await scrape(port);
  report.same("idle after the traffic", Number(idle), 1);
  report.same("active requests", metrics.sum("o1_api_requests_active"), 0);
  report.same("active streams", metrics.sum("o1_api_streams_active"), 0);
  report.same("upstream calls open", upstream.open, 0);
  const entries = [...client.entries];
  compareRequests({ entries, server, metrics, upstream }, report);
  for (const [kind, count] of Object.entries(upstream.played).sort()) {
    report.note(`upstream calls, ${kind}`, count);
  }
  compareTokens({ entries, server, metrics, upstream }, report);
  report.none("faults that clients noticed", expected.faults);
  report.within(
    "429 answers for the client that exceeds its limits",
    expected.rejected,
    1,
    entries.length,
  );
  await checkBackground("after the traffic", client, expected, report);
  await checkStored("after the traffic", client, expected, report);
  client.close();
  await until(POOL_MS, async () => await server.sockets() <= before.sockets);
  report.within("open sockets", await server.sockets(), 0, before.sockets);
  // The clock's shared timer may be pending for a moment.
  await until(LINGER_MS, async () => (await server.usage()).timers <= before.timers);
  const after = await server.usage();
  // Otherwise it is unknown whether timers are counted at all.
  const timers = samples.map(({ timers }) => timers);
  report.within("maximum of timers under load", Math.max(...timers), before.timers + 1, Infinity);
  // An idle server keeps watching its store.
  report.within("timers in the last sample", after.timers, 0, before.timers);
  for (
    const [kind, growth] of [["heap", MAX_HEAP_GROWTH], ["resident", MAX_RESIDENT_GROWTH]] as const
  ) {
    const sizes = [...samples, after].map((usage) => usage[kind] / MIB);
    report.note(`${kind}, MiB, in each sample`, sizes.map((size) => size.toFixed()).join(" "));
    const max = (sizes[WARM_SAMPLES] ?? NaN) + growth;
    report.within(`${kind}, MiB, in the last sample`, after[kind] / MIB, 0, max);
    const { slope, error } = slopeOf(
      samples.slice(WARM_SAMPLES).map((sample) => [sample.requests / 1e5, sample[kind] / MIB]),
    );
    const name = `${kind}, MiB per 100,000 requests`;
    report.note(name, `${slope.toFixed(2)} ± ${error.toFixed(2)}`);
    // Noise alone exceeds the limit in a short run, so only a significant excess counts.
    const maxSlope = soak.ms < GROWTH_MS ? Infinity : MAX_GROWTH;
    report.within(`${name}, less two standard errors`, slope - 2 * error, -Infinity, maxSlope);
  }
  report.none("unexpected warnings and errors in the log", server.complaints);
  server.kill("SIGTERM");
  report.same("exit code after SIGTERM", await server.ended, 0);
  compareLimits(folder, metrics, report);
  return expected;
}

/** Checks after a restart that everything acknowledged is still stored. */
async function restart({ report, folder, port, random }: Soak, expected: Expected): Promise<void> {
  await using upstream = startSoakUpstream({ random, faults: 0, paceMs: 0 });
  await writeConfig(folder, await configText(upstream, port));
  const server = await startServer(folder);
  const client = createClient(server.url);
  await checkStored("after the restart", client, expected, report);
  client.close();
  server.kill("SIGTERM");
  report.same("exit code after the last SIGTERM", await server.ended, 0);
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, { string: ["minutes", "clients", "seed"] });
  const minutes = Number(flags.minutes ?? 10);
  const random = createRandom(Number(flags.seed ?? 1));
  const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "soak" });
  const report = createReport();
  const soak = {
    folder,
    port: freePort(),
    random,
    report,
    clients: Number(flags.clients ?? 16),
    ms: minutes * 60_000,
  };
  await restart(soak, await traffic(soak));
  await Deno.remove(folder, { recursive: true });
  console.log(report.table());
  if (report.disagreements.length > 0) {
    console.log(`\nDisagreements:\n${report.disagreements.join("\n")}`);
    Deno.exit(1);
  }
}
