/**
 * Benchmark: compares the server with a minimal pass-through, in turn, with the same upstream and
 * load. Prints a table and writes JSON to `--json FILE`. `--quick` is a short run; names select
 * scenarios. Exits with status 1 if a figure misses its bar.
 *
 * `--against portkey=PATH,litellm=PATH` measures one or both of these gateways beside the server in
 * `cost`; `load/peers.ts` describes how to install them.
 *
 * `fleet --simulate` computes instead what a fleet asks of one Redis.
 *
 * Run: deno task bench [SCENARIO…] [--rounds N] [--json FILE] [--against NAME=PATH,…]
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { type Figure, holds, table } from "./load/figures.ts";
import { hasWrk } from "./load/generator.ts";
import { peerNames } from "./load/peers.ts";
import { pinSelf, startFloor, startServer, startUpstream } from "./load/processes.ts";
import { scenarios } from "./load/scenarios.ts";

if (import.meta.main) {
  const args = parseArgs(Deno.args, {
    string: ["json", "rounds", "against"],
    boolean: ["quick", "simulate"],
  });
  if (args.simulate && args._[0] === "fleet") {
    const { benchFleet } = await import("./fleet/main.ts");
    await benchFleet();
    Deno.exit();
  }
  const names = args._.length > 0 ? args._.map(String) : Object.keys(scenarios);
  const unknown = names.filter((name) => !Object.hasOwn(scenarios, name));
  if (unknown.length > 0) {
    console.error(
      `Unknown scenarios: ${unknown}. Valid names: ${Object.keys(scenarios).join(", ")}.`,
    );
    Deno.exit(2);
  }
  const peers = Object.fromEntries(
    String(args.against ?? "").split(",").filter(Boolean).map((text) => text.split("=")),
  );
  if (!Object.keys(peers).every((name) => peerNames.includes(name) && peers[name])) {
    console.error(
      `Invalid --against. Expected NAME=PATH,… with the names ${peerNames.join(" and ")}.`,
    );
    Deno.exit(2);
  }
  const rounds = Number(args.rounds ?? (args.quick ? 1 : 5));
  if (!await pinSelf()) console.error("taskset is missing: processes are not pinned to cores.");
  if (!hasWrk) console.error("wrk is missing: high rates are limited by the load generator.");
  await using upstream = await startUpstream();
  await using floor = await startFloor(upstream.port);
  await using server = await startServer(upstream.port);
  const figures: Figure[] = [];
  for (const name of names) {
    console.error(`${name} …`);
    const field = { upstream, floor, server, peers, rounds, scale: args.quick ? 0.3 : 1 };
    figures.push(...await scenarios[name]!(field));
  }
  console.log(table(figures));
  if (typeof args.json === "string") {
    await Deno.writeTextFile(args.json, `${JSON.stringify(figures, null, 2)}\n`);
  }
  const missed = figures.filter((figure) => holds(figure) === false);
  if (missed.length > 0) {
    console.log(`\nMissed: ${missed.map(({ name }) => name).join("; ")}`);
    Deno.exitCode = 1;
  }
}
