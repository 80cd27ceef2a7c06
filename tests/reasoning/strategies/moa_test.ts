/** `moa` over several upstream models. */
import { assert, assertEquals } from "@std/assert";
import { createFakeClock, passing } from "../../support/clock.ts";
import { type Call, startUpstream, type Upstream } from "../../support/upstream.ts";
import { createStrategyApp } from "./setup/app.ts";
import { endless } from "./setup/script.ts";

const TEXTS: Readonly<Record<string, string>> = {
  red: "The cat sat on the mat.",
  green: "A dog lay under the table.",
  blue: "The cat sat on the mat.",
  writer: "The cat sat on the mat, and a bird sang.",
};

const TOKENS: Readonly<Record<string, number>> = { red: 10, green: 20, blue: 30, writer: 40 };

function reply({ body }: Call) {
  const usage = { prompt_tokens: 100, completion_tokens: TOKENS[body.model] };
  return { content: TEXTS[body.model]!, usage };
}

const DAY = 86_400_000;
const timeouts = { headers_ms: DAY, first_token_ms: DAY, idle_ms: DAY, total_ms: DAY };

function createPanel(upstream: Upstream, { options = {}, clock = createFakeClock().clock } = {}) {
  const entry = { base_url: upstream.url, timeouts, retry: { max_attempts: 1 } };
  const proposer = (name: string) => ({ upstream: name === "red" ? "cheap" : "dear", model: name });
  return createStrategyApp(upstream, {
    clock,
    config: {
      server: { request_timeout_ms: DAY, stream_timeout_ms: DAY },
      upstreams: {
        cheap: { ...entry, price: { input: 1, output: 1 } },
        dear: { ...entry, price: { input: 10, output: 10 } },
      },
      models: {
        panel: {
          strategy: "moa",
          upstream: "cheap",
          model: "writer",
          options: { proposers: 3, ...options },
          roles: {
            proposer_1: proposer("red"),
            proposer_2: proposer("green"),
            proposer_3: proposer("blue"),
          },
        },
      },
    },
  });
}

const modelsOf = ({ calls }: Upstream) => calls.map(({ body }) => body.model).sort();

Deno.test("a panel calls each of its models and its writer once", async () => {
  await using upstream = startUpstream(reply);
  const { content } = await (await createPanel(upstream)).ask("panel");
  assertEquals(modelsOf(upstream), ["blue", "green", "red", "writer"]);
  assertEquals(content, TEXTS.writer);
});

Deno.test("the usage of a panel has the cost of each proposer and its share of the answer", async () => {
  await using upstream = startUpstream(reply);
  const { ask } = await createPanel(upstream);
  const { usage } = (await ask("panel")).json;
  // The answer has eight runs of three words, of which two proposers share the first four.
  const expected = [
    { role: "proposer_1", calls: 1, completion_tokens: 10, cost: 0.00011, accepted: 0.25 },
    { role: "proposer_2", calls: 1, completion_tokens: 20, cost: 0.0012, accepted: 0 },
    { role: "proposer_3", calls: 1, completion_tokens: 30, cost: 0.0013, accepted: 0.25 },
  ].map((entry) => ({ prompt_tokens: 100, ...entry }));
  assertEquals(usage.upstream.contributions, expected);
  assertEquals(usage.upstream.cost, 0.00011 + 0.0012 + 0.0013 + 0.00014);
  const body = { stream: true, stream_options: { include_usage: true } };
  assertEquals((await ask("panel", body)).json.usage, usage);
});

Deno.test("with n, the usage has the contributions to each answer", async () => {
  await using upstream = startUpstream(reply);
  const { usage } = (await (await createPanel(upstream)).ask("panel", { n: 2 })).json;
  const roles = usage.upstream.contributions.map(({ role }: { role: string }) => role);
  assertEquals(roles, [1, 2, 3, 1, 2, 3].map((number) => `proposer_${number}`));
});

Deno.test("a panel whose models fail answers with those that remain", async () => {
  await using upstream = startUpstream((call) =>
    call.body.model === "red" || call.body.model === "blue"
      ? { status: 500, body: "{}" }
      : reply(call)
  );
  const { status, content, json } = await (await createPanel(upstream)).ask("panel");
  assertEquals([status, content], [200, TEXTS.writer]);
  const { contributions } = json.usage.upstream;
  assertEquals(contributions.map(({ accepted }: { accepted: number }) => accepted), [0, 0, 0]);
});

for (const [slow, proposers] of [[1, 2], [1, 3], [2, 6], [3, 8]] as const) {
  Deno.test(`${slow} slow of ${proposers} proposers delay the answer by patience_ms and are cancelled`, async () => {
    await using upstream = startUpstream((call) => call.index < slow ? endless(call) : reply(call));
    const time = createFakeClock();
    const options = { proposers, patience_ms: 60_000 };
    const { ask } = await createPanel(upstream, { options, clock: time.clock });
    assertEquals((await passing(time, ask("panel"), 1_000)).status, 200);
    assert(time.clock.now() >= 60_000, `${time.clock.now()} ms`);
    assert(time.clock.now() < 120_000, `${time.clock.now()} ms`);
    await Promise.all(upstream.calls.slice(0, slow).map(({ left }) => left));
  });
}

Deno.test("the usage of a panel without an answer from a proposer contains the cost of each", async () => {
  await using upstream = startUpstream((call) =>
    call.body.model === "writer" ? reply(call) : { ...reply(call), content: "" }
  );
  const { content, json } = await (await createPanel(upstream)).ask("panel");
  assertEquals(content, TEXTS.writer);
  const contributions: { accepted: number; completion_tokens: number }[] =
    json.usage.upstream.contributions;
  assertEquals(
    contributions.map(({ accepted, completion_tokens }) => [accepted, completion_tokens]),
    [[0, 10], [0, 20], [0, 30]],
  );
});
