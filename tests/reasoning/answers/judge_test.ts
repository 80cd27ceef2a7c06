import { assertEquals } from "@std/assert";
import { readVerdict } from "../../../lib/reasoning/answers/judge.ts";
import { kindOf, kindsOf, messagesOf } from "../../support/kinds.ts";
import { type Call, type Reply, startUpstream } from "../../support/upstream.ts";
import { scripted } from "../strategies/script.ts";
import { createStrategyApp } from "../strategies/setup.ts";

const FIXTURE = new URL("../../fixtures/verdicts.jsonl", import.meta.url);

Deno.test("verdicts of a real model are read as a person reads them", async () => {
  const lines = (await Deno.readTextFile(FIXTURE)).trim().split("\n");
  for (const line of lines) {
    const { text, verdict } = JSON.parse(line);
    assertEquals(readVerdict(text), verdict, text);
  }
  assertEquals(lines.length, 20);
});

for (
  const [text, verdict] of [
    ['{"better":"candidate_2"}', -1],
    ["**candidate_1**", 1],
    ["Candidate_1 is right: 9 + 6 = 15.", 1],
    ["candidate_1, because candidate_2 is wrong", 0],
    ["A week indeed has ten days.", 0],
    ["[A] No. The answer is: [C]", 0],
    ["candidate_12", 0],
    ["1", 0],
    ["", 0],
  ] as const
) {
  Deno.test(`the verdict '${text}' is ${verdict}`, () => assertEquals(readVerdict(text), verdict));
}

/** Prefers the candidate with this answer; without it in a pair, gives no verdict. */
function prefers(answer: number): (call: Call) => Reply {
  return (call) => {
    const shown = String(messagesOf(call).at(-1)!.content);
    const name = new RegExp(`<(candidate_[12])>\\n(?:(?!</).)*It is ${answer}\\.`, "s").exec(shown);
    return { content: JSON.stringify({ better: name?.[1] ?? "none" }) };
  };
}

for (
  const [name, answers, preferred, winner] of [
    ["decide between answers with as many votes", [1, 2, 1, 2, 3, 4], 2, 2],
    ["reverse a lead of one vote", [1, 2, 3, 1, 2, 3, 1, 4], 2, 2],
    ["do not reverse a lead of two votes", [1, 1, 1, 2, 3, 4, 5, 6], 2, 1],
    ["do not reverse a majority", [1, 1, 1, 2], 2, 1],
    ["decide among answers without a second vote", [1, 2, 3, 4], 3, 3],
  ] as const
) {
  Deno.test(`verdicts ${name}`, async () => {
    await using upstream = startUpstream(scripted({
      answer: ({ index }) => answers[index]!,
      replies: { "vote.judge": prefers(preferred) },
    }));
    // One at a time, so that each sample gets its answer.
    const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
    const { content } = await ask("vote", { reasoning: { max_samples: answers.length } });
    assertEquals(content, `It is ${winner}.`);
  });
}

Deno.test("a judge compares four of many candidates, in six calls", async () => {
  await using upstream = startUpstream(scripted({
    answer: ({ index }) => 100 + index,
    replies: { "vote.judge": (call) => prefers(Math.max(...idsIn(call)))(call) },
  }));
  const { ask } = await createStrategyApp(upstream);
  await ask("vote", { reasoning_effort: "high" });
  assertEquals(kindsOf(upstream), { sample: 16, "vote.judge": 6 });
});

function idsIn(call: Call): number[] {
  return String(messagesOf(call).at(-1)!.content).match(/\d{3}/g)!.map(Number);
}

Deno.test("a judge sees the start and the end of long candidates", async () => {
  const long = (answer: number) => `${"😀 so ".repeat(4_000)}It is ${answer}.`;
  await using upstream = startUpstream(scripted({
    replies: {
      sample: ({ index }) => ({ content: long(100 + index % 4) }),
      "vote.judge": prefers(102),
    },
  }));
  const { ask } = await createStrategyApp(upstream);
  const { content } = await ask("vote", { reasoning_effort: "low" });
  assertEquals(content, long(102));
  for (const call of upstream.calls.filter((call) => kindOf(call) === "vote.judge")) {
    const shown = String(messagesOf(call).at(-1)!.content);
    assertEquals([shown.length < 13_000, shown.isWellFormed()], [true, true]);
  }
});
