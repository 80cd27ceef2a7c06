/**
 * Compares two event loops with one on the same cores.
 *
 * @module
 */
import { load, question, requestBytes } from "./client.ts";
import { type Figure, figure, median } from "./figures.ts";
import { pinSelf, type Running, startServer } from "./processes.ts";

/** Work of a server in a round. */
interface Work {
  requests: number;
  /** Seconds of CPU time. */
  cpu: number;
  /** Seconds. */
  time: number;
}

const CONNECTIONS = 64;

const KINDS = [["JSON", "json", false], ["stream of 23", "stream-23", true]] as const;

/**
 * Requests per CPU second and per second, two workers divided by one. The second figure is only
 * meaningful with two more cores for load and upstream.
 */
export async function workers(
  { upstream, rounds, scale }: { upstream: Running; rounds: number; scale: number },
): Promise<Figure[]> {
  const hasSpareCores = navigator.hardwareConcurrency >= 4;
  const cores = hasSpareCores ? "0,2" : "0,1";
  if (hasSpareCores) await pinSelf(3);
  await using single = await startServer(upstream.port, 1, cores);
  await using double = await startServer(upstream.port, 2, cores);
  const figures: Figure[] = [];
  for (const [name, model, stream] of KINDS) {
    const request = requestBytes(question(model, stream));
    const pairs: [Work, Work][] = [];
    for (let round = -2; round < rounds; round++) {
      const pair: [Work, Work] = [nothing(), nothing()];
      // This order distributes other load of the machine evenly.
      for (const index of [0, 1, 1, 0, 0, 1, 1, 0] as const) {
        await ask(index === 0 ? single : double, request, 1_000 * scale, pair[index]);
      }
      if (round >= 0) pairs.push(pair);
    }
    const ratios = (measure: (work: Work) => number) =>
      pairs.map(([first, second]) => measure(second) / measure(first));
    const medians = (measure: (work: Work) => number) =>
      [0, 1].map((index) => median(pairs.map((pair) => measure(pair[index]!))).toFixed(0))
        .join(", ");
    const perCpuSecond = ({ requests, cpu }: Work) => requests / cpu;
    const perSecond = ({ requests, time }: Work) => requests / time;
    figures.push(
      figure(
        `2 workers, ${name}: requests per CPU second, over 1 worker`,
        ratios(perCpuSecond),
        "x",
        { min: 0.9 },
        medians(perCpuSecond),
      ),
      figure(
        `2 workers, ${name}: requests/s, over 1 worker`,
        ratios(perSecond),
        "x",
        hasSpareCores ? { min: 1.7 } : undefined,
        medians(perSecond),
      ),
    );
  }
  if (hasSpareCores) await pinSelf();
  return figures;
}

const nothing = (): Work => ({ requests: 0, cpu: 0, time: 0 });

async function ask(server: Running, request: Uint8Array, ms: number, work: Work): Promise<void> {
  const before = server.cpu();
  const { rate, timings } = await load(server.port, request, { connections: CONNECTIONS, ms });
  work.cpu += server.cpu() - before;
  work.requests += timings.length;
  work.time += timings.length / rate;
}
