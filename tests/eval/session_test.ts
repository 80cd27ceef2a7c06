import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { InputError } from "../../lib/eval/input_error.ts";
import { type Result, resultKey } from "../../lib/eval/results.ts";
import { startUpstream } from "../support/upstream.ts";
import { createBench, rightAnswer } from "./session.ts";

const keysOf = (results: Result[]) => results.map(resultKey).sort();

const SEE_ANSWERS = "To see every question with each answer, add --report report.html.";

Deno.test("models are asked each problem in every trial, measured and scored", async () => {
  await using upstream = startUpstream((call) => ({
    reasoning: "Hm.",
    content: `The sum is ${rightAnswer(call)}.\nFINAL: ${rightAnswer(call)}`,
    usage: {
      prompt_tokens: 100,
      completion_tokens: 50,
      total_tokens: 150,
      completion_tokens_details: { reasoning_tokens: 30 },
    },
  }));
  await using bench = await createBench(upstream.url);
  const args = ["--models", "plain,other", "--trials", "2", "--out", bench.out];
  const { summaries, results: answers, ...rest } = await bench.run(args);
  assertEquals(rest, {
    finished: 24,
    total: 24,
    problems: 6,
    isComplete: true,
    next: [SEE_ANSWERS],
  });
  assertEquals(upstream.calls.length, 24);
  const [plain, other] = summaries;
  assertEquals(
    [plain!.asked, plain!.correct, plain!.wrong, plain!.errors, plain!.accuracy],
    [12, 12, 0, 0, 1],
  );
  assertEquals(
    [plain!.calls, plain!.prompt_tokens, plain!.completion_tokens, plain!.reasoning_tokens],
    [1, 100, 50, 30],
  );
  assertAlmostEquals(plain!.cost!, 0.0002, 1e-9);
  assertEquals(plain!.difference, undefined);
  assertEquals([other!.difference?.value, other!.difference?.problems], [0, 6]);
  assert(plain!.latency_p50_ms! > 0 && plain!.first_reasoning_p50_ms! > 0);
  const results = await bench.results();
  assertEquals(results.length, 24);
  assertEquals(answers.map(({ content }) => content), results.map(({ content }) => content));
  // Even for a model whose format writes reasoning into the answer.
  assert(results.every(({ content }) => !content!.includes("Hm.")));
  assertEquals(bench.shown.at(-1), "24 of 24: 24 correct, 0 wrong, 0 errors\n");
  assert(!(await Deno.readTextFile(bench.out)).includes("secret-4711"));
});

Deno.test("a stopped run resumes, and each question is finished once", async () => {
  const stop = new AbortController();
  let isFirst = true;
  const left: Promise<void>[] = [];
  await using upstream = startUpstream((call) => {
    if (isFirst && call.index >= 8) {
      left.push(call.left);
      if (call.index === 10) stop.abort(new DOMException("stopped", "AbortError"));
      return { content: "FINAL: 0", end: "stall" };
    }
    return { content: `FINAL: ${rightAnswer(call)}` };
  });
  await using bench = await createBench(upstream.url);
  const args = ["--models", "plain,other", "--out", bench.out, "--concurrency", "3"];
  const first = await bench.run(args, { signal: stop.signal });
  assertEquals([first.finished, first.total, first.isComplete], [8, 12, false]);
  assertEquals(left.length, 3);
  await Promise.all(left);
  assertEquals((await bench.results()).length, 8);

  // The machine was switched off while a line was written.
  await Deno.writeTextFile(bench.out, '{"id":"p1","digest":"00', { append: true });
  isFirst = false;
  const callsBefore = upstream.calls.length;
  const second = await bench.run(args);
  assertEquals([second.finished, second.isComplete], [12, true]);
  assertEquals(upstream.calls.length - callsBefore, 4);
  const keys = keysOf(await bench.results());
  assertEquals([keys.length, new Set(keys).size], [12, 12]);
  assertEquals(second.summaries.map(({ correct }) => correct), [6, 6]);

  await bench.run(args);
  assertEquals(upstream.calls.length - callsBefore, 4);
});

