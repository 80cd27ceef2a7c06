import { assert, assertEquals } from "@std/assert";
import { kindOf } from "../../../support/kinds.ts";
import { startUpstream } from "../../../support/upstream.ts";
import { THINKING } from "../setup/cases.ts";
import { scripted, toSteps } from "../setup/script.ts";
import { createStrategyApp } from "../setup/app.ts";

for (const strategy of THINKING) {
  Deno.test(`every hidden call of ${strategy} has a token limit, even if the client sets none`, async () => {
    await using upstream = startUpstream(scripted());
    const { ask } = await createStrategyApp(upstream);
    await ask(strategy, { reasoning_effort: "high" });
    const limits = upstream.calls.map(({ body }) => body.max_tokens);
    // The answer is as long as the model makes it.
    const hidden = ["vote", "verify", "auto"].includes(strategy) ? limits : limits.slice(0, -1);
    for (const limit of hidden) assert(limit <= 8_192, `${strategy}: ${limits}`);
  });
}

Deno.test("a model that reasons, even without showing it, gets a higher limit", async () => {
  const replies = [{ content: "", finish: "length" }, { reasoning: "Hm.", content: "" }];
  for (const first of replies) {
    await using upstream = startUpstream(scripted({ replies: toSteps(first) }));
    const { ask } = await createStrategyApp(upstream);
    await ask("steps", { reasoning: { max_steps: 2 } });
    await ask("steps", { reasoning: { max_steps: 1 } });
    const sent = upstream.calls.filter((call) => kindOf(call) === "steps.step");
    assertEquals([sent[0]!.body.max_tokens, sent.at(-1)!.body.max_tokens], [2_048, 32_768]);
  }
});
