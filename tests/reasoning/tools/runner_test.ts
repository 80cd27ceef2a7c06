import { assertEquals, assertRejects } from "@std/assert";
import type { ToolUseEvent } from "../../../lib/reasoning/events.ts";
import type { ToolRun } from "../../../lib/reasoning/observer.ts";
import { createToolRunner, type WholeRun } from "../../../lib/reasoning/tools/runner.ts";
import { createToolUseCounter } from "../../../lib/reasoning/tools/use_limits.ts";
import type { Tool, ToolResult } from "../../../lib/tools/tool.ts";
import { createFakeClock } from "../../support/clock.ts";

const content = [{ type: "text" as const, text: "42 €" }];

/** Runs one call of a tool that takes 1.5 s; returns all that was reported of it. */
async function runOnce(
  { json = "{}", signal = new AbortController().signal, result }: {
    json?: string;
    signal?: AbortSignal;
    result: (args: unknown) => ToolResult;
  },
) {
  const fake = createFakeClock();
  const events: ToolUseEvent[] = [];
  const runs: (ToolRun | WholeRun)[] = [];
  const tool: Tool = {
    name: "add",
    description: "Adds.",
    parameters: {},
    async run(args) {
      await fake.advance(1_500);
      return result(args);
    },
  };
  await fake.advance(1_000);
  const run = createToolRunner({
    clock: fake.clock,
    toolUses: createToolUseCounter(),
    onToolUse: (event) => events.push(event),
    observer: { tool: (run) => runs.push(run) },
    recorder: { tool: (run) => runs.push(run) },
  });
  const outcome = run(tool, { arguments: json }, signal, 7);
  await outcome.catch(() => {});
  return { outcome, events, runs };
}

const CASES = [
  {
    what: "succeeds",
    result: () => ({ content }),
    text: "42 €",
    bytes: 6,
    outcome: "ok",
  },
  {
    what: "returns an error",
    result: () => ({ content, isError: true }),
    text: "42 €",
    bytes: 6,
    outcome: "error",
  },
  {
    what: "throws",
    result() {
      throw new Error("a secret");
    },
    text: "The tool failed.",
    bytes: 16,
    outcome: "error",
  },
] as const;

for (const { what, result, text, bytes, outcome } of CASES) {
  Deno.test(`a tool that ${what} is reported with its time`, async () => {
    const { events, runs } = await runOnce({ json: '{"a":1}', result });
    assertEquals(events, [
      { type: "tool_start", id: "tool_1", name: "add", arguments: '{"a":1}' },
      { type: "tool_output", id: "tool_1", content: [{ type: "text", text }], isProgress: false },
      { type: "tool_end", id: "tool_1", name: "add", isError: outcome !== "ok", seconds: 1.5 },
    ]);
    assertEquals(runs, [
      { name: "add", ms: 1_500, bytes, outcome },
      { task: 7, name: "add", outcome, start: 1_000, arguments: '{"a":1}', output: text },
    ]);
  });
}

Deno.test("a tool of a run that is aborted ends without a result", async () => {
  const controller = new AbortController();
  const { outcome, events, runs } = await runOnce({
    signal: controller.signal,
    result() {
      controller.abort(new Error("gone"));
      return { content };
    },
  });
  await assertRejects(() => outcome, Error, "gone");
  assertEquals(events.map(({ type }) => type), ["tool_start", "tool_end"]);
  assertEquals(runs.map(({ outcome }) => outcome), ["cancelled", "cancelled"]);
});
