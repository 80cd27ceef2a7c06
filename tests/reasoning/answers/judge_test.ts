import { assertEquals } from "@std/assert";
import { readVerdict } from "../../../lib/reasoning/answers/judge.ts";
import { kindOf, kindsOf, messagesOf, textOf } from "../../support/kinds.ts";
import { type Call, type Reply, startUpstream } from "../../support/upstream.ts";
import { type Script, scripted } from "../strategies/setup/script.ts";
import { createStrategyApp } from "../strategies/setup/app.ts";

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
const prefers = (answer: number) => prefersText(`It is ${answer}.`);

function prefersText(text: string): (call: Call) => Reply {
  return (call) => {
    const shown = String(messagesOf(call).at(-1)!.content);
    const name = new RegExp(`<(candidate_[12])>\\n(?:(?!</).)*${text.replace(".", "\\.")}`, "s")
      .exec(shown);
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
      replies: { judge: prefers(preferred) },
    }));
    // One at a time, so that each sample gets its answer.
    const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
    const { content } = await ask("vote", { reasoning: { max_samples: answers.length } });
    assertEquals(content, `It is ${winner}.`);
  });
}

for (const preferred of [1, 2]) {
  Deno.test(`a verdict for ${preferred} decides if that of the other order can't be read`, async () => {
    const answers = [1, 2, 1, 2, 3, 4];
    await using upstream = startUpstream(scripted({
      answer: ({ index }) => answers[index]!,
      replies: {
        judge: (call) => {
          const verdict = prefers(preferred)(call);
          return verdict.content!.includes("candidate_1") ? verdict : { content: "Well." };
        },
      },
    }));
    const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
    const { content } = await ask("vote", { reasoning: { max_samples: answers.length } });
    assertEquals(content, `It is ${preferred}.`);
  });
}

const ACCEPTED = { content: "ERROR: NONE\nVERDICT: CORRECT" };
const OVERLOADED = { status: 503, body: "{}" };
const TOO_LONG = {
  status: 400,
  body: JSON.stringify({ error: { code: "context_length_exceeded", message: "Too long." } }),
};
const FOXES = ["a red fox", "a fox", "one more fox"];
const UNREADABLE = ({ index }: Call): Reply => ({ content: FOXES[index]! });

/** What the judge prefers, what is shown, and the calls of the judge. */
const TIES: readonly {
  name: string;
  strategy: string;
  script: Script;
  preferred: string;
  shown: string;
  judged: number;
}[] = [
  {
    name: "verify: answers with as many votes that no verifier refutes",
    strategy: "verify",
    script: { answer: ({ index }) => index, replies: { "verify.verifier": ACCEPTED } },
    preferred: "It is 2.",
    shown: "It is 2.",
    judged: 4,
  },
  {
    name: "verify: no answers with fewer votes",
    strategy: "verify",
    script: { answer: ({ index }) => index < 3 ? index : 1 },
    preferred: "It is 2.",
    shown: "It is 1.",
    judged: 0,
  },
  {
    name: "verify: no answers that a verifier refutes",
    strategy: "verify",
    script: {
      answer: ({ index }) => index,
      replies: {
        "verify.verifier": (call) =>
          textOf(call).includes("It is 0.")
            ? { content: 'ERROR: "It is"\nVERDICT: WRONG' }
            : ACCEPTED,
      },
    },
    preferred: "It is 0.",
    shown: "It is 1.",
    judged: 2,
  },
  {
    name: "verify: solutions without a readable answer",
    strategy: "verify",
    script: { replies: { sample: UNREADABLE, "verify.planner": UNREADABLE } },
    preferred: "one more fox",
    shown: "one more fox",
    judged: 4,
  },
  {
    name: "rsa: answers with as many votes",
    strategy: "rsa",
    script: { answer: ({ index }) => index % 2 },
    preferred: "It is 1.",
    shown: "It is 1.",
    judged: 2,
  },
  {
    name: "rsa: no answers with fewer votes",
    strategy: "rsa",
    script: { answer: ({ index }) => index % 8 < 5 ? 0 : 1 },
    preferred: "It is 1.",
    shown: "It is 0.",
    judged: 0,
  },
  {
    name: "moa: candidates, if the aggregator fails",
    strategy: "moa",
    script: { answer: ({ index }) => index, replies: { "moa.aggregator": OVERLOADED } },
    preferred: "It is 2.",
    shown: "It is 2.",
    judged: 6,
  },
  {
    name: "moa: candidates, if they do not fit into the aggregator's context",
    strategy: "moa",
    script: { answer: ({ index }) => index, replies: { "moa.aggregator": TOO_LONG } },
    preferred: "It is 3.",
    shown: "It is 3.",
    judged: 6,
  },
  {
    name: "moa: no candidates after a timeout",
    strategy: "moa",
    script: {
      answer: ({ index }) => index,
      replies: { "moa.aggregator": { status: 504, body: "{}" } },
    },
    preferred: "It is 2.",
    shown: "It is 0.",
    judged: 0,
  },
  {
    name: "moa: no candidates if the aggregator answers",
    strategy: "moa",
    script: { answer: ({ index }) => index },
    preferred: "It is 2.",
    shown: "It is 4.",
    judged: 0,
  },
];

for (const { name, strategy, script, preferred, shown, judged } of TIES) {
  Deno.test(`a judge decides in ${name}`, async () => {
    const replies = { ...script.replies, judge: prefersText(preferred) };
    await using upstream = startUpstream(scripted({ ...script, replies }));
    const { ask } = await createStrategyApp(upstream, { upstream: { max_concurrency: 1 } });
    const { content } = await ask(strategy);
    assertEquals(content, shown);
    assertEquals(kindsOf(upstream).judge ?? 0, judged);
  });
}

Deno.test("a judge of ties asks nothing that exceeds the cap on calls", async () => {
  const script = { answer: ({ index }: Call) => index, replies: { "verify.verifier": ACCEPTED } };
  await using upstream = startUpstream(scripted(script));
  const options = { upstream: { max_concurrency: 1 }, model: { caps: { calls: 8 } } };
  const { ask } = await createStrategyApp(upstream, options);
  assertEquals((await ask("verify")).content, "It is 0.");
  assertEquals(kindsOf(upstream), { sample: 2, "verify.planner": 1, "verify.verifier": 3 });
});

Deno.test("a judge compares four of many candidates, in six calls", async () => {
  await using upstream = startUpstream(scripted({
    answer: ({ index }) => 100 + index,
    replies: { judge: (call) => prefers(Math.max(...idsIn(call)))(call) },
  }));
  const { ask } = await createStrategyApp(upstream);
  await ask("vote", { reasoning_effort: "high" });
  assertEquals(kindsOf(upstream), { sample: 16, judge: 6 });
});

function idsIn(call: Call): number[] {
  return String(messagesOf(call).at(-1)!.content).match(/\d{3}/g)!.map(Number);
}

Deno.test("a judge sees the start and the end of long candidates", async () => {
  const long = (answer: number) => `${"😀 so ".repeat(4_000)}It is ${answer}.`;
  await using upstream = startUpstream(scripted({
    replies: {
      sample: ({ index }) => ({ content: long(100 + index % 4) }),
      judge: prefers(102),
    },
  }));
  const { ask } = await createStrategyApp(upstream);
  const { content } = await ask("vote", { reasoning_effort: "low" });
  assertEquals(content, long(102));
  for (const call of upstream.calls.filter((call) => kindOf(call) === "judge")) {
    const shown = String(messagesOf(call).at(-1)!.content);
    assertEquals([shown.length < 13_000, shown.isWellFormed()], [true, true]);
  }
});
