import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Chunk, readStream } from "../../../support/app.ts";
import { createFakeClock, passing } from "../../../support/clock.ts";
import { type Reply, startUpstream, step } from "../../../support/upstream.ts";
import { casesOf, STRATEGIES, THINKING } from "../setup/cases.ts";
import { kindOf } from "../../../support/kinds.ts";
import { allDiffer, FORMAT, scripted, TOOLS } from "../setup/script.ts";
import { createStrategyApp } from "../setup/app.ts";

/** The positions of reasoning and of content among the chunks. */
function places(chunks: readonly Chunk[]): { reasoning: number[]; content: number[] } {
  const positions = (...fields: string[]) =>
    chunks.flatMap((chunk, at) =>
      fields.some((field) => chunk.choices[0]?.delta[field]) ? [at] : []
    );
  return {
    reasoning: positions("reasoning_content", "reasoning"),
    content: positions("content", "tool_calls", "refusal"),
  };
}

for (const strategy of [...THINKING, "auto"]) {
  Deno.test(`${strategy} shows its thinking while every call is still running`, async () => {
    const gate = Promise.withResolvers<void>();
    const reply = scripted();
    await using upstream = startUpstream((call): Reply => {
      const { content } = reply(call);
      const text = String(content);
      return {
        content: [text.slice(0, 30), text.slice(30)],
        gate: (frame) => frame === 2 ? gate.promise : undefined,
      };
    });
    const { send } = await createStrategyApp(upstream);
    const stream = readStream(await send(strategy, { stream: true }));
    const early = await stream.until(({ reasoning }) => reasoning !== "");
    assertEquals([early.content, early.done], ["", false]);
    assertEquals(upstream.open, upstream.calls.length);
    gate.resolve();
    const whole = await stream.until(({ done }) => done);
    assert(whole.done && whole.content.includes("42"));
    assert(whole.reasoning.startsWith(early.reasoning));
  });
}

for (const strategy of STRATEGIES) {
  for (
    const [shape, body] of Object.entries({
      "a text": {},
      "tools": { tools: TOOLS },
      "a format": { response_format: FORMAT },
    })
  ) {
    Deno.test(`${strategy} never shows reasoning with or after ${shape}, with status lines or without`, async () => {
      for (const stream_status_feedback of [true, false]) {
        await using upstream = startUpstream(scripted({
          answer: allDiffer,
          refutes: () => true,
          // A reasoning model that goes on thinking aloud.
          more: ({ body }) =>
            body.tools
              ? { reasoning: "Tools?", toolCalls: [{ id: "c", name: "multiply", arguments: "{}" }] }
              : { reasoning: "Own thoughts." },
        }));
        const { ask } = await createStrategyApp(upstream, { config: { stream_status_feedback } });
        const { chunks, finish } = await ask(strategy, { stream: true, ...body });
        const { reasoning, content } = places(chunks);
        assert(content.length > 0 && finish !== "error");
        assert(reasoning.length > 0 && reasoning.at(-1)! < content[0]!, `${reasoning} ${content}`);
      }
    });
  }
}

for (const strategy of STRATEGIES) {
  const { kind, body } = casesOf(strategy).answer;
  Deno.test(`${strategy} shows its answer while the call that writes it is still running`, async () => {
    const gate = Promise.withResolvers<void>();
    const reply = scripted();
    await using upstream = startUpstream((call): Reply => {
      if (kindOf(call) !== kind) return reply(call);
      const thought = /\.think$/.test(kind) ? "<think>Hm.</think>" : "";
      return {
        content: [`${thought}It is `, "42."],
        gate: (frame) => frame === 2 ? gate.promise : undefined,
      };
    });
    const { send } = await createStrategyApp(upstream);
    const stream = readStream(await send(strategy, { ...body, stream: true }));
    const early = await stream.until(({ content }) => content !== "");
    assertEquals([early.content.trim(), early.done], ["It is", false]);
    assertEquals([upstream.open, kindOf(upstream.calls.at(-1)!)], [1, kind]);
    gate.resolve();
    const whole = await stream.until(({ done }) => done);
    assertEquals([whole.content, whole.done], ["It is 42.", true]);
  });
}

Deno.test("rsa shows the answer to an open question while it is written", async () => {
  const gate = Promise.withResolvers<void>();
  const reply = scripted({ answer: allDiffer });
  await using upstream = startUpstream((call): Reply =>
    kindOf(call) === "rsa.answer"
      ? {
        content: ["It is ", "42."],
        gate: (frame) => frame === 2 ? gate.promise : undefined,
      }
      : reply(call)
  );
  const { send } = await createStrategyApp(upstream);
  const stream = readStream(await send("rsa", { stream: true }));
  const early = await stream.until(({ content }) => content !== "");
  assertEquals([early.content, early.done, upstream.open], ["It is ", false, 1]);
  gate.resolve();
  assertEquals((await stream.until(({ done }) => done)).content, "It is 42.");
});

