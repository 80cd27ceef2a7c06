import { assertEquals, assertThrows } from "@std/assert";
import { FlagError, parseEvalFlags } from "../../lib/eval/flags.ts";

Deno.test("flags have defaults; the first model is the baseline", () => {
  const flags = parseEvalFlags(["--models", "a, b,c"])!;
  const { models, baseline, trials, concurrency, scoring, seed, isDrawn, timeoutMs } = flags;
  assertEquals(
    { models, baseline, trials, concurrency, scoring, seed, isDrawn, timeoutMs },
    {
      models: ["a", "b", "c"],
      baseline: "a",
      trials: 1,
      concurrency: 8,
      scoring: "extract",
      seed: 1,
      isDrawn: false,
      timeoutMs: 3_600_000,
    },
  );
  assertEquals(parseEvalFlags(["--help"]), undefined);
  assertEquals(
    parseEvalFlags(["--models=a", "--base-url=http://h/v1/chat/completions/"])!.baseUrl,
    "http://h/v1",
  );
});

Deno.test("flags that can't be are refused with a sentence", () => {
  const cases: [string[], string][] = [
    [[], "Which models?"],
    [["--models", ","], "Which models?"],
    [["--models", "a,a"], "twice"],
    [["--models", "a", "--models", "b"], "--models is given twice"],
    [["--models", "a", "--baseline", "b"], "--baseline must be one of --models"],
    [["--models", "a", "--trials", "0"], "--trials needs a whole number from 1"],
    [["--models", "a", "--limit", "1.5"], "--limit needs"],
    [["--models", "a", "--limit="], "--limit needs a value"],
    [["--models", "a", "--concurrency", "many"], "--concurrency needs"],
    [["--models", "a", "--scoring", "best"], "--scoring must be extract, exact, judge"],
    [["--models", "a", "--scoring", "judge"], "go together"],
    [["--models", "a", "--judge-model", "b"], "go together"],
    [["--models", "a", "--base-url", "ftp://x"], "--base-url expected a URL"],
    [["--models", "a", "--base-url", "demo:"], "leave it out"],
    [["--models", "a", "--port", "1"], "Unknown option --port"],
    [["--modles", "a"], "Unknown option --modles; did you mean --models?"],
    [["--models", "a", "more"], "Unexpected argument more"],
    [["--models", "a", "--api-key", "k"], "--api-key goes with --base-url"],
    [["--models", "a", "--base-url", "http://h/v1", "--config", "c"], "exclude each other"],
    [["--models", "a", "--out", "x", "--report", "./x"], "must be different files"],
    [["--models", "a", "--dataset", "d/../x", "--report", "x"], "must be different files"],
  ];
  for (const [args, message] of cases) {
    assertThrows(() => parseEvalFlags(args), FlagError, message);
  }
});

Deno.test("all faults of the flags are told at once", () => {
  const args = ["--bogus", "--models", "a,a", "--trials", "0", "--limit", "x", "--scoring", "best"];
  const { message } = assertThrows(() => parseEvalFlags(args), FlagError);
  assertEquals(message.split("\n"), [
    "Unknown option --bogus",
    "--models names a model twice",
    "--scoring must be extract, exact, judge, not 'best'",
    "--limit needs a whole number from 1 to 1000000, not 'x'",
    "--trials needs a whole number from 1 to 10000, not '0'",
  ]);
});
