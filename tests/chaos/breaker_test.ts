import { assert, assertEquals } from "@std/assert";
import { failure, healthy } from "../support/faulty/answers.ts";
import type { Fault } from "./faults/fault.ts";
import { startFaultyUpstream } from "../support/faulty/upstream.ts";
import { createProgress, readAnswer, startProduct } from "./harness.ts";

const REQUESTS = 40;

/** Sends requests in sequence to two upstreams, the first of which fails. */
async function ask(second: Fault["play"]) {
  await using first = startFaultyUpstream({ play: () => failure(503) });
  await using other = startFaultyUpstream({ play: second });
  const settings = { retry: { max_attempts: 1 }, breaker: { min_calls: 10 } };
  await using product = await startProduct({
    upstreams: { first: { url: first.url, settings }, second: { url: other.url, settings } },
  });
  const statuses = new Set<number>();
  for (let i = 0; i < REQUESTS; i++) {
    const response = await product.ask("direct", "json", { question: `Request ${i}?` });
    await readAnswer(response, createProgress());
    statuses.add(response.status);
  }
  return { statuses: [...statuses], first: first.calls.length, second: other.calls.length };
}

Deno.test("an upstream that keeps failing is skipped while another works", async () => {
  const { statuses, first, second } = await ask(healthy);
  assertEquals(statuses, [200]);
  assertEquals(second, REQUESTS);
  assert(first >= 10 && first <= 15, `${first} calls to the failing upstream`);
});

Deno.test("when all upstreams cool down, the first is still tried", async () => {
  const { statuses, first } = await ask(() => failure(500));
  assertEquals(statuses, [503]);
  assertEquals(first, REQUESTS);
});