Deno.test("errors are not wrong answers, and their questions can be asked again", async () => {
  let isBroken = true;
  await using upstream = startUpstream((call) => {
    const n = rightAnswer(call);
    if (isBroken && n === "2") {
      return { status: 429, body: '{"error": {"message": "slow down", "code": "rate_limited"}}' };
    }
    if (isBroken && n === "3") return { status: 400, body: '{"error": {"message": "no"}}' };
    return { content: `FINAL: ${n === "4" ? "99" : n}` };
  });
  await using bench = await createBench(upstream.url);
  const args = ["--models", "plain", "--out", bench.out];
  const { summaries: [broken] } = await bench.run(args);
  assertEquals(
    [broken!.asked, broken!.correct, broken!.wrong, broken!.errors],
    [6, 3, 1, 2],
  );
  assertEquals([broken!.accuracy, broken!.accuracy_of_answered], [0.5, 0.75]);
  assertEquals(Object.values(broken!.error_codes), [1, 1]);
  assert("rate_limit_exceeded" in broken!.error_codes || "rate_limited" in broken!.error_codes);

  isBroken = false;
  const before = upstream.calls.length;
  await bench.run(args);
  assertEquals(upstream.calls.length, before);
  const { summaries: [mended] } = await bench.run([...args, "--retry-errors"]);
  assertEquals(upstream.calls.length, before + 2);
  assertEquals([mended!.correct, mended!.wrong, mended!.errors], [5, 1, 0]);
});

Deno.test("a remote API is called with fetch, with retries", async () => {
  await using upstream = startUpstream((call) =>
    call.index === 0
      ? { status: 503, body: "{}", headers: { "retry-after-ms": "0" } }
      : call.index === 1
      ? { content: "4", end: "eof", finish: null }
      : { content: `FINAL: ${rightAnswer(call)}`, reasoningField: "reasoning", reasoning: "Hm." }
  );
  await using bench = await createBench(upstream.url, 3);
  const args = ["--models", "their-model", "--concurrency", "1", "--out", bench.out];
  const { summaries: [their] } = await bench.run(args, { remote: true });
  assertEquals([their!.correct, their!.errors, upstream.calls.length], [3, 0, 5]);
  const { body, headers, path } = upstream.calls[0]!;
  assertEquals([path, headers.get("authorization")], ["/v1/chat/completions", "Bearer k"]);
  assertEquals(body, {
    model: "their-model",
    messages: [{ role: "user", content: "What is 1 + 1?" }],
    stream: true,
    stream_options: { include_usage: true },
  });
  assert(their!.first_reasoning_p50_ms !== undefined);
});

Deno.test("an error that is not retryable is not retried", async () => {
  const body = '{"error": {"message": "no key", "type": "auth", "code": "invalid_api_key"}}';
  await using upstream = startUpstream([{ status: 401, body }]);
  await using bench = await createBench(upstream.url, 2);
  const { summaries: [their] } = await bench.run(["--models", "x"], { remote: true });
  assertEquals([their!.error_codes, upstream.calls.length], [{ invalid_api_key: 2 }, 2]);
});

Deno.test("a judge decides whether answers agree; without a verdict there is an error", async () => {
  await using upstream = startUpstream((call) => {
    if (call.body.model !== "judge-model") return { content: `two, or ${rightAnswer(call)}` };
    const asked = JSON.stringify(call.body.messages);
    if (asked.includes("What is 1 +")) return { content: "YES" };
    if (asked.includes("What is 2 +")) return { content: "They differ. **No**" };
    if (asked.includes("What is 3 +")) return { content: "Perhaps." };
    return { status: 400, body: '{"error": {"message": "no", "code": "bad"}}' };
  });
  await using bench = await createBench(upstream.url, 4);
  const args = ["--models", "plain", "--scoring", "judge", "--judge-model", "judge"];
  const { summaries: [plain] } = await bench.run([...args, "--out", bench.out]);
  assertEquals([plain!.correct, plain!.wrong, plain!.errors], [1, 1, 2]);
  assert(Object.keys(plain!.error_codes).every((code) => code.startsWith("judge_")));
  const results = await bench.results();
  assert(results.every(({ content }) => content?.startsWith("two, or ")));
});

