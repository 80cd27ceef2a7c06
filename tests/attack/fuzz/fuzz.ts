/**
 * Sends random requests to a server whose upstream answers at random, and watches what the server
 * uses.
 *
 * @module
 */
import { sha256 } from "../../support/sha256.ts";
import { LIMIT_MS } from "../../support/wait.ts";
import { type AttackedServer, startAttackedServer } from "../server/server.ts";
import { createChance } from "./chance.ts";
import { type FuzzRequest, fuzzRequest, TOKENS } from "./requests.ts";
import { type FuzzUpstream, startFuzzUpstream } from "./upstream.ts";

const MIB = 2 ** 20;

const MAX_GROWTH = 64 * MIB;

/** Number of clients that send requests, one after another. */
const CLIENTS = 24;

/** Requests that load the code of the routes, and fill what the server keeps. */
const WARM_UP = 500;

/** Milliseconds between two looks at the server. */
const LOOK_MS = 1_000;

/** Longest wait for the end of an answer to a broken request, in milliseconds. */
const BROKEN_MS = 2_500;

/** Ids of each type that are kept of what is stored. */
const KEPT_IDS = 50;

export interface FuzzOptions {
  /** Determines the requests and the answers of the upstream, though not their order in time. */
  seed: number;
  seconds: number;
  /** Longest time in milliseconds of CPU that the event loop may be blocked. Default: 200. */
  maxStallMs?: number;
}

export interface FuzzResult {
  requests: number;
  upstreamCalls: number;
  /** Number of answers by status; 0: none. */
  statuses: Readonly<Record<number, number>>;
  /** Longest stall in milliseconds of CPU. */
  stallMs: number;
  /** Growth of heap and buffers after the warm-up, in bytes. */
  growth: number;
  failures: readonly string[];
}

/**
 * Half of the default limit of a body: to read and write the largest body takes nearly the longest
 * stall allowed, and more on a busy machine, whose caches are shared.
 */
const config = async (upstream: string) => `
api_bearer_token: "${TOKENS[0]}"
server:
  host: 127.0.0.1
  max_samples: 8
  max_body_bytes: 16000000
  body_timeout_ms: 500
  commit_after_ms: 50
  heartbeat_ms: 100
  request_timeout_ms: 4000
  stream_timeout_ms: 4000
upstreams:
  u:
    base_url: "${upstream}"
    retry: { base_ms: 1, max_ms: 5 }
    breaker: { min_calls: 1000000 }
    timeouts: { headers_ms: 1000, first_token_ms: 1000, idle_ms: 1000, total_ms: 3000 }
    price: { input: 1, output: 1 }
models:
  m: { upstream: u, model: x, caps: { calls: 20 } }
  hidden: { upstream: u, model: y, strategy: auto, format: hidden, caps: { calls: 20 } }
  json: { upstream: [u, u], model: z, strategy: steps, format: details_steps, caps: { calls: 20 } }
keys:
  - name: fuzz
    sha256: ${await sha256(TOKENS[1])}
    tpm: 1000000000
    rpm: 1000000
    parallel: 1000
    daily_usd: 100000
`;

/** What the server answers if it fails in a way that nobody has thought of. */
const UNEXPECTED = "The server had an error while processing your request";

export async function fuzz(
  { seed, seconds, maxStallMs = 200 }: FuzzOptions,
): Promise<FuzzResult> {
  await using upstream = startFuzzUpstream(seed);
  await using server = await startAttackedServer({ yaml: await config(upstream.url) });
  const run = createRun(server, upstream, seed);
  await run.send(() => run.requests < WARM_UP);
  await run.settle();
  const { heap } = await server.use({ reset: true });
  const end = performance.now() + seconds * 1_000;
  let stallMs = 0;
  let looking = true;
  const looks = (async () => {
    while (looking) {
      await sleep(LOOK_MS);
      const use = await server.use({ reset: true }).catch(() => undefined);
      if (use === undefined) return;
      stallMs = Math.max(stallMs, use.stallMs);
      run.look(use.stallMs, maxStallMs);
    }
  })();
  await run.send(() => performance.now() < end);
  looking = false;
  await looks;
  const growth = await run.settle(heap);
  if (growth > MAX_GROWTH) run.failures.push(`it uses ${Math.round(growth / MIB)} MB more`);
  server.program.kill("SIGTERM");
  const { code, output } = await server.program.ended;
  if (code !== 0) run.failures.push(`it ended with ${code}: ${output.slice(-2_000)}`);
  run.failures.push(...causesOf(output));
  const { requests, statuses, failures } = run;
  return { requests, upstreamCalls: upstream.calls, statuses, stallMs, growth, failures };
}

