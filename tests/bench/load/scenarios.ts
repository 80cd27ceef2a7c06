/**
 * The scenarios. Each one measures the floor and the server in turn, in several rounds, and reports
 * the ratios within a round.
 *
 * @module
 */
import { ask, connect, load, question, requestBytes, type Timing } from "./client.ts";
import { saturate } from "./generator.ts";
import { type Figure, figure, growthExponent, median, quantile } from "./figures.ts";
import { startPeer } from "./peers.ts";
import { type Running, startEmpty, startServer } from "./processes.ts";
import { scale, tokenRate, voteMemory } from "./streams.ts";
import { workers } from "./workers.ts";

export interface Field {
  upstream: Running;
  floor: Running;
  server: Running;
  /** Paths of other gateways by name; only `cost` starts them. */
  peers: Readonly<Record<string, string>>;
  rounds: number;
  /** Factor for the duration; 1 for a full run. */
  scale: number;
}

export type Scenario = (field: Field) => Promise<Figure[]>;

/**
 * Time under load until V8 has compiled the hot code, in milliseconds. At 4,000 requests a second on
 * one core it compiles for 15 to 20 s.
 */
const WARM_MS = 25_000;

/**
 * CPU time per request and answers per second of the server and of the peers, beside those of the
 * floor, at 32 connections.
 */
const cost: Scenario = async ({ upstream, floor, server, peers, rounds, scale }) => {
  await using stack = new AsyncDisposableStack();
  const all: Record<string, Running> = { floor, server };
  for (const [name, path] of Object.entries(peers)) {
    all[name] = stack.use(await startPeer(name, path, upstream.port));
  }
  const figures: Figure[] = [];
  for (
    const [kind, model, stream, maxCpu, minRate] of [
      ["JSON", "json", false, 1.6, 0.65],
      ["stream of 23", "stream-23", true, 0.8, 1.6],
    ] as const
  ) {
    const measure = async ({ port, cpu, headers }: Running, ms: number) => {
      const request = requestBytes(question(model, stream), headers);
      const [before, start] = [cpu(), performance.now()];
      const rate = await saturate(port, request, { connections: 32, ms });
      const seconds = (performance.now() - start) / 1000;
      return { rate, micros: (cpu() - before) * 1e6 / (rate * seconds) };
    };
    const results: Record<string, { rate: number; micros: number }[]> = {};
    for (const [name, running] of Object.entries(all)) {
      await measure(running, WARM_MS);
      results[name] = [];
    }
    for (let round = 0; round < rounds; round++) {
      for (const [name, running] of Object.entries(all)) {
        results[name]!.push(await measure(running, 3_000 * scale));
      }
    }
    for (const name of Object.keys(all).filter((name) => name !== "floor")) {
      const at = `${kind}, 32 connections${name === "server" ? "" : `, ${name}`}`;
      const add = (what: string, key: "rate" | "micros", unit: string, bar: Figure["bar"]) => {
        const ratios = results[name]!.map((result, i) => result[key] / results.floor![i]![key]);
        const note = ["floor", name].map((name) =>
          `${name} ${median(results[name]!.map((result) => result[key])).toFixed(0)}${unit}`
        ).join(", ");
        figures.push(
          figure(`${at}: ${what}`, ratios, "x", name === "server" ? bar : undefined, note),
        );
      };
      add("CPU per request", "micros", " µs", { max: maxCpu });
      add("rate", "rate", "/s", { min: minRate });
    }
  }
  return figures;
};

