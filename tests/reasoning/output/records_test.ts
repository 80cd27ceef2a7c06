import { assertEquals } from "@std/assert";
import { createRecorder } from "../../../lib/reasoning/output/records.ts";
import { createFakeClock } from "../../support/clock.ts";

Deno.test("a run has at most 1,000 records", () => {
  const recorder = createRecorder(createFakeClock().clock, false);
  const run = {
    task: 1,
    name: "code",
    outcome: "ok",
    start: 0,
    arguments: "{}",
    output: "",
  } as const;
  const usage = { prompt_tokens: 1, completion_tokens: 1, estimated: false };
  for (let i = 0; i < 998; i++) recorder.tool(run);
  for (let i = 0; i < 3; i++) {
    recorder.tool(run);
    recorder.call(1, "answer", []).end("ok", usage);
  }
  assertEquals(
    recorder.take().slice(-3).map(({ type }) => type),
    ["tool", "tool", "call"],
  );
});
