import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { commonPrompts } from "../../../../lib/reasoning/prompts.ts";
import { readStream } from "../../../support/app.ts";
import { type Call, type Reply, startUpstream } from "../../../support/upstream.ts";
import { casesOf, STRATEGIES, strategyOf, THINKING } from "../setup/cases.ts";
import { kindOf, kindsOf, messagesOf, textOf } from "../../../support/kinds.ts";
import {
  allDiffer,
  endless,
  FORMAT,
  meeting,
  type Script,
  scripted,
  TOOLS,
  toSteps,
} from "../setup/script.ts";
import { createStrategyApp, QUESTION } from "../setup/app.ts";

const AGAIN = { role: "user", content: commonPrompts.reread.replace("{question}", QUESTION) };

/** Thinking that no other call repeats. */
const thought = ({ index }: Call) =>
  Array.from({ length: 9 }, (_, i) => `w${index}_${i}`).join(" ");
const thinks = (call: Call) => ({ content: `<think>${thought(call)}</think>It is ${call.index}.` });
const steps = (call: Call) => ({
  content: JSON.stringify({ title: "T", content: thought(call), next_action: "final_answer" }),
});

/** The strategies that can follow up and think in a text rather than in JSON. */
const FOLLOWING = THINKING.filter((name) => {
  const { followUps, thinkingFormat } = casesOf(name);
  return followUps !== undefined && thinkingFormat === undefined;
});
const thinkingKinds = FOLLOWING.map(casesOf).flatMap(({ followUps }) => [
  ...followUps!.first,
  followUps!.wait,
]);

/** A model whose thoughts all differ. */
const thoughtful = (script: Script = {}) =>
  scripted({
    ...script,
    replies: {
      ...Object.fromEntries(thinkingKinds.map((kind) => [kind, thinks])),
      ...toSteps(steps),
      "steps.wait": steps,
      ...script.replies,
    },
  });

for (const strategy of STRATEGIES) {
  Deno.test(`re2 repeats the question once, right after it, in every call of ${strategy}`, async () => {
    await using upstream = startUpstream(scripted({ answer: allDiffer, refutes: () => true }));
    const configured = await createStrategyApp(upstream, { model: { modifiers: { re2: true } } });
    const plain = await createStrategyApp(upstream);
    const repeats = async ({ ask }: typeof plain, body: Record<string, unknown>) => {
      upstream.calls.length = 0;
      assertEquals((await ask(strategy, { ...body, reasoning_effort: "medium" })).status, 200);
      return upstream.calls.map((call) => {
        const sent = messagesOf(call);
        const at = sent.findIndex(({ content }) => content === QUESTION);
        const again = sent.filter(({ content }) => content === AGAIN.content);
        assertEquals(again.length === 0 ? [] : [sent[at + 1]], again, kindOf(call));
        return again.length;
      });
    };
    assertEquals(new Set(await repeats(configured, {})), new Set([1]));
    assertEquals(new Set(await repeats(configured, { reasoning: { re2: false } })), new Set([0]));
    assertEquals(new Set(await repeats(plain, {})), new Set([0]));
    assertEquals(new Set(await repeats(plain, { reasoning: { re2: true } })), new Set([1]));
  });
}

Deno.test("re2 repeats the text of the question and leaves the conversation as it is", async () => {
  await using upstream = startUpstream(scripted());
  const { ask } = await createStrategyApp(upstream, { model: { modifiers: { re2: true } } });
  const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
  const asked = { role: "user", content: [{ type: "text", text: "How many?" }, image] };
  const call = { id: "c1", type: "function", function: { name: "count", arguments: "{}" } };
  const turn = [
    { role: "assistant", content: null, tool_calls: [call] },
    { role: "tool", tool_call_id: "c1", content: "42" },
  ];
  const again = { role: "user", content: "Read the question again: How many?\n" };
  await ask("direct", { messages: [asked, ...turn] });
  assertEquals(messagesOf(upstream.calls[0]!), [asked, again, ...turn]);
  await ask("direct", { messages: [{ role: "user", content: [image] }] });
  assertEquals(messagesOf(upstream.calls[1]!), [{ role: "user", content: [image] }]);
});

Deno.test("a request that needs no thinking is neither repeated nor followed up", async () => {
  await using upstream = startUpstream(scripted());
  const { ask } = await createStrategyApp(upstream, {
    config: {
      models: {
        m: {
          strategy: "think",
          upstream: "scripted",
          model: "s",
          modifiers: { re2: true, wait: 1 },
        },
      },
    },
  });
  const title = [{ role: "user", content: "### Task: give a title" }];
  for (const body of [{ messages: title }, { reasoning_effort: "none" }]) {
    upstream.calls.length = 0;
    await ask("m", body);
    assertEquals(upstream.calls.map((call) => messagesOf(call).length), [1]);
  }
});

