/** What parallel calls have in common, which a provider's cache of prompts then reads once. */
import { assert, assertEquals } from "@std/assert";
import { startUpstream } from "../../../support/upstream.ts";
import { strategyOf, THINKING } from "../setup/cases.ts";
import { createStrategyApp } from "../setup/app.ts";

const CONVERSATION = [
  { role: "system", content: "Answer in one line." },
  { role: "user", content: [{ type: "text", text: "What is 2 * 3?" }] },
  { role: "assistant", content: "<think>Two threes.</think>6" },
  { role: "user", content: "What is 6 * 7?" },
];

const firstWaveOf = (name: string) => {
  const { firstWave, options } = strategyOf(name);
  return firstWave?.(options.parse({}) as never, "medium") ?? 0;
};

/** The second solver of `verify` is told to plan first, so that the two differ. */
const DIFFERING = ["verify"];

for (const name of THINKING.filter((name) => firstWaveOf(name) > 1 && !DIFFERING.includes(name))) {
  Deno.test(`the parallel prompts of ${name} are equal up to the last message`, async () => {
    const size = firstWaveOf(name);
    const gate = Promise.withResolvers<void>();
    await using upstream = startUpstream([{
      content: "I think.\nFINAL: 42",
      before: gate.promise,
    }]);
    const app = await createStrategyApp(upstream, { upstream: { use_n: false } });
    const answer = app.ask(name, { messages: CONVERSATION, reasoning_effort: "medium" });
    await upstream.called(size);
    const bodies = upstream.calls.map(({ body }) => body);
    gate.resolve();
    await answer;
    assertEquals(bodies.length, size);
    const prefixes = bodies.map(({ model, messages }) => {
      assert(messages.length >= CONVERSATION.length);
      return JSON.stringify([model, messages.slice(0, -1)]);
    });
    assertEquals(new Set(prefixes).size, 1);
    // Nothing that differs comes before them.
    for (const body of bodies) assertEquals(Object.keys(body).slice(0, 2), ["model", "messages"]);
  });
}
