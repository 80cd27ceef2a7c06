import { EFFORT_ROUTES } from "../../lib/reasoning/effort.ts";
import { strategies } from "../../lib/reasoning/strategies/mod.ts";
import { assert, assertEquals, assertExists, assertThrows } from "@std/assert";
import { ConfigError } from "../../lib/config/faults/fault.ts";
import {
  isDeploy,
  PLACEHOLDER_TOKEN,
  resolveConfig,
  type ResolvedConfig,
} from "../../lib/config/resolve.ts";
import { parse } from "./parse.ts";

async function resolve(
  text: string,
  env: Record<string, string> = {},
): Promise<ResolvedConfig> {
  return resolveConfig(await parse(text), { env: (name) => env[name] });
}

/** Returns a line for each published model: id, strategy, and targets as `upstream=URL=model`. */
async function published(text: string): Promise<string[]> {
  const { models } = await resolve(text);
  return models.map(({ reasoning: { id, strategy, targets } }) =>
    [
      id,
      strategy,
      ...targets.map((to) => `${to.name}=${to.upstream.base_url}=${to.model}`),
    ]
      .join(" ")
  );
}

/** The models that are published if the file configures none. */
const DEFAULT_MODELS = Object.entries(strategies).flatMap(([name, { publishedAs }]) =>
  publishedAs === undefined ? [] : [`${publishedAs} ${name}`]
);

const ANY = /(?:)/i;

Deno.test("the ids that are published by default keep their strategies, and o1 is the first", () => {
  const expected = {
    o1: "steps",
    "o1-mini": "think",
    "o1-draft": "draft",
    "o1-relay": "relay",
    "o1-vote": "vote",
    "o1-moa": "moa",
    "o1-verify": "verify",
    "o1-deep": "rsa",
    "o1-auto": "auto",
  };
  assertEquals(DEFAULT_MODELS[0], "o1 steps");
  for (const [id, strategy] of Object.entries(expected)) {
    assert(DEFAULT_MODELS.includes(`${id} ${strategy}`));
  }
});

const defaultModels = (target: string) => DEFAULT_MODELS.map((model) => `${model} ${target}`);

for (
  const [what, text, expected] of [
    [
      "without any key, over the demo model",
      "",
      [...defaultModels("default=demo:=demo"), "demo direct default=demo:=demo"],
    ],
    [
      "with the original's keys, over their provider",
      "default_api_url: https://h/v1/chat/completions/\ndefault_model: llama",
      [...defaultModels("default=https://h/v1=llama"), "llama direct default=https://h/v1=llama"],
    ],
    [
      "with an upstream model named o1, once",
      "default_api_url: https://h\ndefault_model: o1",
      defaultModels("default=https://h=o1"),
    ],
    [
      "over the only upstream",
      "upstreams: { a: { base_url: 'https://a/' } }\ndefault_model: m",
      [...defaultModels("a=https://a=m"), "m direct a=https://a=m"],
    ],
    [
      "over the first of several upstreams",
      "upstreams: { b: { base_url: https://b }, a: { base_url: https://a } }\ndefault_model: m",
      [...defaultModels("b=https://b=m"), "m direct b=https://b=m"],
    ],
    [
      "over the original's provider even if there are upstreams",
      "upstreams: { a: { base_url: https://a } }\ndefault_api_url: https://h\ndefault_model: m",
      [...defaultModels("default=https://h=m"), "m direct default=https://h=m"],
    ],
    [
      "as configured",
      `default_model: d
upstreams: { a: { base_url: https://a }, b: { base_url: "https://b/v1/?v=1" } }
models:
  x: { upstream: a }
  y: { strategy: steps, upstream: [b, a], model: m }
`,
      ["x direct a=https://a=d", "y steps b=https://b/v1?v=1=m a=https://a=m"],
    ],
  ] as const
) {
  Deno.test(`models are published ${what}`, async () => {
    assertEquals(await published(text), [...expected]);
  });
}

Deno.test("o1 has the effort xhigh with the keys of the original O1-API, and medium without", async () => {
  const original = await resolve("default_api_url: 'demo:'");
  const efforts = original.models.map(({ reasoning }) => reasoning.effort);
  assertEquals([efforts[0], new Set(efforts.slice(1))], ["xhigh", new Set(["medium"] as const)]);
  const bare = await resolve("");
  assertEquals(bare.models[0]!.reasoning.effort, "medium");
});