Deno.test("the prompt of re2 can be replaced, and placeholders in the question stay as they are", async () => {
  await using upstream = startUpstream(scripted());
  const model = { modifiers: { re2: true }, prompts: { reread: "Once more: {question}" } };
  const { ask } = await createStrategyApp(upstream, { model });
  await ask("direct", { messages: [{ role: "user", content: "$& {question}" }] });
  assertEquals(messagesOf(upstream.calls[0]!).at(-1)!.content, "Once more: $& {question}");
});

for (const strategy of THINKING) {
  if (strategyOf(strategy).followUps === undefined) {
    Deno.test(`${strategy} rejects follow-ups`, async () => {
      await using upstream = startUpstream(scripted());
      const { ask } = await createStrategyApp(upstream);
      const { status, json } = await ask(strategy, { reasoning: { wait: 1 } });
      assertEquals([status, json.error.param], [400, "reasoning.wait"]);
      assertStringIncludes(json.error.message, strategy);
      assertEquals((await ask(strategy, { reasoning: { wait: 0 } })).status, 200);
    });
    continue;
  }
  const { followUps } = casesOf(strategy);
  if (followUps === undefined) {
    throw new Error(`The cases of '${strategy}' lack \`followUps\`, which the strategy supports.`);
  }
  const { first, wait, last } = followUps;

  for (const stream of [true, false]) {
    Deno.test(`${strategy} follows up as often as requested, and answers once (stream: ${stream})`, async () => {
      for (let times = 0; times <= 3; times++) {
        await using upstream = startUpstream(thoughtful());
        const modifiers = { wait: times };
        const models = { m: { strategy, upstream: "scripted", model: "s", modifiers } };
        const configured = await createStrategyApp(upstream, { config: { models } });
        const requested = await createStrategyApp(upstream);
        for (
          const answer of [
            () => configured.ask("m", { stream }),
            () => requested.ask(strategy, { stream, reasoning: { wait: times } }),
          ]
        ) {
          upstream.calls.length = 0;
          const { content, reasoning, finish } = await answer();
          // Without follow-ups one call thinks and answers.
          const isOne = times === 0 && last === "answer";
          const expected = isOne ? first : [...first, ...Array(times).fill(wait), last];
          assertEquals(upstream.calls.map(kindOf), expected);
          assertEquals([content, finish], [isOne ? "It is 0." : "It is 42.", "stop"]);
          for (const call of isOne ? upstream.calls : upstream.calls.slice(0, -1)) {
            assertStringIncludes(reasoning, thought(call));
            assert(!content.includes(thought(call)));
          }
        }
      }
    });
  }

  Deno.test(`the follow-ups of ${strategy} see all earlier thinking, and so does the answer`, async () => {
    await using upstream = startUpstream(thoughtful());
    const { ask } = await createStrategyApp(upstream);
    await ask(strategy, { reasoning: { wait: 2 } });
    const sent = upstream.calls.map(messagesOf);
    for (let at = first.length; at < sent.length - 1; at++) {
      // For prompt caches the conversation only grows at its end.
      assertEquals(sent[at]!.slice(0, sent[at - 1]!.length), sent[at - 1]);
      const [thinking, ask] = sent[at]!.slice(-2);
      assertEquals([thinking!.role, ask!.role], ["assistant", "user"]);
      assertStringIncludes(String(thinking!.content), thought(upstream.calls[at - 1]!));
    }
    const final = textOf(upstream.calls.at(-1)!);
    for (const call of upstream.calls.slice(0, -1)) assertStringIncludes(final, thought(call));
  });

  Deno.test(`the follow-ups of ${strategy} end when caps or budget are reached`, async () => {
    for (let calls = 1; calls <= 9; calls++) {
      await using upstream = startUpstream(thoughtful());
      const { ask } = await createStrategyApp(upstream, { model: { caps: { calls } } });
      const { status } = await ask(strategy, { reasoning: { wait: 3 } });
      assertEquals(status, 200);
      assert(upstream.calls.length <= calls, `${upstream.calls.length} of ${calls}`);
      const waits = kindsOf(upstream)[wait] ?? 0;
      assertEquals(waits, Math.max(0, Math.min(3, calls - first.length - 1)));
    }
    for (const max of [40, 400, 4_000]) {
      const greedy = ({ body }: Call): Reply => ({
        usage: { prompt_tokens: 10, completion_tokens: body.max_tokens },
      });
      await using upstream = startUpstream(thoughtful({ more: greedy }));
      const { ask } = await createStrategyApp(upstream);
      const body = { max_completion_tokens: max, reasoning: { wait: 3 } };
      const { status, json } = await ask(strategy, body);
      assertEquals(status, 200);
      assert(json.usage.completion_tokens <= max, `${json.usage.completion_tokens} of ${max}`);
    }
  });

  Deno.test(`the follow-ups of ${strategy} get a description of the tools, and the answer gets the tools`, async () => {
    await using upstream = startUpstream(thoughtful());
    const { ask } = await createStrategyApp(upstream);
    for (const body of [{ tools: TOOLS }, { tools: TOOLS, response_format: FORMAT }]) {
      upstream.calls.length = 0;
      await ask(strategy, { ...body, reasoning: { wait: 1 } });
      assertEquals(kindOf(upstream.calls.at(-1)!), last);
      for (const call of upstream.calls) {
        const isLast = call === upstream.calls.at(-1);
        assertEquals(call.body.tools, isLast ? TOOLS : undefined);
        if (!isLast) assertStringIncludes(textOf(call), "- multiply: Multiplies.");
      }
    }
  });

  Deno.test(`a follow-up of ${strategy} that repeats earlier thinking is the last`, async () => {
    const repeated = {
      title: "T",
      content: "The same words as before.",
      next_action: "final_answer",
    };
    const same = { content: "<think>The same words as before.</think>" };
    await using upstream = startUpstream(thoughtful({
      replies: {
        wait: same,
        "draft.wait": same,
        "steps.wait": { content: JSON.stringify(repeated) },
      },
    }));
    const { ask } = await createStrategyApp(upstream);
    await ask(strategy, { reasoning: { wait: 5 } });
    assertEquals(kindsOf(upstream)[wait], 2);
  });

  for (const stream of [true, false]) {
    Deno.test(`a client that disconnects while ${strategy} follows up aborts the call (stream: ${stream})`, async () => {
      const { all, arrive } = meeting(1);
      const reply = thoughtful();
      await using upstream = startUpstream((call) => {
        if (kindOf(call) !== wait) return reply(call);
        arrive();
        return endless(call);
      });
      const { send } = await createStrategyApp(upstream);
      const body = { stream, reasoning: { wait: 1 } };
      if (stream) {
        const reader = readStream(await send(strategy, body));
        const reading = reader.until(() => false);
        await all;
        await reader.cancel();
        await reading;
      } else {
        const client = new AbortController();
        const answer = send(strategy, {}, {
          signal: client.signal,
          body: JSON.stringify({
            model: strategy,
            messages: [{ role: "user", content: QUESTION }],
            ...body,
          }),
        });
        await all;
        client.abort();
        await (await answer).body?.cancel();
      }
      await upstream.calls.at(-1)!.left;
      assertEquals([upstream.calls.length, upstream.open], [first.length + 1, 0]);
    });
  }

  Deno.test(`the follow-ups of ${strategy} stream live, as separate steps, before the answer`, async () => {
    const gate = Promise.withResolvers<void>();
    const reply = thoughtful();
    await using upstream = startUpstream((call): Reply => {
      if (kindOf(call) !== wait) return reply(call);
      const text = String(reply(call).content);
      return {
        content: [text.slice(0, -30), text.slice(-30)],
        gate: (frame) => frame === 2 ? gate.promise : undefined,
      };
    });
    const { send } = await createStrategyApp(upstream);
    const reader = readStream(await send(strategy, { stream: true, reasoning: { wait: 1 } }));
    const begun = `w${first.length}_0`;
    const early = await reader.until(({ reasoning }) => reasoning.includes(begun));
    assertEquals([early.content, early.done], ["", false]);
    gate.resolve();
    const { chunks, content, reasoning, done } = await reader.until(({ done }) => done);
    assert(done);
    assertEquals(content, "It is 42.");
    assert(!reasoning.includes("It is 42."));
    const places = chunks.map(({ choices: [choice] }) => choice?.delta);
    const lastThought = places.findLastIndex((delta) => delta?.reasoning_content);
    assert(lastThought < places.findIndex((delta) => delta?.content));
  });
}

