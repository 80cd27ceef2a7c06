/**
 * The scenarios with many open streams.
 *
 * @module
 */
import { ask, connect } from "./client.ts";
import { type Figure, figure, median, quantile } from "./figures.ts";
import { hasWrk, saturate } from "./generator.ts";
import { type Running, startFloor, startServer } from "./processes.ts";
import type { Scenario } from "./scenarios.ts";

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Delays in milliseconds of the tokens in a text, which contain the time at which they were sent. */
const delaysOf = (text: string, now: number) =>
  // Not "reasoning", which repeats "reasoning_content".
  [...text.matchAll(/content":" ?(\d[\d ]+)"/g)].flatMap(([, times]) => times!.split(" "))
    .map((sent) => now - Number(sent));

/** Many open streams with one token per second each. */
export const scale: Scenario = async ({ upstream, rounds, scale }) => {
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
  model = "paced-20-1000",
): Promise<StreamCost> {
  await using running = await start(upstreamPort);
  const warm = await connect(running.port);
  await warm.ask(ask("json", false));
  warm.close();
  const request = ask(model, true);
  const open = [];
  for (let i = 0; i < streams; i++) open.push(await connect(running.port));
  const before = running.memory();
  const delays: number[] = [];
  let memory = 0;
  const silent = new Set(open);
  let hasEnded = false;
  const reading = Promise.all(open.map(async (connection) => {
    await connection.ask(request, (text) => {
      const now = Date.now();
      silent.delete(connection);
      // Thousands of streams that begin or end within a second would hide the delay of open ones.
      if (silent.size === 0 && !hasEnded) delays.push(...delaysOf(text, now));
    });
    hasEnded = true;
  }));
  const watch = setInterval(() => memory = Math.max(memory, running.memory()), 500);
  await reading;
  clearInterval(watch);
  for (const connection of open) connection.close();
  return { memory: (memory - before) / streams, p99: quantile(delays, 0.99) };
}

/** Memory of a request to `vote` divided by that of a stream. */
export const voteMemory: Scenario = async ({ upstream, rounds, scale }) => {
  // As many upstream calls in both cases, so that their garbage and the fixed memory are the same.
  const calls = scale < 1 ? 800 : 2_400;
  const ratios: number[] = [];
  const notes: string[] = [];
  for (let round = 0; round < Math.min(3, rounds); round++) {
    const direct = await holdStreams(startServer, upstream.port, calls);
    const vote = await holdStreams(startServer, upstream.port, calls / 8, "vote-8-paced");
    ratios.push(vote.memory / direct.memory);
    notes.push([direct, vote].map(({ memory }) => `${(memory / 1024).toFixed(0)} kB`).join(", "));
  }
  const name = `vote, 8 samples: memory of ${calls / 8} requests over ${calls} streams of direct`;
  return [figure(name, ratios, "x", { max: 9 }, notes.join("; "))];
};

/** Highest p99 of the delay of a token, in milliseconds. */
const MAX_DELAY_MS = 100;

/** Time in which all streams must start, in milliseconds. */
const START_MS = 3_000;

/** Head start of the streams that aren't timed, in milliseconds: once the others run, all do. */
const LEAD_MS = 500;

/** Time after the start of all streams in which their backlog drains, in milliseconds. */
const SETTLE_MS = 2_000;

/** Streams whose tokens are timed. `wrk` reads the others, because it needs less CPU time. */
const TIMED = 200;

interface Trial {
  model: string;
  streams: number;
  /** Total tokens per second to send. */
  rate: number;
  /** Duration of the measurement, in milliseconds. */
  ms: number;
}

/** Returns the tokens per second that arrived, or 0 if a stream or too many tokens were late. */
async function arrivedRate(
  { port }: Running,
  { model, streams, rate, ms }: Trial,
): Promise<number> {
  const gap = Math.max(1, Math.round(streams * 1000 / rate));
  const longest = LEAD_MS + START_MS + SETTLE_MS + ms;
  const request = ask(model, true, `paced-${Math.ceil(longest / gap)}-${gap}`);
  const open = await Promise.all(
    Array.from({ length: hasWrk ? TIMED : streams }, () => connect(port)),
  );
  const others = { connections: streams - open.length, ms: longest };
  const reading = others.connections > 0 ? saturate(port, request, others) : undefined;
  await sleep(LEAD_MS);
  const silent = new Set(open);
  const started = Promise.withResolvers<boolean>();
  const delays: number[] = [];
  let timed = false;
  for (const connection of open) {
    connection.ask(request, (text) => {
      silent.delete(connection);
      if (silent.size === 0) started.resolve(true);
      if (timed) delays.push(...delaysOf(text, Date.now()));
    }).catch(() => {});
  }
  const hasStarted = await Promise.race([started.promise, sleep(START_MS).then(() => false)]);
  if (hasStarted) await sleep(SETTLE_MS);
  timed = hasStarted;
  const start = performance.now();
  if (timed) await sleep(ms);
  const seconds = (performance.now() - start) / 1000;
  timed = false;
  for (const connection of open) connection.close();
  await reading;
  if (!(quantile(delays, 0.99) < MAX_DELAY_MS)) return 0;
  return delays.length / seconds * streams / open.length;
}

/** Searches the highest rate of tokens that arrive in time. */
async function highestRate(running: Running, trial: Omit<Trial, "rate">): Promise<number> {
  let [low, high] = [2_000, 50_000];
  let highest = 0;
  // Halving the range six times on a logarithmic scale finds the rate within 5 %.
  for (let i = 0; i < 6; i++) {
    const rate = Math.sqrt(low * high);
    // A second try, because other processes of the machine delay tokens too.
    const arrived = await arrivedRate(running, { ...trial, rate }) ||
      await arrivedRate(running, { ...trial, rate });
    if (arrived > 0) low = rate;
    else high = rate;
    highest = Math.max(highest, arrived);
  }
  return highest;
}

/** Highest rate of tokens over many streams at which they arrive in time, beside the floor. */
export const tokenRate: Scenario = async ({ upstream, floor, server, rounds, scale }) => {
  const trial = { streams: scale < 1 ? 500 : 2_000, ms: 4_000 * scale };
  const ceiling = await highestRate(upstream, { ...trial, model: "prompt" });
  const rates: Record<string, number[]> = { upstream: [], floor: [], direct: [], think: [] };
  for (let round = 0; round < Math.min(3, rounds); round++) {
    rates.upstream!.push(ceiling);
    rates.floor!.push(await highestRate(floor, { ...trial, model: "prompt" }));
    rates.direct!.push(await highestRate(server, { ...trial, model: "prompt" }));
    rates.think!.push(await highestRate(server, { ...trial, model: "think-prompt" }));
  }
  const at = `${trial.streams} streams: highest token rate with a p99 delay of ${MAX_DELAY_MS} ms`;
  const beside = (name: string, other: string, bar: Figure["bar"]) => {
    const ratios = rates[name]!.map((rate, i) => rate / rates[other]![i]!);
    const note = [other, name].map((key) => `${key} ${median(rates[key]!).toFixed(0)}/s`).join(
      ", ",
    );
    return figure(`${at}, ${name} over ${other}`, ratios, "x", bar, note);
  };
  return [
    // Otherwise the upstream and the load generator limit all rates.
    beside("floor", "upstream", { max: 0.9 }),
    beside("direct", "floor", { min: 0.9 }),
    beside("think", "floor", { min: 0.9 }),
  ];
};