/** Answers per second, added time and added time to first byte, at 1, 32 and 256 connections. */
const requests: Scenario = async ({ floor, server, rounds, scale }) => {
  const figures: Figure[] = [];
  for (
    const [name, model, stream] of [
      ["JSON", "json", false],
      ["stream of 23", "stream-23", true],
    ] as const
  ) {
    const request = ask(model, stream);
    for (const { port } of [floor, server]) {
      await load(port, request, { connections: 32, ms: WARM_MS });
    }
    for (const connections of [1, 32, 256]) {
      const ratios: number[] = [];
      const added: Record<"p50" | "p99" | "first", number[]> = { p50: [], p99: [], first: [] };
      const rates: [number, number][] = [];
      for (let round = -1; round < rounds; round++) {
        const run = { connections, ms: 3_000 * scale };
        const floorResult = await load(floor.port, request, run);
        const serverResult = await load(server.port, request, run);
        if (round < 0) continue;
        rates.push([floorResult.rate, serverResult.rate]);
        ratios.push(serverResult.rate / floorResult.rate);
        const difference = (fraction: number, key: keyof Timing) => {
          const [ours, lowest] = [serverResult, floorResult].map(({ timings }) =>
            quantile(timings.map((timing) => timing[key]), fraction)
          );
          return ours! - lowest!;
        };
        added.p50.push(difference(0.5, "total"));
        added.p99.push(difference(0.99, "total"));
        added.first.push(difference(0.5, "first"));
      }
      const at = `${name}, ${connections} connection${connections > 1 ? "s" : ""}`;
      const note = `floor ${median(rates.map(([rate]) => rate)).toFixed(0)}/s, server ${
        median(rates.map(([, rate]) => rate)).toFixed(0)
      }/s`;
      figures.push(figure(`${at}: rate`, ratios, "x", undefined, note));
      const bar = connections === 1 ? { max: 0.15 } : undefined;
      figures.push(figure(`${at}: added p50`, added.p50, "ms", bar));
      figures.push(figure(`${at}: added p99`, added.p99, "ms"));
      figures.push(figure(`${at}: added time to first byte`, added.first, "ms", bar));
    }
  }
  return figures;
};

/** CPU time per token in µs if all tokens come at once, over four connections. */
async function bulkCost(running: Running, model: string, tokens: number, times: number) {
  const request = ask(model, true);
  const before = running.cpu();
  const open = await Promise.all(Array.from({ length: 4 }, () => connect(running.port)));
  await Promise.all(open.map(async (connection) => {
    for (let i = 0; i < times / 4; i++) await connection.ask(request);
    connection.close();
  }));
  return (running.cpu() - before) * 1e6 / (tokens * times);
}

/** CPU time per token in µs if each token comes separately, over many streams. */
async function pacedCost(running: Running, model: string, streams: number): Promise<number> {
  const request = ask(model, true);
  const open = await Promise.all(Array.from({ length: streams }, () => connect(running.port)));
  const before = running.cpu();
  await Promise.all(open.map((connection) => connection.ask(request)));
  const used = running.cpu() - before;
  for (const connection of open) connection.close();
  return used * 1e6 / (streams * 100);
}

const tokens: Scenario = async ({ floor, server, rounds, scale }) => {
  const times = Math.max(8, Math.round(800 * scale));
  const streams = 400;
  const bulk: Record<string, number[]> = { floor: [], direct: [], think: [], steps: [] };
  const paced: Record<string, number[]> = { floor: [], direct: [], think: [] };
  for (let round = -1; round < rounds; round++) {
    const costs = {
      floor: await bulkCost(floor, "bulk-1000", 1_000, times),
      direct: await bulkCost(server, "bulk-1000", 1_000, times),
      think: await bulkCost(server, "think-bulk", 1_000, times),
      steps: await bulkCost(server, "steps-1000", 1_000, times),
    };
    const slow = {
      floor: await pacedCost(floor, "paced-100-20", streams),
      direct: await pacedCost(server, "paced-100-20", streams),
      think: await pacedCost(server, "think-paced", streams),
    };
    if (round < 0) continue;
    for (const [name, cost] of Object.entries(costs)) bulk[name]!.push(cost);
    for (const [name, cost] of Object.entries(slow)) paced[name]!.push(cost);
  }
  const ratio = (name: string) => paced[name]!.map((cost, i) => cost / paced.floor![i]!);
  return [
    figure("bulk, floor: CPU per token", bulk.floor!, "µs"),
    figure("bulk, direct: CPU per token", bulk.direct!, "µs"),
    figure("bulk, think: CPU per token", bulk.think!, "µs"),
    figure("bulk, steps: CPU per token", bulk.steps!, "µs", { max: 4 }),
    figure("paced, floor: CPU per token", paced.floor!, "µs"),
    figure("paced, direct: CPU per token", paced.direct!, "µs"),
    figure("paced, direct: CPU per token", ratio("direct"), "x", { max: 1.25 }),
    figure("paced, think: CPU per token", ratio("think"), "x", { max: 1.25 }),
  ];
};

