import { assertEquals } from "@std/assert";
import { createBallot, type Voter } from "../../../lib/reasoning/answers/vote_decision.ts";
import { startUpstream } from "../../support/upstream.ts";
import { codeCall, createToolApp, resultsOf, threads } from "./setup.ts";

Deno.test("a vote counts twice if, and only if, code has computed its answer", () => {
  const ballot = createBallot<Voter>();
  ballot.add({ cut: false }, "41");
  ballot.add({ cut: false, computed: ["7", "42.0"] }, "42");
  ballot.add({ cut: false, computed: ["44"] }, "43");
  ballot.add({ cut: false, computed: [] }, "42");
  assertEquals(
    ballot.ranking().map(({ answer, votes }) => [answer, votes]),
    [["42", 3], ["41", 1], ["43", 1]],
  );
});

/** Each sample answers differently; the one that computes is the `computing`th. */
const scripted = (computing: number) => {
  let samples = 0;
  return startUpstream((call) => {
    const texts = JSON.stringify(call.body.messages);
    // A judge that prefers a place, and a verifier that prefers another answer.
    if (texts.includes("candidate answers")) return { content: '{"better": "A"}' };
    if (texts.includes("Check the solution")) {
      return { content: "ERROR: NONE\nVERDICT: CORRECT\nFINAL: 41" };
    }
    if (resultsOf(call).length > 0) return { content: "It is 42.\nFINAL: 42" };
    const nth = ++samples;
    return nth === computing ? codeCall("40 + 2") : { content: `FINAL: ${40 + nth}` };
  });
};

for (
  const [strategy, options] of [
    ["vote", { wave: 3, max_samples: 3 }],
    ["verify", { max_solvers: 2 }],
  ] as const
) {
  Deno.test({
    name: `${strategy} prefers an answer that code has computed`,
    ...threads,
    async fn() {
      for (const computing of [1, 2]) {
        await using upstream = scripted(computing);
        await using app = await createToolApp(upstream);
        const more = { model: strategy, reasoning: options };
        const messages = [{ role: "user", content: "How many are there?" }];
        const body = await (await app.chat({ messages, ...more })).json();
        assertEquals(/\d+/.exec(body.choices[0].message.content)?.[0], "42");
      }
    },
  });
}
