/**
 * A soak: the real server under mixed traffic and faults for a time; then its sockets, its memory
 * and its books must be as they should, and nothing that it acknowledged may be lost.
 *
 * `deno task soak [--minutes 10] [--clients 16] [--seed 1]`
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { createRandom } from "../chaos/storm.ts";
import { compareLimits, compareRequests, compareTokens } from "./books.ts";
import { createClient } from "./client.ts";
import { checkBackground, checkOwed } from "./kept.ts";
import type { Held } from "./probe.ts";
import { createReport, type Report } from "./report.ts";
import { configText, freePort, scrape, type SoakServer, startServer } from "./server.ts";
import { createOwed, type Owed, sendTraffic } from "./traffic.ts";
import { type SoakUpstream, startSoakUpstream } from "./upstream.ts";

/** How much more than in the beginning may be held in the end, in MiB. */
const HEAP_MOST = 4;
const RESIDENT_MOST = 64;

/** Looks at the memory; the first is what the others are compared with. */
const LOOKS = 10;

const RELOAD_MS = 20_000;
const IDLE_MS = 60_000;

/** How long the last timer may be left, in milliseconds. */
const LINGER_MS = 1_000;

/** The runtime closes a connection that no call has used for 90 s, and looks for such every 90 s. */
const POOL_MS = 200_000;

const MIB = 2 ** 20;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Asks again and again until it is so; false after too long. */
async function until(ms: number, isSo: () => boolean | Promise<boolean>): Promise<boolean> {
  const end = performance.now() + ms;
  while (!await isSo()) {
    if (performance.now() > end) return false;
    await sleep(100);
  }
  return true;
}

/** One soak. */
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

/** Changes, breaks and mends the configuration, and hangs up, until it is told to stop. */
async function reload(
  soak: Soak,
  server: SoakServer,
  upstream: SoakUpstream,
  goesOn: () => boolean,
): Promise<void> {
  const faults: string[] = [];
  const gap = Math.min(RELOAD_MS, soak.ms / 6);
  // The one that the server began with is 0.
  let turn = 1;
  for (; await until(gap, () => !goesOn()) === false; turn++) {
    const isBroken = turn % 3 === 1;
    const said = isBroken ? "was not reloaded" : "was reloaded";
    const before = server.count(said);
    if (turn % 3 === 2) {
      // The broken file is mended first: a hang-up reloads what is there.
      await writeConfig(soak.folder, await configText(upstream, soak.port, turn));
      server.kill("SIGHUP");
    } else if (isBroken) await writeConfig(soak.folder, "modles: {}\nserver: { port: many }\n");
    else await writeConfig(soak.folder, await configText(upstream, soak.port, turn));
    if (!await until(10_000, () => server.count(said) > before)) {
      faults.push(`reload ${turn}: nothing was said in 10 s`);
    }
  }
  await writeConfig(soak.folder, await configText(upstream, soak.port, turn));
  soak.report.tell("configurations put in place", turn - 1);
  soak.report.none("reloads that did not come", faults);
}

/** Looks from time to time at what the server holds. */
async function look(
  soak: Soak,
  server: SoakServer,
  goesOn: () => boolean,
  onLook: () => void,
): Promise<Held[]> {
  const looks: Held[] = [];
  while (!await until(soak.ms / LOOKS, () => !goesOn())) {
    looks.push(await server.held());
    onLook();
  }
  return looks;
}

/** Mixed traffic for the whole time, and the comparison of all books. */
async function traffic(soak: Soak): Promise<Owed> {
  const { report, folder, port, random } = soak;
  await using upstream = startSoakUpstream({ random, faults: 0.08, paceMs: 40 });
  await writeConfig(folder, await configText(upstream, port));
  const server = await startServer(folder);
  const before = { sockets: await server.sockets() };
  const client = createClient(server.url);
  const owed = createOwed();
  const end = performance.now() + soak.ms;
  const goesOn = () => performance.now() < end;
  const progress = () =>
    console.error(`${client.entries.length} requests, ${owed.kept.length} responses kept`);
  const [looks] = await Promise.all([
    look(soak, server, goesOn, progress),
    reload(soak, server, upstream, goesOn),
    ...Array.from(
      { length: soak.clients },
      (_, i) => sendTraffic({ client, random: createRandom(1_000 * random() + i), owed, goesOn }),
    ),
  ]);
  let quiet = 0;
  const idle = await until(IDLE_MS, async () => {
    const metrics = await scrape(port);
    const active = metrics.sum("o1_api_requests_active") + metrics.sum("o1_api_streams_active");
    quiet = active + upstream.open === 0 ? quiet + 1 : 0;
    // Longer than the longest wait before a call is repeated.
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
    report.tell(`upstream calls, ${kind}`, count);
  }
  compareTokens({ entries, server, metrics, upstream }, report);
  report.none("what clients found wrong", owed.faults);
  report.within("refusals of the client over its limits", owed.refused, 1, entries.length);
  await checkBackground("after the traffic", client, owed, report);
  await checkOwed("after the traffic", client, owed, report);
  client.close();
  await until(POOL_MS, async () => await server.sockets() <= before.sockets);
  report.within("open sockets", await server.sockets(), 0, before.sockets);
  // The one that all share is left to the next request for a moment.
  await until(LINGER_MS, async () => (await server.held()).timers === 0);
  const after = await server.held();
  // Else it is not known whether any are counted.
  const timers = looks.map((held) => held.timers);
  report.within("timers under load, at most", Math.max(...timers), 1, Infinity);
  report.same("timers at the last look", after.timers, 0);
  for (const [kind, most] of [["heap", HEAP_MOST], ["resident", RESIDENT_MOST]] as const) {
    const [first = NaN, ...others] = [...looks, after].map((held) => held[kind] / MIB);
    report.tell(`${kind}, MiB, at each look`, [first, ...others].map((n) => n.toFixed()).join(" "));
    report.within(`${kind}, MiB, at the last look`, others.at(-1) ?? NaN, 0, first + most);
  }
  report.none("lines of the log worse than info", server.complaints);
  server.kill("SIGTERM");
  report.same("exit code at SIGTERM", await server.ended, 0);
  compareLimits(folder, metrics, report);
  return owed;
}

/** Whether all that was acknowledged is there after a restart. */
async function restart({ report, folder, port, random }: Soak, owed: Owed): Promise<void> {
  await using upstream = startSoakUpstream({ random, faults: 0, paceMs: 0 });
  await writeConfig(folder, await configText(upstream, port));
  const server = await startServer(folder);
  const client = createClient(server.url);
  await checkOwed("after the restart", client, owed, report);
  client.close();
  server.kill("SIGTERM");
  report.same("exit code at the last SIGTERM", await server.ended, 0);
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
