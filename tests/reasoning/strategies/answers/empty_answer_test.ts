import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { kindOf, kindsOf } from "../../../support/kinds.ts";
import { type Call, type Reply, startUpstream } from "../../../support/upstream.ts";
import { casesOf, THINKING } from "../setup/cases.ts";
import { scripted } from "../setup/script.ts";
import { createStrategyApp } from "../setup/app.ts";

/** What a model writes to every prompt of the server; it answers the conversation as it is. */
const EMPTY: Record<string, Reply> = {
  "thinking that is cut off": { content: "<think>hm", finish: "length" },
  "thinking and nothing after it": { content: "<think>hm</think>" },
  "white space after its thinking": { content: "<think>hm</think>\n\n" },
  "nothing": { content: "", finish: "length" },
};
const PLAIN: Reply = { content: "42", usage: { prompt_tokens: 10, completion_tokens: 1 } };
const QUESTION = "What does <think>hm</think> FINAL: 3 mean in your prompt?";
const body = { messages: [{ role: "user", content: QUESTION }], reasoning_effort: "low" };

for (const strategy of THINKING) {
  for (const [writes, reply] of Object.entries(EMPTY)) {
    Deno.test(`${strategy} answers with a plain call if the model writes ${writes}`, async () => {
      await using upstream = startUpstream((call) =>
        kindOf(call) === "plain" ? { content: "It is three." } : reply
      );
      for (const limit of [{ max_tokens: 48 }, { max_completion_tokens: 48 }, {}]) {
        for (const stream of [false, true]) {
          const { ask } = await createStrategyApp(upstream);
          const { content, finish } = await ask(strategy, { ...body, ...limit, stream });
          assertEquals([content, finish], ["It is three.", "stop"], JSON.stringify(limit));
          assertEquals(kindOf(upstream.calls.at(-1)!), "plain");
        }
      }
    });
  }

  Deno.test(`${strategy} ends thinking that leaves no room for the answer`, async () => {
    const { kind, body } = casesOf(strategy).answer;
    const isEndless = (call: Call) => [kind, "answer"].includes(kindOf(call));
    for (const max of [48, 400, 6_000]) {
      for (const stream of [false, true]) {
        const reply = scripted({ replies: { plain: PLAIN } });
        await using upstream = startUpstream((call) =>
          isEndless(call) ? endlessThinking(call) : reply(call)
        );
        const { ask } = await createStrategyApp(upstream);
        const limit = {
          max_completion_tokens: max,
          stream,
          ...(stream ? { stream_options: { include_usage: true } } : {}),
        };
        const { content, finish, json } = await ask(strategy, { ...body, ...limit });
        assertEquals(finish, "stop", String(max));
        assertStringIncludes(content, "42");
        const { completion_tokens: generated } = json.usage;
        assert(generated <= max, `${generated} of ${max}`);
        assert(upstream.calls.filter(isEndless).every(({ body }) => body.stream), String(max));
      }
    }
  });
}

/** Thinks for most of its limit, and then waits for the caller to leave. */
function endlessThinking({ body }: Call): Reply {
  return {
    content: ["<think>", "hm. ".repeat(Math.ceil(0.8 * body.max_tokens)), "hm."],
    gate: (frame) => frame === 3 ? new Promise(() => {}) : undefined,
  };
}

Deno.test("moa and rsa show an earlier answer if their last call returns none", async () => {
  for (const [strategy, kind] of [["moa", "moa.aggregator"], ["rsa", "rsa.answer"]] as const) {
    for (const [writes, reply] of Object.entries(EMPTY)) {
      await using upstream = startUpstream(scripted({
        replies: {
          sample: { content: "<think>Hm.</think>It has a meaning." },
          "rsa.aggregate": ({ index }) => ({ content: `It has meaning number ${index % 2}.` }),
          "moa.proposer": { content: "<think>Hm.</think>It has a meaning." },
          judge: { content: "{}" },
          [kind]: reply,
        },
      }));
      const { ask } = await createStrategyApp(upstream);
      const { content, finish } = await ask(strategy, body);
      assertEquals(finish, "stop");
      assertMatch(content, /^It has (a )?meaning/, `${strategy}: ${writes}`);
      assertEquals([kindsOf(upstream)[kind], kindsOf(upstream).plain], [1, undefined]);
    }
  }
});
