import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { systemClock } from "../../../lib/clock.ts";
import { code as kind } from "../../../lib/tools/code/kind.ts";
import { ROOT } from "../../support/program.ts";
import { waitFor } from "../../support/wait.ts";
import { runAlone } from "../../support/measure/alone.ts";
import { openCode, runCode } from "./sandbox.ts";

// A thread lives longer than the test that starts it.
const threads = { sanitizeOps: false, sanitizeResources: false };

const source = openCode({ time_ms: 30_000, output_characters: 1_000 });
Deno.test.afterAll(() => source.close());

/** Code and the text that the model gets. */
const RESULTS: readonly [code: string, text: string][] = [
  ["1 + 1", "2"],
  ["", ""],
  ["let sum = 0; for (let i = 1; i <= 100; i++) sum += i; sum", "5050"],
  ["2n ** 100n", "1267650600228229401496703205376"],
  ["return 6 * 7", "42"],
  ["const f = async () => 5; await f()", "5"],
  ["(async () => 6)()", "6"],
  ["const a = 1;\nfunction g() { return a + 1 }\ng()", "2"],
  ["```js\n40 + 2\n```", "42"],
  ["console.log('a', 1, [1n, 'x']); print({ b: null }); 3", 'a 1 [1, "x"]\n{ b: null }\n3'],
  ["new Map([['k', new Set([1])]])", 'Map {"k" => Set {1}}'],
  ["const o = {}; o.self = o; o", "{ self: [circular] }"],
  ["throw new TypeError('bad')", "TypeError: bad\n    at <eval> (code.js:1:20)"],
  ["undefinedName", "ReferenceError: 'undefinedName' is not defined\n    at <eval> (code.js:1:1)"],
  [
    "await new Promise(() => {})",
    "The code waits for a promise that nothing resolves. There are no timers.",
  ],
  // Exact mathematics.
  ["frac('1/3').add('1/6').mul(3)", "3/2"],
  ["frac(0.1).add(0.2).compare('0.3')", "0"],
  ["frac(2, 3).pow(-2)", "9/4"],
  ["[gcd(12, 18), lcm(4, 6), gcd(12n, 18)]", "[6, 12, 6]"],
  ["modPow(3, 10n ** 20n, 1000007)", `${Number(power(3n, 10n ** 20n, 1000007n))}`],
  ["modPow(3, -1, 7) === modInverse(3, 7)", "true"],
  ["crt([2, 3, 2], [3, 5, 7])", "23"],
  ["crt([3, 5], [4, 6])", "11"],
  ["isqrt(10n ** 40n + 1n)", "100000000000000000000"],
  ["primes(20)", "[2, 3, 5, 7, 11, 13, 17, 19]"],
  ["[isPrime(1), isPrime(2), isPrime(561), isPrime(2n ** 61n - 1n)]", "[false, true, false, true]"],
  ["factorize(600851475143)", "[[71, 1], [839, 1], [1471, 1], [6857, 1]]"],
  ["factorize(1000003n * 1000033n)", "[[1000003, 1], [1000033, 1]]"],
  ["[divisors(28), totient(36), nextPrime(100)]", "[[1, 2, 4, 7, 14, 28], 12, 101]"],
  [
    "[factorial(5), factorial(25), binomial(5, 2), binomial(2, 5)]",
    "[120, 15511210043330985984000000, 10, 0]",
  ],
  ["[combinations('abc', 2).length, permutations([1, 2, 3]).length]", "[3, 6]"],
  ["product([1, 2], ['a'])", '[[1, "a"], [2, "a"]]'],
  [
    "[addDays('2024-02-28', 2), addMonths('2026-01-31', 1), weekday('2026-11-30')]",
    '["2024-03-01", "2026-02-28", "Monday"]',
  ],
  ["daysBetween('2000-01-01', '2026-11-30')", "9830"],
  // The zone is UTC wherever the server is.
  ["new Date(2026, 0, 1).toISOString()", "2026-01-01T00:00:00.000Z"],
];

function power(base: bigint, exponent: bigint, m: bigint): bigint {
  let result = 1n;
  for (; exponent > 0n; exponent >>= 1n, base = base * base % m) {
    if (exponent & 1n) result = result * base % m;
  }
  return result;
}

for (const [code, text] of RESULTS) {
  Deno.test({
    name: `code returns what it prints and its last value: ${code}`,
    ...threads,
    fn: async () => assertEquals((await runCode(source, code)).text, text),
  });
}

