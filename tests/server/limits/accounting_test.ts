import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { clearImmediate, setImmediate as nextTurn } from "node:timers";
import type { Clock } from "../../../lib/clock.ts";
import { createTestApp, readStream, type TestApp } from "../../support/app.ts";
import { createFakeClock } from "../../support/clock.ts";
import { type Call, type Reply, startUpstream, step } from "../../support/upstream.ts";
import { waitUntil } from "../../support/wait.ts";
import { createCountingLimiter } from "./counting.ts";

/** How a request ends, and its usage. */
interface Plan {
  ending:
    | "whole"
    | "stream"
    | "unreported"
    | "cut"
    | "disconnected"
    | "disconnected early"
    | "rejected"
    | "invalid"
    | "steps";
  prompt: number;
  completion: number;
  pieces: number;
}

/** What the request must be charged. */
interface Charged {
  requests: number;
  prompt: number;
  completion: number;
}

const plan: fc.Arbitrary<Plan> = fc.record({
  ending: fc.constantFrom(
    "whole",
    "stream",
    "unreported",
    "cut",
    "disconnected",
    "disconnected early",
    "rejected",
    "invalid",
    "steps",
  ),
  prompt: fc.integer({ min: 1, max: 3_000 }),
  completion: fc.integer({ min: 1, max: 9_000 }),
  pieces: fc.integer({ min: 1, max: 6 }),
});

/** A question that contains the index of its plan; 8 tokens by the server's estimate. */
const question = (index: number) => [{ role: "user", content: `#${index}#`.padEnd(16, ".") }];
const QUESTION_TOKENS = 8;

function reply({ ending, prompt, completion, pieces }: Plan, call: Call): Reply {
  const usage = { prompt_tokens: prompt, completion_tokens: completion, total_tokens: 0 };
  const content = Array<string>(pieces).fill("text");
  switch (ending) {
    case "unreported":
      return { content, usage: null };
    case "cut":
      return { content, usage: null, end: "cut" };
    case "disconnected":
      return { content, usage: null, end: "stall" };
    case "disconnected early":
      return { content: "late", before: call.left };
    case "rejected":
      return { status: 422, body: "{}" };
    case "steps":
      return { content: step("T", "C", "final_answer"), usage };
    default:
      return { content, usage };
  }
}

/**
 * Time stands still, except for the short timers that collect frames of a stream and begin the watch
 * for a client that disconnects.
 */
function frozenClock(): Clock {
  const { clock } = createFakeClock();
  return {
    ...clock,
    timer(ms, fn) {
      if (ms > 20) return clock.timer(ms, fn);
      const turn = nextTurn(fn);
      return () => clearImmediate(turn);
    },
  };
}

/** Sends a request and ends it as planned. */
async function send(
  app: TestApp,
  { ending, prompt, completion, pieces }: Plan,
  index: number,
  arrived: Promise<void>,
  callsOf: (index: number) => number,
): Promise<Charged> {
  const messages = ending === "invalid" ? [] : question(index);
  const model = ending === "steps" ? "thinker" : "m";
  const client = new AbortController();
  const stream = !["whole", "disconnected early", "steps"].includes(ending);
  const pending = app.chat({ model, messages, stream }, { signal: client.signal });
  if (ending === "disconnected early") {
    await arrived;
    client.abort();
  }
  const response = await pending;
  if (ending === "disconnected") {
    const reader = readStream(response);
    await reader.until(({ content }) => content.length === 4 * pieces);
    await reader.cancel();
  } else await response.text();
  switch (ending) {
    case "invalid":
      return { requests: 0, prompt: 0, completion: 0 };
    case "rejected":
      return { requests: 1, prompt: 0, completion: 0 };
    case "disconnected early":
      return { requests: 1, prompt: QUESTION_TOKENS, completion: 0 };
    case "unreported":
    case "cut":
    case "disconnected":
      return { requests: 1, prompt: QUESTION_TOKENS, completion: pieces };
    default: {
      const calls = callsOf(index);
      return { requests: 1, prompt: calls * prompt, completion: calls * completion };
    }
  }
}

Deno.test("clients are charged what their requests used, however the requests end, and no lease remains", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(plan, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
      async (groups) => {
        const plans = groups.flat();
        const calls = plans.map(() => 0);
        const arrived = plans.map(() => Promise.withResolvers<void>());
        await using upstream = startUpstream((call) => {
          const index = Number(/#(\d+)#/.exec(JSON.stringify(call.body.messages))![1]);
          calls[index]!++;
          arrived[index]!.resolve();
          return reply(plans[index]!, call);
        });
        const clock = frozenClock();
        const limiter = createCountingLimiter(clock.date);
        const app = await createTestApp({
          upstream: upstream.url,
          clock,
          limiter,
          yaml: `
server: { max_retries: 0 }
upstreams: { u: { base_url: UPSTREAM, price: { input: 1, output: 2 } } }
models: { m: { upstream: u, model: x }, thinker: { upstream: u, model: x, strategy: steps } }
limits: { rpm: 1000, tpm: 1000000000, parallel: 100, daily_usd: 1000, monthly_tokens: 1000000000 }
`,
        });
        const count = (key: string) => limiter.count(`all:${key}`);
        const charged: Charged[] = [];
        for (const group of groups) {
          const first = charged.length;
          charged.push(
            ...await Promise.all(
              group.map((plan, i) =>
                send(app, plan, first + i, arrived[first + i]!.promise, (index) => calls[index]!)
              ),
            ),
          );
        }
        // The work of a disconnected client ends later, and releases its lease last.
        const isFree = async () => await count("parallel:moment") === 0;
        await waitUntil("every lease to be released", isFree);
        await app.drain(0);
        const sum = (units: (request: Charged) => number) =>
          charged.reduce((total, request) => total + units(request), 0);
        assertEquals({
          leases: await count("parallel:moment"),
          requests: await count("requests:minute"),
          tpm: await count("tokens:minute"),
          monthly: await count("tokens:month:2026-01"),
          nano: await count("usd:day:2026-01-01"),
        }, {
          leases: 0,
          requests: sum(({ requests }) => requests),
          tpm: sum(({ prompt, completion }) => prompt + completion),
          monthly: sum(({ prompt, completion }) => prompt + completion),
          nano: sum(({ prompt, completion }) => 1_000 * prompt + 2_000 * completion),
        });
      },
    ),
    { numRuns: 40 },
  );
});