for (const strategy of STRATEGIES.filter((name) => casesOf(name).progress === "")) {
  Deno.test(`${strategy} shows no progress, with status lines or without`, async () => {
    await using upstream = startUpstream(
      scripted({ more: () => ({ reasoning: "Own thoughts." }) }),
    );
    const shown = async (stream_status_feedback: boolean, stream: boolean) => {
      const { ask } = await createStrategyApp(upstream, { config: { stream_status_feedback } });
      return (await ask(strategy, { stream })).reasoning.trim();
    };
    for (const stream of [true, false]) {
      const quiet = await shown(false, stream);
      assert(quiet.startsWith("Own thoughts."));
      assertEquals(await shown(true, stream), quiet);
    }
  });
}

Deno.test("steps shows its total thinking time if status lines are on, and only then", async () => {
  await using upstream = startUpstream(scripted());
  const line = /^Total thinking time: \d+\.\d\d seconds$/m;
  for (const stream_status_feedback of [true, false]) {
    const { ask } = await createStrategyApp(upstream, { config: { stream_status_feedback } });
    const { content, reasoning } = await ask("steps", { stream: true });
    assertEquals([line.test(reasoning), line.test(content)], [stream_status_feedback, false]);
  }
});

Deno.test("the time of a step begins after the model's own reasoning, which is a step of its own", async () => {
  const time = createFakeClock();
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const text = step("Multiply", "Six sevens are 42.", "final_answer");
  const at = text.indexOf("sevens");
  const reply: Reply = {
    reasoning: "Own thoughts.",
    content: [text.slice(0, at), text.slice(at)],
    gate: (frame) => gates[frame - 2]?.promise,
  };
  await using upstream = startUpstream(scripted({ replies: { "steps.step": reply } }));
  const { send } = await createStrategyApp(upstream, {
    clock: time.clock,
    config: { stream_status_feedback: true },
  });
  const stream = readStream(await send("steps", { stream: true }));
  await stream.until(({ reasoning }) => reasoning.includes("Own"));
  await time.advance(2_000);
  gates[0]!.resolve();
  await stream.until(({ reasoning }) => reasoning.includes("Multiply"));
  await time.advance(3_000);
  gates[1]!.resolve();
  const { reasoning } = await passing(time, stream.until(({ done }) => done), 1);
  const total = Number(/Total thinking time: (\S+) seconds/.exec(reasoning)?.[1]);
  assert(total >= 5 && total < 6, `${total} s`);
});

for (const strategy of STRATEGIES.filter((name) => casesOf(name).progress)) {
  Deno.test(`${strategy} shows its progress if status lines are on, and only then`, async () => {
    const line = casesOf(strategy).progress!;
    await using upstream = startUpstream(scripted());
    for (const stream of [true, false]) {
      const on = await createStrategyApp(upstream, { config: { stream_status_feedback: true } });
      const shown = await on.ask(strategy, { stream });
      assertStringIncludes(shown.reasoning, line);
      assert(!shown.content.includes(line));
      const off = await createStrategyApp(upstream);
      assert(!(await off.ask(strategy, { stream })).reasoning.includes(line));
    }
  });
}

Deno.test("verify shows what its verifiers found", async () => {
  await using upstream = startUpstream(scripted({ answer: allDiffer, refutes: () => true }));
  const { ask } = await createStrategyApp(upstream, {
    config: { stream_status_feedback: true },
    upstream: { max_concurrency: 1 },
  });
  const { reasoning } = await ask("verify", { stream: true });
  const lines = reasoning.split("\n").filter((line) => /^Answer|repair|tries/.test(line));
  assertEquals(lines, [
    "The solvers differ; one more tries.",
    "Answer 100: an error was quoted.",
    "Answer 101: an error was quoted.",
    "Answer 102: an error was quoted.",
    "Every answer is refuted; one repair.",
  ]);
});

Deno.test("the status lines of other samples wait until the live sample is over", async () => {
  const gate = Promise.withResolvers<void>();
  const reply = scripted();
  await using upstream = startUpstream((call): Reply => {
    const text = String(reply(call).content);
    return call.index === 0
      ? {
        content: [text.slice(0, 20), text.slice(20)],
        gate: (frame) => frame === 2 ? gate.promise : undefined,
      }
      : { content: text, gate: (frame) => void (frame === 3 && others()) };
  });
  let left = 3;
  const others = () => --left === 0 && gate.resolve();
  const { ask } = await createStrategyApp(upstream, {
    config: { stream_status_feedback: true },
  });
  const { reasoning } = await ask("moa", { stream: true });
  assertEquals(upstream.calls.filter((call) => kindOf(call) === "moa.proposer").length, 4);
  const [thought, line] = reasoning.trim().split("\n\n").slice(-2);
  assert(thought!.includes("It is 42."), reasoning);
  assertEquals(line, "4 of 4 answers are in.");
});