Deno.test({
  name: "only failures are errors",
  ...threads,
  async fn() {
    assertEquals((await runCode(source, "console.error('a')")).isError, false);
    assertEquals((await runCode(source, "null.x")).isError, true);
    assertEquals((await runCode(source, "(")).isError, true);
  },
});

Deno.test({
  name: "a run has no access to earlier runs",
  ...threads,
  async fn() {
    const code = "globalThis.kept = (globalThis.kept ?? 0) + 1; Object.prototype.x = 1; kept";
    for (let i = 0; i < 4; i++) assertEquals((await runCode(source, code)).text, "1");
  },
});

Deno.test({
  name: "the clock of the server is the clock of the code",
  ...threads,
  async fn() {
    const [tool] = await source.tools(new AbortController().signal);
    const clock = { ...systemClock, date: () => Date.UTC(2031, 4, 6, 7) };
    const code = "new Date().toISOString().slice(0, 13) + ' ' + today()";
    const { content } = await tool!.run({ code }, { signal: new AbortController().signal, clock });
    assertEquals(content, [{ type: "text", text: "2031-05-06T07 2031-05-06" }]);
  },
});

for (const args of [undefined, null, "1 + 1", {}, { code: 1 }, { code: "1;".repeat(60_000) }]) {
  Deno.test({
    name: `invalid arguments are a result with an error: ${JSON.stringify(args)?.slice(0, 30)}`,
    ...threads,
    async fn() {
      const [tool] = await source.tools(new AbortController().signal);
      const context = { signal: new AbortController().signal, clock: systemClock };
      assertEquals((await tool!.run(args, context)).isError, true);
    },
  });
}

Deno.test({
  name: "an abort ends running code at once, and the next call takes its place",
  ...threads,
  async fn() {
    const busy = openCode({ threads: 1, time_ms: 60_000 });
    try {
      await runCode(busy, "1");
      const controller = new AbortController();
      const running = runCode(busy, "for (;;);", controller.signal);
      const waiting = runCode(busy, "7");
      controller.abort(new Error("left"));
      await assertRejects(() => running, Error, "left");
      assertEquals((await waiting).text, "7");
    } finally {
      await busy.close();
    }
  },
});

for (const endless of ["for (;;);", "[].indexOf.call({ length: 2 ** 53 - 1 }, 1)"]) {
  Deno.test({
    name: `code that nobody waits for leaves no thread behind: ${endless}`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      assertEquals(await runAlone("tools/code/left.ts", endless), { open: 2, closed: 0 });
    },
  });
}

Deno.test({
  name: "an abort ends the wait for a thread",
  ...threads,
  async fn() {
    const busy = openCode({ threads: 1, time_ms: 60_000 });
    const first = new AbortController();
    const running = runCode(busy, "for (;;);", first.signal);
    const second = new AbortController();
    const waiting = runCode(busy, "1", second.signal);
    second.abort(new Error("left"));
    await assertRejects(() => waiting, Error, "left");
    first.abort();
    await assertRejects(() => running);
    await busy.close();
  },
});

Deno.test({
  name: "code that is running when the tool is closed gets an error",
  ...threads,
  async fn() {
    const closed = openCode({ threads: 1 });
    await runCode(closed, "1");
    const running = runCode(closed, "for (;;);");
    const waiting = runCode(closed, "1");
    await closed.close();
    assertEquals((await running).isError, true);
    assertEquals((await waiting).isError, true);
    assertEquals((await runCode(closed, "1")).isError, true);
  },
});

Deno.test({
  name: "code that has just got its thread when the tool is closed gets an error",
  ...threads,
  async fn() {
    const closed = openCode({ threads: 1 });
    await runCode(closed, "1");
    const { signal } = new AbortController();
    const [tool] = await closed.tools(signal);
    const running = tool!.run({ code: "1" }, { signal, clock: systemClock });
    await closed.close();
    assertEquals((await waitFor("the end of the code", running)).isError, true);
  },
});

Deno.test("Deno Deploy is refused with a reason", () => {
  assertMatch(kind.fault!({ onDeploy: true }, {} as never)!, /Deno Deploy has no threads/);
  assertEquals(kind.fault!({ onDeploy: false }, {} as never), undefined);
});

Deno.test({
  name: "a start of Deno without the flag is refused with a reason",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const script = `import { code } from "./lib/tools/code/kind.ts";
console.log(code.fault({ onDeploy: false }));`;
    const { stdout } = await waitFor(
      "the end of Deno",
      new Deno.Command(Deno.execPath(), { args: ["eval", script], cwd: ROOT }).output(),
    );
    assertMatch(new TextDecoder().decode(stdout), /^start Deno with --unstable-worker/);
  },
});
