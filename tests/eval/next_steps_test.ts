import { assertEquals, assertMatch } from "@std/assert";
import { parseEvalFlags } from "../../lib/cli/eval.ts";
import { nextSteps } from "../../lib/eval/report/next_steps.ts";

const steps = (args: string[], asksDemo = false) =>
  nextSteps(parseEvalFlags(["--models", "a", ...args]), asksDemo);

Deno.test("a comparison of the demo model says that it only shows how eval works", () => {
  const [demo, own] = steps([], true);
  assertMatch(demo!, /^The demo model only shows how eval works/);
  assertMatch(own!, /--dataset questions\.jsonl/);
});

Deno.test("next steps depend on the problems and the report", () => {
  assertEquals(steps([]).length, 1);
  assertMatch(steps([])[0]!, /^The built-in problems are few and simple\./);
  assertMatch(steps(["--dataset", "d.jsonl"])[0]!, /add --report report\.html\.$/);
  assertEquals(steps(["--dataset", "d.jsonl", "--report", "r.html"]), []);
});
