import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startUpstream } from "../../../support/upstream.ts";
import { casesOf, STRATEGIES, strategyOf, THINKING } from "../setup/cases.ts";
import { kindOf, kindsOf, messagesOf, textOf } from "../../../support/kinds.ts";
import { FORMAT, scripted, TOOLS } from "../setup/script.ts";
import { createStrategyApp } from "../setup/app.ts";
import { runAll } from "../setup/ways.ts";

/** Whether a role is no name for several numbered roles. */
const isSingle = (role: string, _index: number, roles: readonly string[]) =>
  !roles.includes(`${role}_1`);

for (const strategy of THINKING) {
  Deno.test(`every prompt of ${strategy} can be replaced in the config`, async () => {
    const names = Object.keys(strategyOf(strategy).prompts);
    const prompts = Object.fromEntries(
      names.map((name) => [name, `${strategyOf(strategy).prompts[name]}\n[own ${name}]`]),
    );
    const seen = new Set<string>();
    await runAll(strategy, { prompts }, {}, ({ calls }) => {
      for (const call of calls) {
        for (const match of textOf(call).matchAll(/\[own (\w+)\]/g)) seen.add(match[1]!);
      }
    });
    assertEquals([...seen].sort(), names.sort());
  });

  for (const qualified of [true, false]) {
    Deno.test(`every prompt and role of ${strategy} can be replaced for auto, by ${qualified ? "qualified" : "plain"} name`, async () => {
      const { prompts, roles } = strategyOf(strategy);
      const name = (own: string) => qualified ? `${strategy}.${own}` : own;
      const ownPrompts = Object.entries(prompts).map((
        [own, text],
      ) => [name(own), `${text}\n[own ${own}]`]);
      const ownRoles = roles.map((own) => [name(own), { model: `model-of-${own}` }]);
      const model = {
        strategy: "auto",
        prompts: Object.fromEntries(ownPrompts),
        roles: Object.fromEntries(ownRoles),
      };
      const seenPrompts = new Set<string>();
      const seenRoles = new Set<string>();
      await runAll(strategy, model, {}, ({ calls }) => {
        for (const call of calls) {
          for (const match of textOf(call).matchAll(/\[own (\w+)\]/g)) seenPrompts.add(match[1]!);
          seenRoles.add(call.body.model.replace("model-of-", ""));
        }
      });
      assertEquals([...seenPrompts].sort(), Object.keys(prompts).sort());
      assertEquals([...seenRoles].sort(), roles.filter(isSingle).sort());
    });
  }

  Deno.test(`every role of ${strategy} can have a separate model`, async () => {
    // A numbered role is a role like the one without a number, unless it has its own model.
    const names = strategyOf(strategy).roles;
    const roles = Object.fromEntries(names.map((role) => [role, { model: `model-of-${role}` }]));
    const seen = new Map<string, Set<string>>();
    await runAll(strategy, { roles }, { reasoning_effort: "high" }, ({ calls }) => {
      for (const call of calls) {
        const model = call.body.model.replace("model-of-", "");
        seen.set(model, (seen.get(model) ?? new Set()).add(kindOf(call)));
      }
    });
    assertEquals([...seen.keys()].sort(), names.filter(isSingle).sort());
    for (const [role, kinds] of seen) {
      const expected = casesOf(strategy).roles[role.replace(/_\d+$/, "")];
      assertEquals([...kinds].sort(), expected, `the role ${role} in cases/${strategy}.ts`);
    }
  });
}

Deno.test("a name that several strategies of auto share means all of them, a qualified name means one", async () => {
  await using upstream = startUpstream(scripted());
  const prompts = { sample: "[all] {x}", "rsa.sample": "[rsa]" };
  const roles = { sample: { model: "all" }, "rsa.sample": { model: "of-rsa" } };
  const models = { m: { strategy: "auto", upstream: "scripted", model: "s", prompts, roles } };
  const { ask } = await createStrategyApp(upstream, { config: { models } });
  for (
    const [reasoning_effort, text, model] of [["medium", "[all] {x}", "all"], [
      "max",
      "[rsa]",
      "of-rsa",
    ]]
  ) {
    upstream.calls.length = 0;
    await ask("m", { reasoning_effort });
    const [first] = upstream.calls;
    assertEquals([messagesOf(first!)[0]!.content, first!.body.model], [text, model]);
  }
});

Deno.test("a request for another strategy than its model's uses that strategy's prompts", async () => {
  await using upstream = startUpstream(scripted());
  const prompts = { think: "[think]", mend: "[mend] {problem}" };
  const models = { m: { strategy: "think", upstream: "scripted", model: "s", prompts } };
  const { ask } = await createStrategyApp(upstream, { config: { models } });
  await ask("m");
  assertEquals(messagesOf(upstream.calls[0]!)[0]!.content, "[think]");
  upstream.calls.length = 0;
  await ask("m", { reasoning: { strategy: "draft" } });
  assertEquals(kindsOf(upstream), { "draft.think": 1 });
});

for (const strategy of STRATEGIES) {
  Deno.test(`the common prompts can be replaced for ${strategy}`, async () => {
    await using upstream = startUpstream(scripted({
      more: ({ body }) => body.response_format === undefined ? {} : { content: "It is 42." },
    }));
    const prompts = { mend: "[mend] {problem}", tools: "[tools] {tools}" };
    const models = { m: { strategy, upstream: "scripted", model: "s", prompts } };
    const { ask } = await createStrategyApp(upstream, { config: { models } });
    await ask("m", { response_format: FORMAT });
    assertStringIncludes(textOf(upstream.calls.at(-1)!), "[mend] ");
    upstream.calls.length = 0;
    await ask("m", { tools: TOOLS });
    // A single call has the tools themselves.
    if (upstream.calls.length === 1) return;
    assert(upstream.calls.some((call) => textOf(call).includes("[tools] - multiply: Multiplies.")));
  });
}

for (
  const [strategy, role] of [["relay", "writer"], ["moa", "aggregator"], [
    "vote",
    "answer",
  ]] as const
) {
  Deno.test(`the model of the role ${role} of ${strategy} answers if the effort is none`, async () => {
    await using upstream = startUpstream(scripted());
    const roles = { [role]: { model: "small" } };
    const models = { m: { strategy, upstream: "scripted", model: "s", roles } };
    const { ask } = await createStrategyApp(upstream, { config: { models } });
    await ask("m", { reasoning_effort: "none" });
    assertEquals(upstream.calls.map(({ body }) => body.model), ["small"]);
  });
}

Deno.test("proposers without a model of their own use the model of `proposer`", async () => {
  await using upstream = startUpstream(scripted());
  const roles = { proposer: { model: "all" }, proposer_2: { model: "second" } };
  const models = { m: { strategy: "moa", upstream: "scripted", model: "s", roles } };
  const { ask } = await createStrategyApp(upstream, { config: { models } });
  await ask("m");
  const sent = upstream.calls.map(({ body }) => body.model).sort();
  assertEquals(sent, ["all", "all", "all", "s", "second"]);
});