/** Unexpected errors in the log, each once, with the innermost places. */
function causesOf(output: string): string[] {
  const lines = output.split("\n").filter((line) => line.includes('"cause":'));
  const causes = lines.map((line) => String(JSON.parse(line).cause).split(/\n\s*/));
  const unexpected = causes.filter(([, place]) => place?.startsWith("at "));
  return [...new Set(unexpected.map((stack) => stack.slice(0, 7).join(" ")))];
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function createRun(server: AttackedServer, upstream: FuzzUpstream, seed: number) {
  const statuses: Record<number, number> = {};
  const failures: string[] = [];
  const ids = new Map<string, Set<string>>();
  /** Requests since the last look. */
  let recent = new Map<number, FuzzRequest>();
  const running = new Map<number, FuzzRequest>();
  let next = 0;

  function fail(problem: string, requests: Iterable<[number, FuzzRequest]>): void {
    const folder = Deno.makeTempDirSync({ prefix: "o1-api-fuzz-" });
    for (const [index, { bytes }] of requests) Deno.writeFileSync(`${folder}/${index}`, bytes);
    for (const [index, answer] of upstream.last.entries()) {
      Deno.writeFileSync(`${folder}/upstream-${index}`, answer);
    }
    failures.push(`${problem} (seed ${seed}; see ${folder})`);
  }

  function keepIds(answer: string): void {
    for (const [id, type] of answer.matchAll(/\b(resp|conv|msg|rs)_[0-9a-f]{48,56}\b/g)) {
      const kept = ids.get(type!) ?? new Set();
      ids.set(type!, kept.add(id));
      if (kept.size > KEPT_IDS) kept.delete(kept.values().next().value!);
    }
  }

  async function sendOne(): Promise<void> {
    const index = next++;
    const request = fuzzRequest(
      createChance(seed * 1_000_003 + index),
      [...ids.values()].flatMap((kept) => [...kept]),
    );
    running.set(index, request);
    recent.set(index, request);
    const answer = await exchange(server.port, request);
    running.delete(index);
    const status = Number(/^HTTP\/1\.1 ([2-9]\d\d)/m.exec(answer)?.[1] ?? 0);
    statuses[status] = (statuses[status] ?? 0) + 1;
    keepIds(answer);
    const name = `${request.method} ${request.path}, request ${index}`;
    if (status === 500 || answer.includes(UNEXPECTED)) {
      fail(`${name}: ${answer.split("\r\n\r\n")[1]?.slice(0, 300)}`, [[index, request]]);
    } else if (status === 0 && !request.isBroken && request.leavesAfter === Infinity) {
      fail(`${name}: no answer, ${answer.slice(0, 300)}`, [[index, request]]);
    }
  }

  return {
    statuses,
    failures,
    get requests() {
      return next;
    },
    /** Sends requests while the condition is true and the server runs. */
    async send(condition: () => boolean): Promise<void> {
      await Promise.all(Array.from({ length: CLIENTS }, async () => {
        while (condition() && failures.length < 10) await sendOne();
      }));
    },
    /** Reports a stall with the requests that may have caused it. */
    look(stallMs: number, maxStallMs: number): void {
      if (stallMs > maxStallMs) fail(`a stall of ${Math.round(stallMs)} ms`, recent);
      recent = new Map(running);
    },
    /**
     * Waits until the work in the background has ended; up to 20 s until the heap has not grown
     * too much. Returns the growth.
     */
    async settle(before = 0): Promise<number> {
      for (let tries = 0;; tries++) {
        await sleep(LOOK_MS);
        const { heap } = await server.use();
        const growth = heap - before;
        if (tries >= 2 && (growth < MAX_GROWTH || tries >= 20)) return growth;
      }
    },
  };
}

/** Sends a request; returns the answer, or a part of it. */
async function exchange(port: number, request: FuzzRequest): Promise<string> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  let isOpen = true;
  const close = () => {
    if (isOpen) conn.close();
    isOpen = false;
  };
  const timer = setTimeout(close, request.isBroken ? BROKEN_MS : LIMIT_MS);
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  let answer = "";
  let length = 0;
  try {
    const sending = (async () => {
      for (let at = 0; at < request.bytes.length;) {
        at += await conn.write(request.bytes.subarray(at));
      }
    })();
    sending.catch(() => {});
    while (length < request.leavesAfter) {
      const count = await conn.read(buffer);
      if (count === null) break;
      length += count;
      answer += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
  } catch {
    // Reset by the server, or closed by the timer.
  } finally {
    clearTimeout(timer);
    close();
  }
  return answer;
}