for (const strategy of FOLLOWING) {
  Deno.test(`the earlier thinking is kept if a follow-up of ${strategy} fails`, async () => {
    const { wait } = casesOf(strategy).followUps!;
    await using upstream = startUpstream(
      thoughtful({ replies: { [wait]: { status: 503, body: "{}" } } }),
    );
    const { ask } = await createStrategyApp(upstream);
    const { status, content } = await ask(strategy, { reasoning: { wait: 3 } });
    assertEquals([status, content, kindsOf(upstream)[wait]], [200, "It is 42.", 1]);
    assertStringIncludes(textOf(upstream.calls.at(-1)!), thought(upstream.calls[0]!));
  });
}

Deno.test("modifiers out of bounds are rejected", async () => {
  await using upstream = startUpstream(scripted());
  const { ask } = await createStrategyApp(upstream);
  for (const reasoning of [{ wait: -1 }, { wait: 65 }, { wait: 1.5 }, { wait: "1" }, { re2: 1 }]) {
    const { status, json } = await ask("think", { reasoning });
    assertEquals([status, json.error.param], [400, `reasoning.${Object.keys(reasoning)[0]}`]);
  }
  assertEquals(upstream.calls.length, 0);
});

Deno.test("auto follows up if it runs a strategy that supports it", async () => {
  await using upstream = startUpstream(thoughtful());
  const { ask } = await createStrategyApp(upstream);
  await ask("auto", { reasoning_effort: "low", reasoning: { wait: 1 } });
  assertEquals(upstream.calls.map(kindOf), ["think.think", "wait", "answer"]);
  upstream.calls.length = 0;
  assertEquals((await ask("auto", { reasoning: { wait: 1 } })).status, 200);
  assertEquals(kindsOf(upstream), { sample: 4 });
});
