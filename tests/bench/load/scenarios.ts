/**
 * The scenarios. Each one measures the floor and the server in turn, in several rounds, and reports
 * the ratios within a round.
 *
 * @module
 */
import { connect, load, requestBytes, type Timing } from "./client.ts";
import { saturate } from "./generator.ts";
import { type Figure, figure, growthExponent, median, quantile } from "./figures.ts";
import { type Running, startEmpty, startFloor, startServer, TOKEN } from "./processes.ts";
import { workers } from "./workers.ts";

export interface Field {
  upstream: Running;
  floor: Running;
  server: Running;
  rounds: number;
  /** Factor for the duration; 1 for a full run. */
  scale: number;
}

export type Scenario = (field: Field) => Promise<Figure[]>;

const question = (model: string, stream: boolean, content = "What is 17 × 23 − 5?") => ({
  model,
  stream,
  messages: [{ role: "user", content: content.replace("×", "x").replace("−", "-") }],
});
const ask = (model: string, stream: boolean) => requestBytes(question(model, stream), TOKEN);

/**
 * Time under load until V8 has compiled the hot code, in milliseconds. At 4,000 requests a second on
 * one core it compiles for 15 to 20 s.
 */
const WARM_MS = 25_000;

/** CPU time per request and answers per second, beside those of the floor, at 32 connections. */
const cost: Scenario = async ({ floor, server, rounds, scale }) => {
  const figures: Figure[] = [];
  for (
    const [name, model, stream, maxCpu, minRate] of [
      ["JSON", "json", false, 1.6, 0.65],
      ["stream of 23", "stream-23", true, 0.8, 1.6],
    ] as const
  ) {
    const request = ask(model, stream);
    const measure = async ({ port, cpu }: Running, ms: number) => {
      const [before, start] = [cpu(), performance.now()];
      const rate = await saturate(port, request, { connections: 32, ms });
      const seconds = (performance.now() - start) / 1000;
      return { rate, micros: (cpu() - before) * 1e6 / (rate * seconds) };
    };
    for (const running of [floor, server]) await measure(running, WARM_MS);
    const cpu: number[] = [];
    const rates: number[] = [];
    const notes: [floor: number, server: number][] = [];
    for (let round = 0; round < rounds; round++) {
      const lowest = await measure(floor, 3_000 * scale);
      const ours = await measure(server, 3_000 * scale);
      cpu.push(ours.micros / lowest.micros);
      rates.push(ours.rate / lowest.rate);
      notes.push([lowest.micros, ours.micros]);
    }
    const note = `floor ${median(notes.map(([micros]) => micros)).toFixed(0)} µs, server ${
      median(notes.map(([, micros]) => micros)).toFixed(0)
    } µs`;
    const at = `${name}, 32 connections`;
    figures.push(
      figure(`${at}: CPU per request`, cpu, "x", { max: maxCpu }, note),
      figure(`${at}: rate`, rates, "x", { min: minRate }),
    );
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
      think: await bulkCost(server, "think-bulk", 2_000, times),
      steps: await bulkCost(server, "steps-1000", 1_000, times),
    };
    const slow = {
      floor: await pacedCost(floor, "paced-100-20", streams),
      direct: await pacedCost(server, "paced-100-20", streams),
      think: await pacedCost(server, "think-paced", streams) / 2,
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

/** Wall time of eight parallel samples divided by that of one call. */
const fanOut: Scenario = async ({ server, rounds }) => {
  const single = ask("wait-100", true);
  const parallel = ask("vote-wait", true);
  const ratios: number[] = [];
  const connection = await connect(server.port);
  for (let round = -1; round < rounds * 3; round++) {
    const { total: singleMs } = await connection.ask(single);
    const { total: parallelMs } = await connection.ask(parallel);
    if (round >= 0) ratios.push(parallelMs / singleMs);
  }
  connection.close();
  return [
    figure("vote, 8 samples in one wave: wall time over one call", ratios, "x", { max: 1.2 }),
  ];
};

/** Many open streams with one token per second each. */
const scale: Scenario = async ({ upstream, rounds, scale }) => {
  const figures: Figure[] = [];
  for (const streams of scale < 1 ? [1_000] : [1_000, 5_000, 8_000]) {
    const memory: number[] = [];
    const added: number[] = [];
    const notes: [memory: string, p99: string][] = [];
    // Several rounds, because a core that is almost fully used stalls at times.
    for (let round = 0; round < (streams === 5_000 ? Math.min(3, rounds) : 1); round++) {
      const floor = await holdStreams(startFloor, upstream.port, streams);
      const server = await holdStreams(startServer, upstream.port, streams);
      memory.push(server.memory / floor.memory);
      added.push(Math.max(0, server.p99 - floor.p99));
      const kilobytes = ({ memory }: StreamCost) => `${(memory / 1024).toFixed(0)} kB`;
      notes.push([
        `floor ${kilobytes(floor)}, server ${kilobytes(server)}`,
        `floor ${floor.p99.toFixed(1)} ms, server ${server.p99.toFixed(1)} ms`,
      ]);
    }
    const note = (part: 0 | 1) => notes.map((pair) => pair[part]).join("; ");
    figures.push(
      figure(`${streams} streams: memory per stream`, memory, "x", { max: 1.25 }, note(0)),
      figure(
        `${streams} streams: p99 of the delay added to a token`,
        added,
        "ms",
        streams === 5_000 ? { max: 50 } : undefined,
        note(1),
      ),
    );
  }
  return figures;
};

/** Bytes per stream, and delay of the tokens in milliseconds. */
interface StreamCost {
  memory: number;
  p99: number;
}

async function holdStreams(
  start: (upstreamPort: number) => Promise<Running>,
  upstreamPort: number,
  streams: number,
): Promise<StreamCost> {
  await using running = await start(upstreamPort);
  const warm = await connect(running.port);
  await warm.ask(ask("json", false));
  warm.close();
  const request = ask("paced-20-1000", true);
  const open = [];
  for (let i = 0; i < streams; i++) open.push(await connect(running.port));
  const before = running.memory();
  const delays: number[] = [];
  let memory = 0;
  const silent = new Set(open);
  const reading = Promise.all(open.map((connection) =>
    connection.ask(request, (text) => {
      const now = Date.now();
      silent.delete(connection);
      // Delays count only after all streams have started.
      if (silent.size > 0) return;
      for (const [, sent] of text.matchAll(/"content":" (\d{13})"/g)) {
        delays.push(now - Number(sent));
      }
    })
  ));
  const watch = setInterval(() => memory = Math.max(memory, running.memory()), 500);
  await reading;
  clearInterval(watch);
  for (const connection of open) connection.close();
  return { memory: (memory - before) / streams, p99: quantile(delays, 0.99) };
}

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
      const request = requestBytes({ ...question("steps-100", true), messages }, TOKEN);
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
  growth,
  "start-up": startUp,
  workers,
};
