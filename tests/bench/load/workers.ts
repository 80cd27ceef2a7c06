/**
 * Two event loops beside one, which have the same cores.
 *
 * @module
 */
import { load, requestBytes } from "./client.ts";
import { type Figure, figure, median } from "./figures.ts";
import { pinSelf, type Running, startServer, TOKEN } from "./processes.ts";

/** What a server did in a round. */
interface Done {
  requests: number;
  /** Seconds of CPU time. */
  cpu: number;
  /** Seconds. */
  time: number;
}

const CONNECTIONS = 64;

/** The kinds of answers. */
const KINDS = [["JSON", "json", false], ["stream of 23", "stream-23", true]] as const;

/**
 * Requests a CPU second and requests a second, of two workers over one. Where load and upstream
 * have the same cores, only the first tells; with two cores more, they do not stand in the way.
 */
export async function workers(
  { upstream, rounds, scale }: { upstream: Running; rounds: number; scale: number },
): Promise<Figure[]> {
  const roomy = navigator.hardwareConcurrency >= 4;
  const cores = roomy ? "0,2" : "0,1";
  if (roomy) await pinSelf(3);
  await using one = await startServer(upstream.port, 1, cores);
  await using two = await startServer(upstream.port, 2, cores);
  const figures: Figure[] = [];
  for (const [name, model, stream] of KINDS) {
    const messages = [{ role: "user", content: "What is 17 x 23 - 5?" }];
    const request = requestBytes({ model, stream, messages }, TOKEN);
    const seen: [Done, Done][] = [];
    for (let round = -2; round < rounds; round++) {
      const both: [Done, Done] = [nothing(), nothing()];
      // What else the machine does meanwhile meets both alike.
      for (const index of [0, 1, 1, 0, 0, 1, 1, 0] as const) {
        await ask(index === 0 ? one : two, request, 1_000 * scale, both[index]);
      }
      if (round >= 0) seen.push(both);
    }
    const ratios = (of: (done: Done) => number) =>
      seen.map(([first, second]) => of(second) / of(first));
    const middles = (of: (done: Done) => number) =>
      [0, 1].map((index) => median(seen.map((both) => of(both[index]!))).toFixed(0)).join(", ");
    const cost = ({ requests, cpu }: Done) => requests / cpu;
    const rate = ({ requests, time }: Done) => requests / time;
    figures.push(
      figure(
        `2 workers, ${name}: requests a CPU second, over 1 worker`,
        ratios(cost),
        "x",
        { least: 0.9 },
        middles(cost),
      ),
      figure(
        `2 workers, ${name}: requests/s, over 1 worker`,
        ratios(rate),
        "x",
        roomy ? { least: 1.7 } : undefined,
        middles(rate),
      ),
    );
  }
  if (roomy) await pinSelf();
  return figures;
}

const nothing = (): Done => ({ requests: 0, cpu: 0, time: 0 });

async function ask(server: Running, request: Uint8Array, ms: number, done: Done): Promise<void> {
  const before = server.cpu();
  const { rate, timings } = await load(server.port, request, { connections: CONNECTIONS, ms });
  done.cpu += server.cpu() - before;
  done.requests += timings.length;
  done.time += timings.length / rate;
}
