import { assert, assertEquals } from "@std/assert";
import { textOf } from "../../../support/kinds.ts";
import { type Call, startUpstream } from "../../../support/upstream.ts";
import { STRATEGIES } from "../setup/cases.ts";
import { createStrategyApp } from "../setup/app.ts";

/** About 56,000 tokens. */
const LONG = "It is 42, since six sevens are 42.\n".repeat(6_400);

/** Ignores every limit of tokens, also with several samples in one call. */
function endless({ body: { n = 1, stream } }: Call) {
  if (!stream) return { content: LONG };
  const pieces = LONG.match(/[^]{1,16000}/g)!;
  const frames = pieces.flatMap((content) =>
    Array.from({ length: n }, (_, index) => ({ choices: [{ index, delta: { content } }] }))
  );
  const end = Array.from({ length: n }, (_, index) => ({
    choices: [{ index, delta: {}, finish_reason: "stop" }],
  }));
  return { frames: [...frames, ...end] };
}

for (const strategy of STRATEGIES) {
  for (const samples of [false, true]) {
    Deno.test(`${strategy} answers if the upstream ignores limits (several samples in a call: ${samples})`, async () => {
      for (const stream of [false, true]) {
        await using upstream = startUpstream(endless, { samples });
        const { ask } = await createStrategyApp(upstream);
        const { status, content, finish } = await ask(strategy, { stream });
        assertEquals(status, 200);
        assert(content.length > 50_000, `${content.length} characters`);
        assert(["stop", "length"].includes(finish), finish);
      }
    });
  }
}

Deno.test("candidates that are too long are shortened evenly", async () => {
  await using upstream = startUpstream(endless);
  const { ask } = await createStrategyApp(upstream);
  await ask("moa");
  const lengths = textOf(upstream.calls.at(-1)!).split(/^\[[A-D]\]$/m).slice(1)
    .map((text) => Math.round(text.length / 1_000));
  assertEquals(lengths, [40, 40, 40, 40]);
});
