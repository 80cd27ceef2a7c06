import { assert, assertEquals } from "@std/assert";
import { pieces, startUpstream } from "../../support/upstream.ts";
import { kindOf, kindsOf, messagesOf } from "../../support/kinds.ts";
import { scripted, THOUGHT } from "./setup/script.ts";
import { createStrategyApp } from "./setup/app.ts";

for (const strategy of ["think", "draft"] as const) {
  for (
    const [name, close] of [["think", "think"], ["Thinking", "thinking"], ["thought", "THOUGHT"], [
      "reasoning",
      "reasoning",
    ]]
  ) {
    Deno.test(`${strategy} separates <${name}> from the answer, wherever the text is cut`, async () => {
      const text = `\n<${name}>\nIs 1 < 2? </thin yes.</${close}>\n\nIt is <b>42</b>.`;
      for (let size = 1; size <= 9; size++) {
        await using upstream = startUpstream([{ content: pieces(text, size) }]);
        const { ask } = await createStrategyApp(upstream);
        const { content, reasoning } = await ask(strategy, { stream: true });
        assertEquals([content, reasoning], ["It is <b>42</b>.", "Is 1 < 2? </thin yes."]);
      }
      await using upstream = startUpstream([{ content: text }]);
      const { ask } = await createStrategyApp(upstream);
      const { content, reasoning } = await ask(strategy);
      assertEquals([content, reasoning], ["It is <b>42</b>.", "Is 1 < 2? </thin yes."]);
    });
  }

  Deno.test(`${strategy} takes a text without tags as the answer`, async () => {
    for (const text of ["It is 42.", "<thinner> is no tag", "It is <think>ing</think>", "<think"]) {
      for (const stream of [true, false]) {
        await using upstream = startUpstream([{ content: pieces(text, 2) }]);
        const { ask } = await createStrategyApp(upstream);
        const { content, reasoning, finish } = await ask(strategy, { stream });
        assertEquals([content, reasoning, finish], [text, "", "stop"]);
        assertEquals(upstream.calls.length, 1);
      }
    }
  });

  Deno.test(`${strategy} asks for the answer if the text ends inside the block`, async () => {
    for (const finish of ["stop", "length"]) {
      for (const stream of [true, false]) {
        await using upstream = startUpstream(scripted({
          replies: { [`${strategy}.think`]: { content: pieces(`<think>${THOUGHT}`), finish } },
        }));
        const { ask } = await createStrategyApp(upstream);
        const { content, reasoning, finish: end } = await ask(strategy, { stream });
        assertEquals([content, reasoning.trim(), end], ["It is 42.", THOUGHT, "stop"]);
        assertEquals(kindsOf(upstream), { [`${strategy}.think`]: 1, answer: 1 });
        const sent = messagesOf(upstream.calls[1]!).map(({ role }) => role);
        assertEquals(sent, ["user", "assistant", "user"]);
        assertEquals(messagesOf(upstream.calls[1]!)[1]!.content, THOUGHT);
      }
    }
  });

  Deno.test(`${strategy} asks for the answer if nothing follows the block`, async () => {
    await using upstream = startUpstream(scripted({
      replies: { [`${strategy}.think`]: { content: `<think>${THOUGHT}</think>` } },
    }));
    const { ask } = await createStrategyApp(upstream);
    const { content, reasoning } = await ask(strategy);
    assertEquals([content, reasoning.trim()], ["It is 42.", THOUGHT]);
    assertEquals(kindsOf(upstream), { [`${strategy}.think`]: 1, answer: 1 });
  });

  for (const field of ["reasoning_content", "reasoning"]) {
    Deno.test(`${strategy} passes on an upstream's own ${field}, and later sends no instructions`, async () => {
      for (const stream of [true, false]) {
        await using upstream = startUpstream([{
          reasoning: pieces(THOUGHT),
          reasoningField: field,
          content: pieces("It is 42."),
        }]);
        const { ask } = await createStrategyApp(upstream);
        for (let request = 0; request < 3; request++) {
          const { content, reasoning } = await ask(strategy, { stream });
          assertEquals([content, reasoning.trim()], ["It is 42.", THOUGHT]);
        }
        assertEquals(upstream.calls.map(kindOf), [`${strategy}.think`, "plain", "plain"]);
      }
    });
  }
}

Deno.test("a model that thinks in tags gets the instructions again", async () => {
  await using upstream = startUpstream(scripted());
  const { ask } = await createStrategyApp(upstream);
  for (let request = 0; request < 2; request++) await ask("think");
  assertEquals(kindsOf(upstream), { "think.think": 2 });
});

Deno.test("a model that began to think without a tag gets no instructions any more", async () => {
  await using upstream = startUpstream([
    { content: "It is 42." },
    { content: `${THOUGHT}</think>It is 42.` },
    { content: "It is 42." },
  ]);
  const { ask } = await createStrategyApp(upstream);
  for (let request = 0; request < 4; request++) await ask("think");
  assertEquals(upstream.calls.map(kindOf), ["think.think", "think.think", "plain", "plain"]);
});

Deno.test("draft asks for few words and gives examples", async () => {
  await using upstream = startUpstream(scripted());
  const { ask } = await createStrategyApp(upstream);
  await ask("draft");
  const [instructions] = messagesOf(upstream.calls[0]!);
  const text = String(instructions!.content);
  assert(/five words/.test(text));
  const examples = text.match(/^<think>.*<\/think>$/gm)!;
  assert(examples.length >= 2);
  for (const example of examples) {
    const drafts = example.replaceAll(/<.?think>/g, "").split(";");
    assert(drafts.every((draft) => draft.trim().split(/\s+/).length <= 6), example);
  }
});
