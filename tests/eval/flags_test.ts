import { assertEquals, assertThrows } from "@std/assert";
import { parseEvalFlags } from "../../lib/cli/eval.ts";
import { UsageError } from "../../lib/cli/flags.ts";

Deno.test("flags have defaults, and the baseline defaults to the first model", () => {
  const flags = parseEvalFlags(["--models", "a, b,c"]);
  const { models, baseline, trials, concurrency, scoring, seed, isSampled, timeoutMs } = flags;
  assertEquals(
    { models, baseline, trials, concurrency, scoring, seed, isSampled, timeoutMs },
    {
      models: ["a", "b", "c"],
      baseline: "a",
      trials: 1,
      concurrency: 8,
      scoring: "extract",
      seed: 1,
      isSampled: false,
      timeoutMs: 3_600_000,
    },
  );
  assertEquals(
    parseEvalFlags(["--models=a", "--url=http://h/v1/chat/completions/"]).baseUrl,
    "http://h/v1",
  );
});

Deno.test("invalid flags are rejected with a message", () => {
  const cases: [string[], string][] = [
    [[], "--models ID,ID,… is required"],
    [["--models", ","], "--models ID,ID,… is required"],
    [["--models", "a,a"], "twice"],
    [["--models", "a", "--models", "b"], "--models is given more than once"],
    [["--models", "a", "--baseline", "b"], "--baseline must be one of --models"],
    [["--models", "a", "--trials", "0"], "--trials must be an integer from 1"],
    [["--models", "a", "--limit", "1.5"], "--limit must be"],
    [["--models", "a", "--limit="], "--limit needs a value"],
    [["--models", "a", "--concurrency", "many"], "--concurrency must be"],
    [["--models", "a", "--scoring", "best"], "--scoring must be one of extract, exact, judge"],
    [["--models", "a", "--scoring", "judge"], "require each other"],
    [["--models", "a", "--judge-model", "b"], "require each other"],
    [["--models", "a", "--url", "ftp://x"], "--url expected a URL"],
    [["--models", "a", "--url", "demo:"], "omit it"],
    [["--models", "a", "--port", "1"], "Unknown option --port"],
    [["--modles", "a"], "Unknown option --modles; did you mean --models?"],
    [["--models", "a", "more"], "Unexpected argument 'more'"],
    [["--models", "a", "--key", "k"], "--key requires --url"],
    [["--models", "a", "--url", "http://h/v1", "--config", "c"], "can't be combined"],
    [["--models", "a", "--out", "x", "--report", "./x"], "must be different files"],
    [["--models", "a", "--dataset", "d/../x", "--report", "x"], "must be different files"],
  ];
  for (const [args, message] of cases) {
    assertThrows(() => parseEvalFlags(args), UsageError, message);
  }
});

Deno.test("all faults of the flags are reported at once", () => {
  const args = ["--bogus", "--models", "a,a", "--trials", "0", "--limit", "x", "--scoring", "best"];
  const { message } = assertThrows(() => parseEvalFlags(args), UsageError);
  assertEquals(message.split("\n"), [
    "Unknown option --bogus",
    "--models contains a model twice",
    "--scoring must be one of extract, exact, judge, not 'best'",
    "--limit must be an integer from 1 to 1000000, not 'x'",
    "--trials must be an integer from 1 to 10000, not '0'",
  ]);
});
