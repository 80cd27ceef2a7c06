import { assertEquals } from "@std/assert";
import { reconnectDelayMs, reportErrors, serverError } from "../../lib/store/server_errors.ts";

/** Runs `test` with a clock that it sets. */
function atTimes(name: string, test: (at: (ms: number) => void) => void): void {
  Deno.test(name, () => {
    const { now } = performance;
    let time = 0;
    performance.now = () => time;
    try {
      test((ms) => void (time = ms));
    } finally {
      performance.now = now;
    }
  });
}

atTimes("the same error is reported once a minute", (at) => {
  const messages: string[] = [];
  const report = reportErrors((message) => messages.push(message));
  for (const ms of [0, 1, 59_999]) {
    at(ms);
    for (const message of ["a", "b"]) report(new Error(message));
  }
  assertEquals(messages, ["a", "b"]);
  at(60_000);
  report(new Error("a"));
  report(new Error("a"));
  assertEquals(messages, ["a", "b", "a"]);
});

atTimes("of many different errors 20 are remembered", () => {
  const messages: string[] = [];
  const report = reportErrors((message) => messages.push(message));
  const some = Array.from({ length: 20 }, (_, i) => `${i}`);
  for (const message of [...some, ...some]) report(new Error(message));
  assertEquals(messages, some);
  for (const message of ["another", "0", "another"]) report(new Error(message));
  assertEquals(messages.slice(20), ["another", "0"]);
});

Deno.test("a connection is retried after increasing delays of at most 1 s", () => {
  const delays = [0, 1, 2, 3, 4, 5, 6, 100].map(reconnectDelayMs);
  assertEquals(delays, [25, 50, 100, 200, 400, 800, 1_000, 1_000]);
});

Deno.test("an error of a server contains its address, at most 200 characters of its text, and its code", () => {
  const text = "x".repeat(201);
  const { message, code } = serverError("Redis at a:1", text, "E") as Error & { code?: string };
  assertEquals([message, code], [`Cannot use Redis at a:1: ${text.slice(1)}`, "E"]);
  assertEquals("code" in serverError("Redis at a:1", text, undefined), false);
});
