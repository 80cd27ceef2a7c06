/** `deno task bench fleet --simulate`: what fleets of 3 to 1,000 servers ask of one Redis. */
import { type CallCost, measureRedis, type RedisCosts } from "./measure.ts";
import { type CallKind, type FleetTraffic, simulateFleet } from "./simulate.ts";

/** Requests of each server in a second, with a stream of 20 s each: 100 open streams. */
const REQUESTS_PER_SERVER = 5;
const SECONDS = 20;

const FLEETS = [3, 10, 30, 100, 300, 1_000];

/** Share of a core of Redis beyond which its answers become slow. */
const FULL = 0.7;

const KINDS: readonly CallKind[] = ["take", "settle", "renew", "read"];

/** CPU time of Redis in a second, in µs. */
function loadOf({ calls, charges }: FleetTraffic, costs: RedisCosts): number {
  const of = (kind: CallKind, { base, perCharge }: CallCost) =>
    calls[kind] * base + charges[kind] * perCharge;
  return KINDS.reduce((sum, kind) => sum + of(kind, costs[kind]), 0);
}

export async function benchFleet(): Promise<void> {
  console.error("measuring Redis …");
  const costs = await measureRedis();
  console.log("µs of Redis for a call: for the call, and for each limit or entry");
  for (const [kind, { base, perCharge }] of Object.entries(costs)) {
    console.log(
      `  ${kind.padEnd(8)} ${base.toFixed(1).padStart(6)} ${perCharge.toFixed(1).padStart(6)}`,
    );
  }
  const rows = [[
    "servers",
    "requests/s",
    "open streams",
    "calls/s",
    "calls/request",
    "leases",
    "Redis",
    "hottest key",
    "its calls/s",
    "full at requests/s",
  ]];
  for (const servers of FLEETS) {
    console.error(`${servers} servers …`);
    const requestsPerSecond = servers * REQUESTS_PER_SERVER;
    const traffic = await simulateFleet({ servers, requestsPerSecond, seconds: SECONDS });
    const calls = KINDS.reduce((sum, kind) => sum + traffic.calls[kind], 0);
    const share = loadOf(traffic, costs) / 1e6;
    rows.push([
      `${servers}`,
      `${requestsPerSecond}`,
      `${requestsPerSecond * SECONDS}`,
      calls.toFixed(0),
      (calls / requestsPerSecond).toFixed(2),
      traffic.leases.toFixed(0),
      `${(share * 100).toFixed(1)} %`,
      traffic.hottest.key,
      traffic.hottest.calls.toFixed(0),
      (requestsPerSecond * FULL / share).toFixed(0),
    ]);
  }
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows) console.log(row.map((cell, i) => cell.padStart(widths[i]!)).join("  "));
}