Deno.test("the last YES or NO of a judge is its verdict", async () => {
  const replies: [verdict: string, isCorrect: boolean][] = [
    ["NO unit is given, but the numbers are equal. YES", true],
    ["Yes, both are numbers. They differ, so: no.", false],
    ["YES or NO? The answers agree: yes", true],
    // Neither word within another one counts.
    ["NO. I know nothing of yesterday.", false],
  ];
  await using upstream = startUpstream((call) => {
    if (call.body.model !== "judge-model") return { content: "two" };
    const [, n] = /What is (\d) \+ 1/.exec(JSON.stringify(call.body.messages))!;
    return { content: replies[Number(n) - 1]![0] };
  });
  await using bench = await createBench(upstream.url, replies.length);
  const args = ["--models", "plain", "--scoring", "judge", "--judge-model", "judge"];
  await bench.run([...args, "--out", bench.out]);
  const results = (await bench.results()).toSorted((a, b) => a.id < b.id ? -1 : 1);
  assertEquals(results.map(({ correct }) => correct), replies.map(([, isCorrect]) => isCorrect));
});

Deno.test("exact scoring compares the whole text", async () => {
  await using upstream = startUpstream((call) => ({
    content: rightAnswer(call) === "2" ? " 2\n" : `It is ${rightAnswer(call)}`,
  }));
  await using bench = await createBench(upstream.url, 2);
  const { summaries: [plain] } = await bench.run(["--models", "plain", "--scoring", "exact"]);
  assertEquals([plain!.correct, plain!.wrong], [1, 1]);
});

Deno.test("results of another run and other files are rejected and not changed", async () => {
  await using upstream = startUpstream([{ content: "FINAL: 2" }]);
  await using bench = await createBench(upstream.url, 2);
  const args = ["--models", "plain", "--out", bench.out];
  await bench.run(args);
  const refused = async (more: string[], message: string, remote = false) => {
    const before = await Deno.readTextFile(bench.out);
    await assertRejects(() => bench.run([...args, ...more], { remote }), InputError, message);
    assertEquals(await Deno.readTextFile(bench.out), before);
  };
  await refused(["--scoring", "exact"], "line 1: its scoring is 'extract', not 'exact'");
  await refused([], "its target is 'configured'", true);
  const dataset = await Deno.readTextFile(bench.dataset);
  await Deno.writeTextFile(bench.dataset, dataset.replace("1 + 1", "1 + 1 + 0"));
  await refused([], "problem 'p1' is different in this dataset");
  await Deno.writeTextFile(bench.out, dataset.split("\n")[0]!);
  await refused([], "line 1: not a result");
  await Deno.writeTextFile(bench.out, "my notes");
  await refused([], "line 1: not a result");
});

Deno.test("truncated and unreadable answers are counted, and half an answer is not read", async () => {
  await using upstream = startUpstream((call) => {
    const n = rightAnswer(call);
    if (n === "2") return { content: `FINAL: ${n}`, finish: "length" };
    if (n === "3") return { content: `FINAL: ${n}\nIn other wor`, finish: "length" };
    return {
      content: n === "4" ? "I would have to think about it.\nSo let me see." : `FINAL: ${n}`,
    };
  });
  await using bench = await createBench(upstream.url, 4);
  const { summaries: [plain] } = await bench.run(["--models", "plain"]);
  assertEquals([plain!.correct, plain!.wrong, plain!.unread, plain!.cut], [2, 2, 2, 2]);
});

Deno.test("the cost is estimated before it starts, from earlier answers if there are any", async () => {
  const usage = { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 };
  await using upstream = startUpstream((call) => ({ content: rightAnswer(call), usage }));
  await using bench = await createBench(upstream.url, 4);
  const args = ["--models", "plain", "--out", bench.out];
  const refused = await bench.run(args, { approve: false });
  assertEquals([refused.finished, refused.isComplete, upstream.calls.length], [0, false, 0]);
  // 500 generated tokens at 2 USD per million, four times, and some for the prompt.
  assert(
    /^Estimated cost of 4 questions: 0\.0042\d USD: plain 0\.0042\d \(assumed\)/.test(
      bench.estimates[0]!,
    ),
    bench.estimates[0],
  );
  await bench.run([...args, "--limit", "3"]);
  await bench.run(args);
  assertStringIncludes(
    bench.estimates.at(-1)!,
    "cost of 1 question: 0.0002 USD: plain 0.0002 (from 3 earlier answers).",
  );
  assertStringIncludes(bench.estimates[0]!, "Assumes 500 generated tokens");
  assert(!bench.estimates.at(-1)!.includes("Assumes"), bench.estimates.at(-1));
  await bench.run(args);
  await bench.run(["--models", "plain"], { remote: true });
  assertEquals(bench.estimates.length, 3);
});