/** Wall time of parallel samples divided by that of one call. */
const fanOut: Scenario = async ({ server, rounds }) => {
  const single = ask("wait-100", true);
  const figures: Figure[] = [];
  const connection = await connect(server.port);
  for (const samples of [8, 16]) {
    const parallel = ask(`vote-${samples}-wait`, true);
    const ratios: number[] = [];
    for (let round = -1; round < rounds * 3; round++) {
      const { total: singleMs } = await connection.ask(single);
      const { total: parallelMs } = await connection.ask(parallel);
      if (round >= 0) ratios.push(parallelMs / singleMs);
    }
    const name = `vote, ${samples} samples in one wave: wall time over one call`;
    figures.push(figure(name, ratios, "x", { max: 1.2 }));
  }
  connection.close();
  return figures;
};

/** Growth of cost with the length of a step and of a conversation. */
const growth: Scenario = async ({ server, rounds, scale }) => {
  const steps: number[] = [];
  const conversation: number[] = [];
  const notes: string[] = [];
  const sizes = [100, 1_000, 10_000, 100_000];
  const lengths = [1, 10, 100, 500];
  for (let round = 0; round < rounds; round++) {
    const points: [number, number][] = [];
    for (const size of sizes) {
      const times = Math.max(4, Math.round(400_000 * scale / size / 4) * 4);
      points.push([size, await bulkCost(server, `steps-${size}`, 1, times)]);
    }
    // Without the shortest ones, where the fixed cost of a request dominates.
    steps.push(growthExponent(points.slice(1)));
    const costs: [number, number][] = [];
    for (const length of lengths) {
      const messages = Array.from({ length }, (_, i) => ({
        role: i % 2 === 0 ? "user" : "assistant",
        content: "word ".repeat(200),
      }));
      const request = requestBytes({ ...question("steps-100", true), messages });
      // Long enough for the resolution of CPU time.
      const times = Math.max(40, Math.round(4_000 * scale / length));
      const before = server.cpu();
      const connection = await connect(server.port);
      for (let i = 0; i < times; i++) await connection.ask(request);
      connection.close();
      costs.push([length, (server.cpu() - before) * 1e6 / times]);
    }
    conversation.push(growthExponent(costs.slice(2)));
    notes.push(
      `${
        points.map(([size, cost]) => `${size}: ${(cost / size).toFixed(1)}`).join(", ")
      } µs per token; ${
        costs.map(([length, cost]) => `${length}: ${(cost / 1000).toFixed(2)}`).join(", ")
      } ms per request`,
    );
  }
  return [
    figure("growth with a step's tokens", steps, "exponent", { max: 1.05 }, notes.at(-1)),
    figure("growth with a conversation's messages", conversation, "exponent", { max: 1.05 }),
  ];
};

/** Time from process start to first answer. */
const startUp: Scenario = async ({ upstream, rounds }) => {
  const added: number[] = [];
  const notes: string[] = [];
  for (let round = -1; round < rounds * 2; round++) {
    await using empty = await startEmpty();
    await using server = await startServer(upstream.port);
    if (round < 0) continue;
    added.push(server.startMs - empty.startMs);
    notes.push(`runtime ${empty.startMs.toFixed(0)} ms, server ${server.startMs.toFixed(0)} ms`);
  }
  return [
    figure("start-up, beyond the start of the runtime", added, "ms", { max: 150 }, notes.at(-1)),
  ];
};

export const scenarios: Readonly<Record<string, Scenario>> = {
  cost,
  requests,
  tokens,
  "fan-out": fanOut,
  scale,
  "token-rate": tokenRate,
  "vote-memory": voteMemory,
  growth,
  "start-up": startUp,
  workers,
};
