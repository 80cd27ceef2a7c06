import { assert, assertEquals } from "@std/assert";
import { kindOf } from "../../../support/kinds.ts";
import { type Call, type Reply, startUpstream } from "../../../support/upstream.ts";
import { casesOf, STRATEGIES, type Way } from "../setup/cases.ts";
import { allDiffer, FORMAT, scripted, TOOLS } from "../setup/script.ts";
import { createStrategyApp } from "../setup/app.ts";

const unreadable = { content: "Foxes are red." };

/** Requests that need a call for the answer. */
const WAYS: readonly Way[] = [
  { body: { tools: TOOLS } },
  { body: { response_format: FORMAT }, script: { answer: allDiffer } },
  {
    body: { tools: TOOLS },
    script: { replies: { sample: unreadable, "verify.planner": unreadable } },
  },
];

/** Answers the client's conversation as it is, and nothing else. */
const onlyPlainly = (call: Call): Reply =>
  kindOf(call) === "plain"
    ? { content: "It is 42.", reasoning: "Hm." }
    : { content: "<think>Hm.</think>" };

for (const strategy of STRATEGIES) {
  Deno.test(`the steps of ${strategy} are numbered without gaps`, async () => {
    const more = () => ({ reasoning: "Hm." });
    const requests = [
      ...[...WAYS, casesOf(strategy).answer]
        .map(({ body, script }) => ({ body, reply: scripted({ ...script, more }) })),
      { body: {}, reply: onlyPlainly },
    ];
    for (const { body, reply } of requests) {
      await using upstream = startUpstream(reply);
      const { ask } = await createStrategyApp(upstream);
      const { chunks } = await ask(strategy, {
        ...body,
        stream: true,
        reasoning: { events: true },
      });
      const events = chunks.flatMap(({ o1 }) => o1 ?? []);
      const numbersOf = (wanted: string) =>
        events.filter(({ type }) => type === wanted).map(({ index }) => index);
      const begun = numbersOf("step_start");
      assert(begun.length > 0);
      assertEquals(begun, begun.map((_, index) => index + 1), JSON.stringify(body));
      assertEquals(numbersOf("step_end"), begun);
    }
  });
}
