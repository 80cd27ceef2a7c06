import { assertEquals } from "@std/assert";
import { strategies } from "../../lib/reasoning/strategies/mod.ts";
import { casesOf, THINKING } from "../reasoning/strategies/setup/cases.ts";
import { faultsOf } from "./parse.ts";

const STRATEGIES = Object.keys(strategies).join(", ");

const model = (settings: string) => `models: { m: { ${settings} } }`;
const upstream = (settings: string) => `default_model: x\nupstreams: { u: { ${settings} } }`;

const URL_EXPECTED =
  "expected a URL such as https://api.groq.com/openai/v1, or demo: for the built-in model";
const TOKEN_EXPECTED = "must be printable ASCII, with no line break and no space at either end; " +
  "look for a stray newline or quote";

const CASES: readonly (readonly [text: string, ...faults: string[]])[] = [
  // Unknown keys
  ["sever: {}", "1: sever: unknown key; did you mean 'server'?"],
  [
    "default_modle: x",
    "1: default_modle: unknown key; did you mean 'default_model'?",
  ],
  [
    "log: { colour: x }",
    "1: log.colour: unknown key; valid names: level, format",
  ],
  [
    model("strategy: direct, options: { x: 1 }"),
    "1: models.m.options.x: unknown key; no name is valid here",
  ],
  // URLs
  [
    "default_model: x\ndefault_api_url: localhost:11434",
    `2: default_api_url: ${URL_EXPECTED}`,
  ],
  [
    "default_model: x\ndefault_api_url: ftp://host",
    `2: default_api_url: ${URL_EXPECTED}`,
  ],
  [
    "default_model: x\ndefault_api_url: /v1",
    `2: default_api_url: ${URL_EXPECTED}`,
  ],
  [
    upstream("base_url: 'file:///etc'"),
    `2: upstreams.u.base_url: ${URL_EXPECTED}`,
  ],
  [
    upstream("base_url: 'http://host:6667/v1'"),
    "2: upstreams.u.base_url: port 6667 is blocked by the Fetch standard; " +
    "configure the provider to use another",
  ],
  [
    upstream("base_url: 'https://me:pw@host/v1'"),
    "2: upstreams.u.base_url: must not contain a user name or password; " +
    "set the key as model_provider_api_key, or as the upstream's api_key or headers",
  ],
  [
    upstream("base_url: 'https://host/v1#x'"),
    "2: upstreams.u.base_url: must not contain a fragment (#…); remove it",
  ],
  [upstream("base_url: 'https://host/v1?api-version=1'")],
  [upstream("base_url: 'http://127.0.0.1:11434/v1/chat/completions/'")],
  [upstream("base_url: 'demo:'")],
  // Keys and headers
  ['api_bearer_token: "a\\nb"', `1: api_bearer_token: ${TOKEN_EXPECTED}`],
  [
    'model_provider_api_key: "a\\r"',
    `1: model_provider_api_key: ${TOKEN_EXPECTED}`,
  ],
  [
    upstream('base_url: "demo:", api_key: [ok, "no\\n"]'),
    `2: upstreams.u.api_key[1]: ${TOKEN_EXPECTED}`,
  ],
  [
    upstream('base_url: "demo:", api_key: "“k”"'),
    `2: upstreams.u.api_key: ${TOKEN_EXPECTED}`,
  ],
  [
    upstream('base_url: "demo:", api_key: 3'),
    "2: upstreams.u.api_key: expected a string or a non-empty list, got a number; put it in quotes",
  ],
  [
    upstream('base_url: "demo:", headers: { "x y": a, z: "b\\nc" }'),
    '2: upstreams.u.headers["x y"]: is not a valid header name; use letters, digits and hyphens',
    "2: upstreams.u.headers.z: a header's value must be Latin-1 text in one line, " +
    "without control characters",
  ],
  // The server
  ["port: 80", "1: port: unknown key; did you mean 'server.port' or 'metrics.port'?"],
  [
    upstream("base_url: 'demo:', max_attempts: 3"),
    "2: upstreams.u.max_attempts: unknown key; did you mean 'retry.max_attempts'?",
  ],
  [
    "server: { host: 'localhost:80 x' }",
    "1: server.host: expected a host name or an IP address, without a port",
  ],
  [
    "server: { cors_origins: ['*', 'https://a.example', a.example, 'https://a.example/x'] }",
    '1: server.cors_origins[2]: expected "*" or an origin such as https://chat.example.com, ' +
    "without a path",
    '1: server.cors_origins[3]: expected "*" or an origin such as https://chat.example.com, ' +
    "without a path",
  ],
  // Models
  [
    model("upstream: nope"),
    "1: models.m.upstream: unknown upstream; valid names: default",
  ],
  [
    `${upstream("base_url: 'demo:'")}\n${model("upstream: [u, w]")}`,
    "3: models.m.upstream[1]: unknown upstream; did you mean 'u'?",
  ],
  [
    model("upstream: toString, strategy: toString"),
    "1: models.m.upstream: unknown upstream; valid names: default",
    `1: models.m.strategy: unknown strategy; valid names: ${STRATEGIES}`,
  ],
  [
    "upstreams: { a: { base_url: 'demo:' }, b: { base_url: 'demo:' } }\nmodels: { m: { model: x } }",
    "2: models.m.upstream: is missing; choose one of the upstreams: a, b",
  ],
  [
    "upstreams: { a: { base_url: 'http://h' } }\nmodels: { m: { upstream: a } }",
    "2: models.m.model: is missing; set the model's name at the upstream, or default_model",
  ],
  [
    "upstreams: { a: { base_url: 'http://h' } }",
    "1: default_model: is missing; name a model of the upstream 'a', " +
    "or publish your own models under 'models'",
  ],
  [
    "log: {}\ndefault_api_url: https://h",
    "2: default_model: is missing; name a model of the provider at default_api_url, " +
    "or publish your own models under 'models'",
  ],
  [
    "default_api_url: 'demo:'\nupstreams: { default: { base_url: 'demo:' } }",
    "2: upstreams.default: is the name of the upstream at default_api_url; choose another",
  ],
  [
    model("format: mardown"),
    "1: models.m.format: unknown format; did you mean 'markdown'?",
  ],
  [
    model("upstream: 3"),
    "1: models.m.upstream: expected a non-empty string or a non-empty list, got a number; put it in quotes",
  ],
  [
    model("strategy: steps, options: { min_steps: 9, max_steps: 4 }"),
    "1: models.m.options.min_steps: must be at most max_steps, which is 4",
  ],
  [model("strategy: steps, options: { max_steps: 2 }")],
  [
    model("strategy: steps, options: { max_steps: many }"),
    "1: models.m.options.max_steps: expected a whole number from 1 to 1000, got a string",
  ],
  [
    model("strategy: steps, options: { max_steps: 7.5 }"),
    "1: models.m.options.max_steps: expected a whole number from 1 to 1000, got 7.5",
  ],
  [
    model("strategy: steps, roles: { judge: { model: x } }"),
    "1: models.m.roles.judge: unknown key; valid names: step, answer",
  ],
  [
    model("strategy: vote, modifiers: { re2: true, wait: 1 }"),
    "1: models.m.modifiers.wait: is not supported by this strategy; strategies that support it: " +
    THINKING.filter((name) => casesOf(name).followUps !== undefined).join(", "),
  ],
  [
    model("strategy: think, modifiers: { wait: 65, re2: yes, re3: true }"),
    "1: models.m.modifiers.wait: expected a whole number from 0 to 64, got 65",
    "1: models.m.modifiers.re2: expected true or false, got a string",
    "1: models.m.modifiers.re3: unknown key; did you mean 're2'?",
  ],
  [
    model("strategy: relay, roles: { reasonr: { model: x } }"),
    "1: models.m.roles.reasonr: unknown key; did you mean 'reasoner'?",
  ],
  [
    model("strategy: verify, prompts: { verifyer: x }"),
    "1: models.m.prompts.verifyer: unknown key; did you mean 'verifier'?",
  ],
  [
    model("strategy: auto, roles: { proposer_17: { model: x } }"),
    "1: models.m.roles.proposer_17: unknown key; did you mean 'proposer_1'?",
  ],
  [
    model("strategy: auto, roles: { vote.juge: { model: x } }, prompts: { sampel: x }"),
    `1: models.m.roles["vote.juge"]: unknown key; did you mean 'vote.judge'?`,
    "1: models.m.prompts.sampel: unknown key; did you mean 'sample'?",
  ],
  [
    model("strategy: auto, roles: { steps.step: { model: x } }"),
    '1: models.m.roles["steps.step"]: unknown key; valid names: direct.answer, think.think, ' +
    "think.answer, vote.sample, vote.judge, vote.answer, moa.proposer, " +
    Array.from({ length: 16 }, (_, i) => `moa.proposer_${i + 1}, `).join("") +
    "moa.judge, moa.aggregator, verify.solver, verify.verifier, verify.judge, verify.answer, rsa.sample, " +
    "rsa.aggregator, rsa.judge, rsa.answer",
  ],
  [
    model("strategy: steps, roles: { step: { upstream: nope } }"),
    "1: models.m.roles.step.model: is missing; expected a non-empty string",
    "1: models.m.roles.step.upstream: unknown upstream; valid names: default",
  ],
  [
    model("strategy: steps, prompts: { step: 3, answer: { path: x } }"),
    "1: models.m.prompts.step: expected a string or a mapping (lines of 'key: value'), " +
    "got a number; put it in quotes",
    "1: models.m.prompts.answer.file: is missing; expected a non-empty string",
    "1: models.m.prompts.answer.path: unknown key; valid names: file",
  ],
  [
    model("caps: { calls: 0 }"),
    "1: models.m.caps.calls: expected a whole number from 1 to 1000000, got 0",
  ],
  [
    model("caps: { usd: 0 }"),
    "1: models.m.caps.usd: expected a number greater than 0, at most 1000000, got 0",
  ],
  // Formats
  [
    "formats: { think: { step: '{content}', answer: '{content}' } }",
    "1: formats.think: is the name of a built-in format; choose another",
  ],
  [
    "formats: { f: { step: '{content}{title}', answer: x, total: x } }",
    "1: formats.f.step: {title} must come before {content}, as it does in a stream",
    "1: formats.f.answer: must contain {content} exactly once",
    "1: formats.f.total: must contain {seconds}",
  ],
  [
    "formats: { f: { step: '{title}', answer: '{content}{content}' } }",
    "1: formats.f.step: must contain {content} exactly once",
    "1: formats.f.answer: must contain {content} exactly once",
  ],
  ["formats: { f: { step: '{n}{title}{content}', answer: '{content}', total: '{seconds}' } }"],
];

for (const [text, ...faults] of CASES) {
  Deno.test(`${faults.length === 0 ? "accepts" : "rejects"}: ${text}`, async () => {
    assertEquals(await faultsOf(text), faults);
  });
}
