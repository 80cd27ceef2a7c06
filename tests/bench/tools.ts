/**
 * Measures the tool `code`: the cost of a run, alone and with 50 at once, and what it is worth to a
 * scripted model that knows what to compute and calculates wrongly two times of three.
 *
 * Run: deno run --no-prompt --unstable-worker-options --config tests/deno.json
 *   --allow-net=127.0.0.1 --allow-read --allow-env tests/bench/tools.ts
 *
 * @module
 */
import { systemClock } from "../../lib/clock.ts";
import { createRandom } from "../../lib/random.ts";
import { code } from "../../lib/tools/code/kind.ts";
import { createTestApp } from "../support/app.ts";
import { type Call, type Reply, startUpstream } from "../support/upstream.ts";

const percentile = (times: number[], share: number) =>
  times.toSorted((a, b) => a - b)[Math.floor((times.length - 1) * share)]!.toFixed(1);

async function measureRuns(): Promise<void> {
  const source = code.open(code.options.parse({}) as never, { onDeploy: false });
  const signal = new AbortController().signal;
  const [tool] = await source.tools(signal);
  const times: number[] = [];
  const run = async (index: number) => {
    const start = performance.now();
    await tool!.run({ code: `factorial(${index}n)` }, { signal, clock: systemClock });
    times.push(performance.now() - start);
  };
  await run(0);
  console.log(`first run, with the start of its thread: ${times.pop()!.toFixed(1)} ms`);
  for (let i = 0; i < 200; i++) await run(i);
  console.log(`one run: p50 ${percentile(times, 0.5)} ms, p99 ${percentile(times, 0.99)} ms`);
  times.length = 0;
  const start = performance.now();
  await Promise.all(Array.from({ length: 50 }, (_, i) => run(i)));
  const total = (performance.now() - start).toFixed(0);
  console.log(
    `50 at once: all after ${total} ms, p50 ${percentile(times, 0.5)} ms, p99 ${
      percentile(times, 0.99)
    } ms`,
  );
  await source.close();
}

const QUESTIONS = 30;
const STRATEGIES = ["direct", "think", "steps", "relay", "vote", "moa", "verify", "rsa"];

const random = createRandom(7);

function solver({ body }: Call): Reply {
  const text = JSON.stringify(body.messages);
  const [, a = "0", b = "0", c = "0"] = /(\d+) \* (\d+) \+ (\d+)/.exec(text) ?? [];
  const computed = /<tool_output>\\n(\d+)/.exec(text)?.[1];
  const canCompute = body.tools !== undefined && computed === undefined;
  if (canCompute) {
    const args = JSON.stringify({ code: `${a}n * ${b}n + ${c}n` });
    return { content: null, toolCalls: [{ id: "call_1", name: "code", arguments: args }] };
  }
  const right = BigInt(a) * BigInt(b) + BigInt(c);
  const guess = random() < 1 / 3 ? right : right + BigInt(Math.ceil(random() * 5));
  const answer = `The answer is ${computed ?? guess}.\nFINAL: ${computed ?? guess}`;
  const isStep = text.includes("next_action");
  return {
    content: isStep
      ? JSON.stringify({ title: "Compute", content: answer, next_action: "final_answer" })
      : answer,
  };
}

async function measureAccuracy(strategy: string, tools: string): Promise<string> {
  await using upstream = startUpstream(solver);
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: `
upstreams: { s: { base_url: UPSTREAM } }
models: { m: { strategy: ${strategy}, upstream: s, model: m, tools: ${tools} } }`,
  });
  let right = 0;
  for (let i = 0; i < QUESTIONS; i++) {
    const [a, b, c] = [12345 + 7 * i, 67891 + 13 * i, 555 + i];
    const content = `What is ${a} * ${b} + ${c}?`;
    const response = await app.chat({ model: "m", messages: [{ role: "user", content }] });
    const { choices } = await response.json();
    if (choices[0].message.content.includes(String(a * b + c))) right++;
  }
  await app.drain(0);
  return `${Math.round(100 * right / QUESTIONS)} % (${
    (upstream.calls.length / QUESTIONS).toFixed(1)
  } calls)`;
}

if (import.meta.main) {
  await measureRuns();
  for (const strategy of STRATEGIES) {
    const without = await measureAccuracy(strategy, "[]");
    const withCode = await measureAccuracy(strategy, "[code]");
    console.log(`${strategy}: without code ${without}, with code ${withCode}`);
  }
}
