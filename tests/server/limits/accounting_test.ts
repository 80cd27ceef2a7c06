import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { clearImmediate, setImmediate as nextTurn } from "node:timers";
import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../../lib/clock.ts";
import { createTestApp, readStream, type TestApp } from "../../support/app.ts";
import { createFakeClock } from "../../support/clock.ts";
import { type Call, type Reply, startUpstream, step } from "../../support/upstream.ts";
import { createCountingLimiter } from "./counting.ts";

/** How a request ends, and the numbers in it. */
interface Plan {
  ending:
    | "whole"
    | "stream"
    | "unreported"
    | "cut"
    | "left"
    | "left early"
    | "refused"
    | "wrong"
    | "steps";
  prompt: number;
  completion: number;
  pieces: number;
}

/** What the books must hold of it. */
interface Used {
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
    "left",
    "left early",
    "refused",
    "wrong",
    "steps",
  ),
  prompt: fc.integer({ min: 1, max: 3_000 }),
  completion: fc.integer({ min: 1, max: 9_000 }),
  pieces: fc.integer({ min: 1, max: 6 }),
});

/** The question that tells the upstream which plan it is for: eight tokens by the server's estimate. */
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
    case "left":
      return { content, usage: null, end: "stall" };
    case "left early":
      return { content: "late", before: call.left };
    case "refused":
      return { status: 422, body: "{}" };
    case "steps":
      return { content: step("T", "C", "final_answer"), usage };
    default:
      return { content, usage };
  }
}

/** Time stands still: only frames of a stream that wait a moment for others do not wait for it. */
function standingClock(): Clock {
  const { clock } = createFakeClock();
  return {
    ...clock,
    timer(ms, fn) {
      if (ms > 5) return clock.timer(ms, fn);
      const turn = nextTurn(fn);
      return () => clearImmediate(turn);
    },
  };
}

/** Sends the request and ends it as planned. */
async function carryOut(
  app: TestApp,
  { ending, prompt, completion, pieces }: Plan,
  index: number,
  arrived: Promise<void>,
  callsOf: (index: number) => number,
): Promise<Used> {
  const messages = ending === "wrong" ? [] : question(index);
  const model = ending === "steps" ? "thinker" : "m";
  const leaver = new AbortController();
  const stream = !["whole", "left early", "steps"].includes(ending);
  const pending = app.chat({ model, messages, stream }, { signal: leaver.signal });
  if (ending === "left early") {
    await arrived;
    leaver.abort();
  }
  const response = await pending;
  if (ending === "left") {
    const reader = readStream(response);
    await reader.until(({ content }) => content.length === 4 * pieces);
    await reader.cancel();
  } else await response.text();
  switch (ending) {
    case "wrong":
      return { requests: 0, prompt: 0, completion: 0 };
    case "refused":
      return { requests: 1, prompt: 0, completion: 0 };
    case "left early":
      return { requests: 1, prompt: QUESTION_TOKENS, completion: 0 };
    case "unreported":
    case "cut":
    case "left":
      return { requests: 1, prompt: QUESTION_TOKENS, completion: pieces };
    default: {
      const calls = callsOf(index);
      return { requests: 1, prompt: calls * prompt, completion: calls * completion };
    }
  }
}

Deno.test("whatever ways requests end, the books hold what they used, and no lease is left", async () => {
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
        const clock = standingClock();
        const limiter = createCountingLimiter();
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
        const count = (key: string) => limiter.count(clock.date(), `all:${key}`);
        const used: Used[] = [];
        for (const group of groups) {
          const first = used.length;
          used.push(
            ...await Promise.all(
              group.map((each, i) =>
                carryOut(app, each, first + i, arrived[first + i]!.promise, (at) => calls[at]!)
              ),
            ),
          );
        }
        // Work that was left ends behind its client's back, and gives its lease back last.
        for (let turns = 0; await count("parallel:moment") > 0 && turns < 10_000; turns++) {
          await setImmediate();
        }
        await app.drain(0);
        const sum = (of: (each: Used) => number) => used.reduce((all, each) => all + of(each), 0);
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
