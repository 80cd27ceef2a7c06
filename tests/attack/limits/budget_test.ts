import { assert, assertEquals } from "@std/assert";
import type { Limiter } from "../../../lib/store/limiter.ts";
import { createMemoryLimiter } from "../../../lib/store/memory/limiter.ts";
import { createTestApp } from "../../support/app.ts";
import { BACKENDS } from "../../support/stores/backends.ts";
import { fixedDateClock as clock } from "../../support/clock.ts";
import { startUpstream } from "../../support/upstream.ts";

/** What one call uses: about what the server estimates for PROMPT, and a short answer. */
const PROMPT_TOKENS = 1_100;
const GENERATED_TOKENS = 400;
const CALL_TOKENS = PROMPT_TOKENS + GENERATED_TOKENS;

const PROMPT = "How? ".repeat(800);

const LIMIT_TOKENS = 20_000;

/** The same limit in every unit, at $1 per 1,000 tokens. */
const LIMITS = [
  `tpm: ${LIMIT_TOKENS}`,
  `daily_tokens: ${LIMIT_TOKENS}`,
  `monthly_tokens: ${LIMIT_TOKENS}`,
  `daily_usd: ${LIMIT_TOKENS / 1_000}`,
];

/** An upstream whose answers never agree, and an app with a limit. */
async function setUp(limits: string, limiter: Limiter) {
  const lines: string[] = [];
  const upstream = startUpstream(({ index }) => ({
    content: `FINAL: ${index}`,
    usage: {
      prompt_tokens: PROMPT_TOKENS,
      completion_tokens: GENERATED_TOKENS,
      total_tokens: CALL_TOKENS,
    },
  }));
  const app = await createTestApp({
    upstream: upstream.url,
    clock,
    limiter,
    lines,
    yaml: `
server: { max_samples: 60 }
upstreams: { u: { base_url: UPSTREAM, price: { input: 1000, output: 1000 } } }
models: { m: { upstream: u, model: x, caps: { calls: 200 } } }
limits: { ${limits} }
`,
  });
  return {
    upstream,
    lines,
    /** Sends a request; returns its status. */
    async ask(reasoning: object): Promise<number> {
      const response = await app.chat({
        model: "m",
        messages: [{ role: "user", content: PROMPT }],
        reasoning,
      });
      await response.body?.cancel();
      return response.status;
    },
    close: () => app.drain(1_000),
    [Symbol.asyncDispose]: upstream[Symbol.asyncDispose],
  };
}

interface Strategy {
  options: object;
  /** Most calls that start together. */
  wave: number;
}

const STRATEGIES: Readonly<Record<string, Strategy>> = {
  "a vote of 60 in waves of 4": {
    options: { strategy: "vote", max_samples: 60, wave: 4 },
    wave: 4,
  },
  "a population of 8 in 16 rounds": {
    options: { strategy: "rsa", population: 8, rounds: 16 },
    wave: 8,
  },
  "4 layers of 8 proposers": {
    options: { strategy: "moa", proposers: 8, layers: 4 },
    wave: 8,
  },
  "60 steps": { options: { strategy: "steps", max_steps: 60, min_steps: 60 }, wave: 1 },
  "verification with 16 solvers": {
    options: { strategy: "verify", max_solvers: 16 },
    wave: 16,
  },
};

async function checkOvershoot(limits: string, limiter: Limiter, { options, wave }: Strategy) {
  await using setup = await setUp(limits, limiter);
  const statuses = await Promise.all([1, 2, 3].map(() => setup.ask(options)));
  assert(statuses.includes(200), statuses.join());
  await setup.close();
  const used = setup.upstream.calls.length * CALL_TOKENS;
  assert(used > LIMIT_TOKENS / 4, `${used} tokens were used`);
  assert(used <= LIMIT_TOKENS + wave * CALL_TOKENS, `${used} tokens were used`);
}

for (const { kind, skipReason, prepare, start } of BACKENDS) {
  prepare?.();
  Deno.test({
    name: `a vote of 60 exceeds a limit by at most its last wave: ${kind}`,
    ignore: skipReason !== undefined,
    async fn() {
      await using backend = await start(clock.date);
      const limiter = await backend.openLimiter();
      await checkOvershoot(LIMITS[1]!, limiter, STRATEGIES["a vote of 60 in waves of 4"]!);
    },
  });
}

for (const limits of LIMITS) {
  for (const [name, strategy] of Object.entries(STRATEGIES)) {
    Deno.test(`${name} exceeds ${limits} by at most the last wave`, async () => {
      await checkOvershoot(limits, createMemoryLimiter({ now: clock.date }), strategy);
    });
  }
}

Deno.test("a first wave that exceeds a limit is replaced by one call", async () => {
  await using setup = await setUp(LIMITS[1]!, createMemoryLimiter({ now: clock.date }));
  assertEquals(await setup.ask({ strategy: "vote", max_samples: 60, wave: 60 }), 200);
  assertEquals(setup.upstream.calls.length, 1);
});

Deno.test("a first wave is rejected if it exceeds what is left of a limit", async () => {
  await using setup = await setUp("daily_tokens: 110000", createMemoryLimiter({ now: clock.date }));
  const vote = { strategy: "vote", max_samples: 60, wave: 60 };
  assertEquals(await setup.ask(vote), 200);
  const calls = setup.upstream.calls.length;
  assert(calls >= 60, `${calls} calls`);
  assertEquals(await setup.ask(vote), 429);
  assertEquals(setup.upstream.calls.length, calls);
  assertEquals(await setup.ask({ strategy: "direct" }), 200);
});

Deno.test("a run stops thinking and answers if the limiter cannot reserve further calls", async () => {
  const limiter = createMemoryLimiter({ now: clock.date });
  let takes = 0;
  const failing: Limiter = {
    ...limiter,
    take: (charges) => ++takes > 1 ? Promise.reject(new Error("lost")) : limiter.take(charges),
  };
  await using setup = await setUp("daily_tokens: 1000000", failing);
  assertEquals(await setup.ask({ strategy: "steps", max_steps: 60, min_steps: 60 }), 200);
  assert(setup.upstream.calls.length < 60, `${setup.upstream.calls.length} calls`);
  assert(setup.lines.some((line) => line.includes("Limits cannot be checked for further calls")));
});