Deno.test("a model's settings are passed to its reasoning", async () => {
  const { models } = await resolve(`
upstreams:
  a: { base_url: https://a, api_key: [k1, "", k2], price: &price { input: 1, output: 1 } }
  b: { base_url: https://b, api_key: "", price: *price }
models:
  m:
    strategy: steps
    upstream: a
    model: big
    effort: high
    options: { max_steps: 3 }
    caps: { calls: 5, usd: 0.5 }
    roles: { answer: { upstream: b, model: small }, step: { model: other } }
    prompts: { step: Think. }
    modifiers: { re2: true, wait: 2 }
    system_prompt: Be kind.
stream_status_feedback: false
`);
  const [model] = models;
  assertExists(model);
  const { targets, roles, ...rest } = model.reasoning;
  assertEquals(rest, {
    id: "m",
    strategy: "steps",
    options: { min_steps: 3, max_steps: 3 },
    effort: "high",
    prompts: { step: "Think." },
    modifiers: { re2: true, wait: 2 },
    systemPrompt: "Be kind.",
    caps: { calls: 5, tokens: 200_000, usd: 0.5 },
    routes: EFFORT_ROUTES,
    proStrategy: "verify",
    directWhen: [
      { user: /^### Task:(?!\s{0,9}Respond to the user query)/i, system: ANY },
      { user: /^Your task is to reflect the speaker's likely facial expression/i, system: ANY },
      { user: /^hello$/i, system: ANY },
      { user: /^Query: /i, system: /^Available Tools: /i },
      { user: /^Query: (?:History:|Query: )/i, system: ANY },
      { user: /^History:\n[A-Z]{1,20}: """/i, system: ANY },
      { user: /^You are performing a CONTEXT CHECKPOINT COMPACTION/i, system: ANY },
    ],
    toolsCharacters: 2_000,
    serverTools: [],
    maxToolCalls: 8,
    statusLines: false,
  });
  assertEquals(targets[0]?.upstream.api_key, ["k1", "k2"]);
  assertEquals(
    roles.answer?.map((to) => [to.name, to.model, to.upstream.api_key]),
    [
      ["b", "small", undefined],
    ],
  );
  assertEquals(roles.step?.map((to) => [to.name, to.model]), [["a", "other"]]);
});

for (
  const [text, expected] of [["", undefined], ['""', undefined], [
    "k",
    "k",
  ]] as const
) {
  Deno.test(`model_provider_api_key ${text || "omitted"} is sent as ${expected}`, async () => {
    const { models } = await resolve(`model_provider_api_key: ${text}`);
    assertEquals(models[0]?.reasoning.targets[0]?.upstream.api_key, expected);
  });
}

for (
  const [text, expected] of [
    ["", "both"],
    ["use_regex_processing: true", "markdown"],
    ["use_regex_processing: false", "details_steps"],
    ["use_regex_processing: true\nmodels: { m: { format: think } }", "think"],
    ["models: { m: {} }", "both"],
  ] as const
) {
  Deno.test(`the format is ${expected} with ${JSON.stringify(text)}`, async () => {
    const { models } = await resolve(text);
    assert(models.every(({ format }) => format === expected));
  });
}

Deno.test("a custom format is passed on", async () => {
  const { models } = await resolve(`
formats:
  f: { step: "{n}. {title} {content}", answer: "{content}" }
  g: { step: "{content}", answer: "{content}", total: "{seconds} s" }
models: { a: { format: f }, b: { format: g } }
`);
  assertEquals(models.map(({ format }) => format), [
    { step: "{n}. {title} {content}", answer: "{content}" },
    { step: "{content}", answer: "{content}", total: "{seconds} s" },
  ]);
});

for (
  const [what, text, env, token, isReal] of [
    ["none", "", {}, undefined, false],
    ["an empty string", 'api_bearer_token: ""', {}, undefined, false],
    [
      "the placeholder",
      `api_bearer_token: ${PLACEHOLDER_TOKEN}`,
      {},
      PLACEHOLDER_TOKEN,
      false,
    ],
    ["the file's", "api_bearer_token: t", {}, "t", true],
    [
      "the variable's",
      "api_bearer_token: t",
      { O1_API_TOKEN: "v" },
      "v",
      true,
    ],
    [
      "the file's beside an empty variable",
      "api_bearer_token: t",
      { O1_API_TOKEN: "" },
      "t",
      true,
    ],
    [
      "the placeholder in the variable",
      "",
      { O1_API_TOKEN: PLACEHOLDER_TOKEN },
      PLACEHOLDER_TOKEN,
      false,
    ],
  ] as const
) {
  Deno.test(`the token is ${what}`, async () => {
    const { token: resolved, hasRealToken } = await resolve(text, env);
    assertEquals([resolved, hasRealToken], [token, isReal]);
  });
}

Deno.test("an invalid token in the variable is an error that does not show it", async () => {
  const config = await parse("");
  const error = assertThrows(
    () => resolveConfig(config, { env: () => "secret\n" }),
    ConfigError,
    "O1_API_TOKEN: must be printable ASCII",
  );
  assert(!error.message.includes("secret"));
});

for (
  const [env, text, expected] of [
    [{}, "", [10_000, 30_000]],
    [{ DENO_DEPLOY: "true" }, "", [4_000, 4_000]],
    [{ DENO_DEPLOY: "1" }, "", [4_000, 4_000]],
    [{ DENO_DEPLOY: "false" }, "", [10_000, 30_000]],
    [{ DENO_DEPLOYMENT_ID: "x" }, "", [4_000, 4_000]],
    [
      { DENO_DEPLOY: "true" },
      "server: { heartbeat_ms: 7000, shutdown_grace_ms: 2000 }",
      [7_000, 2_000],
    ],
    [{}, "server: { heartbeat_ms: 7000 }", [7_000, 30_000]],
  ] as const
) {
  Deno.test(`heartbeat_ms and shutdown_grace_ms are read from ${JSON.stringify(env)} and ${text || "no file"}`, async () => {
    const { server } = await resolve(text, env);
    assertEquals([server.heartbeat_ms, server.shutdown_grace_ms], [
      ...expected,
    ]);
  });
}

Deno.test("isDeploy() recognises Deno Deploy by its variables", () => {
  assertEquals(isDeploy(() => undefined), false);
  assertEquals(
    isDeploy((name) => name === "DENO_DEPLOYMENT_ID" ? "abc" : undefined),
    true,
  );
});
