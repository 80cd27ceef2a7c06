import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ConfigError } from "../../lib/config/faults/fault.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { faultsOf, parse, readFrom } from "./parse.ts";

/** Of an authority for tests, whose key nobody has. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBfjCCASWgAwIBAgIUEj0/gMblj+xlWdJ8+RIpXDvfjiMwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJYXV0aG9yaXR5MCAXDTI2MTEzMDEzNTQxOFoYDzIxMjYxMTA2
MTM1NDE4WjAUMRIwEAYDVQQDDAlhdXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASVjZPoA83eW3qzTvdPJKHna67htfWOG6V6nlrHGlLehypIYaTdo5f7
wE74R4HdGYRH0dHXWZyv39PocSkuh4ngo1MwUTAdBgNVHQ4EFgQUjQ+JKPCRhu+m
ZBUOVt56Pgd+fVcwHwYDVR0jBBgwFoAUjQ+JKPCRhu+mZBUOVt56Pgd+fVcwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiB88WsMAjNHThLKK4DBGOto
Z5V1uFwE+f9R7Z8gp0yv9AIgLPE8jDvYbAqr7UYO4WX2U4Yso8gniv3cC0UmAUnZ
jms=
-----END CERTIFICATE-----
`;

for (
  const text of [
    "",
    "\n",
    "# nothing but a comment\n",
    "---\n",
    "{}",
    "\ufeff",
    "null",
  ]
) {
  Deno.test(`an empty file means the defaults: ${JSON.stringify(text)}`, async () => {
    const config = await parse(text);
    assertEquals(config.server.port, 18_888);
    assertEquals(config.server.host, "0.0.0.0");
    assertEquals(config.server.max_body_bytes, 33_554_432);
    assertEquals(config.server.cors_origins, ["*"]);
    assertEquals(config.server.max_retries, 6);
    assertEquals(config.stream_status_feedback, true);
    assertEquals(config.log, { level: "info", format: "auto" });
    assertEquals(config.models, {});
    assertEquals(config.upstreams, {});
  });
}

Deno.test("a key without a value counts as omitted", async () => {
  const config = await parse(
    "server:\n  port:\nupstreams:\nmodels:\n  fast:\nlog:\n",
  );
  assertEquals(config.server.port, 18_888);
  assertEquals(config.models.fast?.strategy, "direct");
});

for (
  const [text, key, value] of [
    ['api_bearer_token: "t-1"', "api_bearer_token", "t-1"],
    ['model_provider_api_key: "k-1"', "model_provider_api_key", "k-1"],
    ['default_api_url: "demo:"', "default_api_url", "demo:"],
    ["default_model: llama", "default_model", "llama"],
    ["stream_status_feedback: false", "stream_status_feedback", false],
    ["use_regex_processing: true", "use_regex_processing", true],
  ] as const
) {
  Deno.test(`the key ${key} of the original O1-API is valid on its own`, async () => {
    assertEquals((await parse(text))[key], value);
  });
}

Deno.test("the file of the original O1-API is accepted, even with Windows line ends and a byte order mark", async () => {
  const lines = [
    'api_bearer_token: "t"',
    'model_provider_api_key: "k"',
    'default_api_url: "https://api.groq.com/openai/v1/chat/completions"',
    'default_model: "llama-3.3-70b-versatile"',
    "stream_status_feedback: true",
    "use_regex_processing: true",
    "",
  ];
  const unix = await parse(lines.join("\n"));
  assertEquals(await parse(`\ufeff${lines.join("\r\n")}`), unix);
});

Deno.test("a model's caps, effort and strategy have defaults", async () => {
  const config = await parse("models: { fast: {} }");
  const { caps, effort, strategy, options, format } = config.models.fast ?? {};
  assertEquals(
    { caps, effort, strategy, options, format },
    {
      caps: { calls: 64, tokens: 200_000 },
      effort: "medium",
      strategy: "direct",
      options: {},
      format: undefined,
    },
  );
});

Deno.test("every fault of a file is reported at once, each with its line", async () => {
  const text = `api_bearer_token: 12345
server:
  prot: 3
  port: 70000
  heartbeat_ms: 0
upstreams:
  groq:
    api_key: "sk-1"
    timeouts: { idle_ms: soon }
models:
  o1:
    strategy: stepz
    model: llama
  o2:
    strategy: steps
    upstream: grog
    model: llama
    effort: mediun
    options:
      max_stepz: 3
    prompts:
      stp: x
log: { level: loud }
`;
  assertEquals(await faultsOf(text), [
    "1: api_bearer_token: expected a string, got a number; put it in quotes",
    "3: server.prot: unknown key; did you mean 'port'?",
    "4: server.port: expected a whole number from 0 to 65535, got 70000",
    "5: server.heartbeat_ms: expected a whole number from 1 to 86400000, got 0",
    "7: upstreams.groq.base_url: is missing; expected a non-empty string",
    "9: upstreams.groq.timeouts.idle_ms: expected a whole number from 1 to 86400000, got a string",
    "12: models.o1.strategy: unknown strategy; did you mean 'steps'?",
    "16: models.o2.upstream: unknown upstream; did you mean 'groq'?",
    "18: models.o2.effort: expected one of none, minimal, low, medium, high, xhigh, max; " +
    "did you mean 'medium'?",
    "20: models.o2.options.max_stepz: unknown key; did you mean 'max_steps'?",
    "22: models.o2.prompts.stp: unknown key; did you mean 'step'?",
    "23: log.level: expected one of debug, info, warn, error, got a string",
  ]);
});

Deno.test("an error prints the file before each line and has the parts as fields", async () => {
  const error = await assertRejects(
    () => parse("\nserver:\n  port: x"),
    ConfigError,
  );
  assertEquals(
    error.message,
    "/etc/o1/config.yaml:3: server.port: expected a whole number from 0 to 65535, got a string",
  );
  assertEquals(error.faults, [{
    path: "server.port",
    line: 3,
    column: 3,
    message: "expected a whole number from 0 to 65535, got a string",
  }]);
});

for (
  const [what, text, expected] of [
    [
      "two equal keys",
      "server: {}\nlog: {}\nserver: { port: x }",
      [
        "3: duplicate key 'server'; keep only one of them",
        "3: server.port: expected a whole number from 0 to 65535, got a string",
      ],
    ],
    [
      "several documents",
      "server: {}\n---\nlog: {}",
      ["2: is not valid YAML: expected one document; remove the line '---'"],
    ],
    [
      "a list as the root",
      "- server",
      ["1: expected settings such as 'default_model: NAME', one per line"],
    ],
    [
      "a string as the root",
      "hello",
      ["1: expected settings such as 'default_model: NAME', one per line"],
    ],
    [
      "an alias that contains itself",
      "models: &m\n  a:\n    options: *m",
      [
        "3: models.a.options: contains itself through an alias; write the value out",
      ],
    ],
    [
      "an alias without an anchor",
      "server: *nothing",
      ["1: is not valid YAML: it can't be read here; look for an unknown tag or alias"],
    ],
    [
      "an unknown tag",
      "server: !!binary x",
      ["1: is not valid YAML: it can't be read here; look for an unknown tag or alias"],
    ],
    [
      "an open bracket",
      "log: {}\nserver: [",
      ["2: is not valid YAML: wrong indentation, or an unclosed bracket"],
    ],
    [
      "a missing space after a colon",
      "api_bearer_token:secret\nlog: {}",
      ["1: is not valid YAML: expected 'key: value'; put a space after the colon"],
    ],
    [
      "a missing space in braces",
      "upstreams: { a: { base_url: 'demo:', api_key:secret } }",
      ["1: upstreams.a.api_key: put a space after the colon"],
    ],
    [
      "a name that JavaScript reserves",
      "models: { __proto__: {} }",
      ["1: models.__proto__: can't be used as a name"],
    ],
    [
      "an empty name",
      "models: { '': {} }",
      ['1: models[""]: a name must not be empty'],
    ],
  ] as const
) {
  Deno.test(`${what} causes a clear error`, async () => {
    assertEquals(await faultsOf(text), [...expected]);
  });
}

Deno.test("aliases that expand to billions of values are loaded quickly", async () => {
  const names = "abcdefghijklmnopqrstuvwxyz".split("");
  const lines = names.map((name, index) => {
    const inner = index === 0 ? "x, x" : `*${names[index - 1]}, *${names[index - 1]}`;
    return `${name}: &${name} [${inner}]`;
  });
  assertEquals((await faultsOf(lines.join("\n"))).length, names.length);
});

Deno.test("deep nesting and huge files are errors, not crashes", async () => {
  for (
    const text of [
      "[".repeat(50_000),
      "{a: ".repeat(5_000),
      "#".repeat(2_000_000),
    ]
  ) {
    assertEquals((await faultsOf(text)).length, 1);
  }
});

Deno.test("no error shows a key or token", async () => {
  const secret = "sk-very-secret";
  const texts = [
    `api_bearer_token: [${secret}]`,
    `model_provider_api_key: { ${secret}: 1 }`,
    `model_provider_api_key:${secret}\nlog: {}`,
    `model_provider_api_key: "${secret}" x`,
    `model_provider_api_key: "${secret}\\n"`,
    `model_provider_api_key: "${secret}`,
    `upstreams: { a: { base_url: "https://user:${secret}@host", api_key: ["${secret}\\n", 3] } }`,
    `upstreams: { a: { api_key:${secret} } }`,
    `upstreams: { a: { headers: { x: "${secret}\\n" } } }`,
    `default_api_url: ${secret}`,
    `server: { port: ${secret} }`,
    `log: { level: ${secret} }`,
    `models: { a: { upstream: ${secret}, format: ${secret} } }`,
  ];
  for (const text of texts) {
    const faults = await faultsOf(text);
    assert(faults.length > 0, text);
    assert(
      !faults.join("\n").includes(secret),
      `${text}\n${faults.join("\n")}`,
    );
  }
});

Deno.test("auto accepts the prompts and roles of the strategies that it may run", async () => {
  const file = (route: string) =>
    JSON.stringify({
      models: {
        m: {
          strategy: "auto",
          model: "x",
          prompts: { "vote.sample": { file: "sample.md" }, mend: "Mend.", next: "Next." },
          roles: {
            "steps.step": { model: "y" },
            step: { model: "y" },
            proposer_16: { model: "z" },
          },
        },
      },
      routing: { effort: { high: route } },
    });
  const world = { files: { "/etc/o1/sample.md": "Sample." } };
  const { models } = await parse(file("steps"), world);
  assertEquals(models.m?.prompts, { "vote.sample": "Sample.", mend: "Mend.", next: "Next." });
  const faults = await faultsOf(file("relay"), world);
  assertEquals(faults.map((fault) => /m\.(\S+?):/.exec(fault)?.[1]), [
    "prompts.next",
    'roles["steps.step"]',
    "roles.step",
  ]);
});

Deno.test("prompts are read from files beside the configuration", async () => {
  const text = `models:
  o1:
    strategy: steps
    prompts: { step: Think., answer: { file: prompts/answer.md } }
`;
  const config = await parse(text, {
    files: { "/etc/o1/prompts/answer.md": "\ufeffAnswer." },
  });
  assertEquals(config.models.o1?.prompts, {
    step: "Think.",
    answer: "Answer.",
  });
  assertEquals(await faultsOf(text), [
    "4: models.o1.prompts.answer.file: can't read prompts/answer.md (no such file); " +
    "create it, or correct the path, which is relative to the config file",
  ]);
});

Deno.test("the certificates of the store are read from a file beside the configuration", async () => {
  const text = `models: { o1: { strategy: direct } }
store: rediss://redis.example
store_ca_file: geheim/ca.crt
`;
  const reading = (content: string) => ({ files: { "/etc/o1/geheim/ca.crt": content } });
  const { store_ca_file } = await parse(text, reading(CERTIFICATE));
  assertEquals(store_ca_file, CERTIFICATE);
  const damaged = CERTIFICATE.replace(/^MII.*$/m, "MIIB");
  for (
    const [world, fault] of [
      [
        {},
        "can't read the file (no such file); create it, or correct the path, " +
        "which is relative to the config file",
      ],
      [
        reading("geheim"),
        "expected a file with certificates in PEM: -----BEGIN CERTIFICATE----- …",
      ],
      [
        reading(CERTIFICATE + damaged),
        "certificate 2 in the file is damaged; copy the file again",
      ],
    ] as const
  ) {
    assertEquals(await faultsOf(text, world), [`3: store_ca_file: ${fault}`]);
  }
  const postgres = "postgres://app@db.example/o1";
  const verified = text.replace("rediss://redis.example", `${postgres}?sslmode=verify-full`);
  assertEquals((await parse(verified, reading(CERTIFICATE))).store_ca_file, CERTIFICATE);
  for (const store of ["redis://redis.example", postgres, `${postgres}?sslmode=require`]) {
    const other = text.replace("rediss://redis.example", store);
    assertEquals(await faultsOf(other, reading(CERTIFICATE)), [
      "3: store_ca_file: only a store with TLS uses it; begin the URL in 'store' with rediss, " +
      "end one of Postgres with ?sslmode=verify-full, or remove it",
    ]);
  }
});

Deno.test("a missing file means the defaults, unless it was requested", async () => {
  const options = {
    path: "/etc/o1/config.yaml",
    env: () => undefined,
    readFile: readFrom({}),
  };
  const { config, found } = await loadConfig({ ...options, explicit: false });
  assertEquals(found, false);
  assertEquals(config, await parse(""));
  const error = await assertRejects(
    () => loadConfig({ ...options, explicit: true }),
    ConfigError,
  );
  assertEquals(
    error.message,
    "/etc/o1/config.yaml: can't read the configuration (no such file); " +
      "create the file, or choose another with --config PATH",
  );
});

Deno.test("a file that exists but can't be read is always an error", async () => {
  const error = await assertRejects(
    () =>
      loadConfig({
        path: "/etc",
        explicit: false,
        env: () => undefined,
        readFile: () => Promise.reject(new Deno.errors.IsADirectory("/etc")),
      }),
    ConfigError,
  );
  assertStringIncludes(
    error.message,
    "/etc: can't read the configuration (it is a folder)",
  );
});
