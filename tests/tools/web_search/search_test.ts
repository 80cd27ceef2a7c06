import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { systemClock } from "../../../lib/clock.ts";
import type { DomainRule, ToolResult } from "../../../lib/tools/tool.ts";
import { webSearch } from "../../../lib/tools/web_search/kind.ts";
import { longestStall } from "../../support/measure/stall.ts";
import { waitFor, waitUntil } from "../../support/wait.ts";

interface Recorded {
  method: string;
  path: string;
  headers: Headers;
  body: string;
}

interface Service extends AsyncDisposable {
  url: string;
  requests: Recorded[];
}

function startService(handler: (request: Request) => Response | Promise<Response>): Service {
  const requests: Recorded[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const { method, headers } = request;
    requests.push({ method, path: pathname + search, headers, body: await request.text() });
    return await handler(request);
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  return { url, requests, [Symbol.asyncDispose]: () => server.shutdown() };
}

async function search(
  settings: Record<string, unknown>,
  args: unknown = { query: "primes below 10" },
  signal = new AbortController().signal,
  domains: DomainRule = {},
): Promise<ToolResult> {
  const source = webSearch.open(webSearch.options.parse(settings) as never, { onDeploy: false });
  const [tool] = await source.tools(signal);
  return await waitFor("a search", tool!.run(args, { signal, clock: systemClock, domains }));
}

const textOf = ({ content: [part] }: ToolResult): string => part?.type === "text" ? part.text : "";

const KEY = "secret-key-1";

/** Requests and answers as each service documents them. */
const SERVICES = {
  searxng: {
    method: "GET",
    path: "/search?q=primes+below+10&format=json",
    header: undefined,
    body: "",
    answer: {
      query: "primes below 10",
      number_of_results: 0,
      results: [
        { url: "https://a.example/1", title: "One", content: "first", engine: "wikipedia" },
        { url: "https://b.example/2", title: "Two", content: "second", score: 1 },
      ],
      answers: [],
      unresponsive_engines: [],
    },
  },
  tavily: {
    method: "POST",
    path: "/search",
    header: ["authorization", `Bearer ${KEY}`],
    body: '{"query":"primes below 10","max_results":2}',
    answer: {
      query: "primes below 10",
      answer: null,
      images: [],
      results: [
        {
          title: "One",
          url: "https://a.example/1",
          content: "first",
          score: 0.9,
          raw_content: null,
        },
        { title: "Two", url: "https://b.example/2", content: "second", score: 0.8 },
      ],
      response_time: 1.2,
    },
  },
  brave: {
    method: "GET",
    path: "/res/v1/web/search?q=primes+below+10&count=2&text_decorations=false",
    header: ["x-subscription-token", KEY],
    body: "",
    answer: {
      type: "search",
      query: { original: "primes below 10" },
      web: {
        type: "search",
        results: [
          { title: "One", url: "https://a.example/1", description: "first", language: "en" },
          { title: "Two", url: "https://b.example/2", description: "second" },
        ],
      },
    },
  },
  exa: {
    method: "POST",
    path: "/search",
    header: ["x-api-key", KEY],
    body: '{"query":"primes below 10","numResults":2,"contents":{"text":{"maxCharacters":1000}}}',
    answer: {
      requestId: "1",
      results: [
        { id: "1", title: "One", url: "https://a.example/1", text: "first", author: null },
        { id: "2", title: "Two", url: "https://b.example/2", text: "second" },
      ],
    },
  },
} as const;

for (const [provider, expected] of Object.entries(SERVICES)) {
  const settings = { provider, api_key: KEY, max_results: 2 };

  Deno.test(`web_search asks ${provider} and returns title, URL and text`, async () => {
    await using service = startService(() => Response.json(expected.answer));
    const result = await search({ ...settings, url: `${service.url}/` });
    assertEquals(result, {
      content: [{
        type: "text",
        text: "1. One\nhttps://a.example/1\nfirst\n\n2. Two\nhttps://b.example/2\nsecond",
      }],
      citations: [
        { url: "https://a.example/1", title: "One" },
        { url: "https://b.example/2", title: "Two" },
      ],
    });
    const [request] = service.requests;
    assertEquals(
      [request!.method, request!.path, request!.body],
      [expected.method, expected.path, expected.body],
    );
    if (expected.header !== undefined) {
      assertEquals(request!.headers.get(expected.header[0]), expected.header[1]);
    }
  });

  Deno.test(`${provider}: answers without results, or of another shape, mean no results`, async () => {
    for (const answer of [{}, [], null, { results: null }, { web: { results: [1, null, {}] } }]) {
      await using service = startService(() => Response.json(answer));
      const result = await search({ ...settings, url: service.url });
      assertEquals(textOf(result), "There are no results.");
    }
  });
}

/** What of a client's domains goes to each service. */
const DOMAINS: [rule: DomainRule, operators: string, only: string[], without: string[]][] = [
  [{ allowed: ["deno.com"] }, "site:deno.com", ["deno.com"], []],
  [{ allowed: ["Deno.com/api", "a.test", "a.test"] }, "(site:deno.com OR site:a.test)", [
    "deno.com",
    "a.test",
  ], []],
  [{ blocked: ["b.test", "c.test/"] }, "-site:b.test -site:c.test", [], ["b.test", "c.test"]],
  // The rest of the site may be shown.
  [{ blocked: ["b.test/secret"] }, "", [], []],
  [{ allowed: ["a.test"], blocked: ["b.test"] }, "site:a.test", ["a.test"], []],
  [{ allowed: ["a.test", 'x") OR ("'] }, "", [], []],
  [{ allowed: [] }, "", [], []],
  [{}, "", [], []],
  [
    { blocked: Array.from({ length: 11 }, (_, index) => `${index}.test`) },
    "",
    [],
    Array.from({ length: 11 }, (_, index) => `${index}.test`),
  ],
];

Deno.test("a client's domains are sent to services that can filter by domain", async () => {
  for (const [rule, operators, only, without] of DOMAINS) {
    const message = JSON.stringify(rule);
    for (const [provider, { answer }] of Object.entries(SERVICES)) {
      await using service = startService(() => Response.json(answer));
      const settings = { provider, api_key: KEY, max_results: 2, url: service.url };
      await search(settings, undefined, undefined, rule);
      const [{ path, body }] = service.requests as [Recorded];
      if (provider === "searxng" || provider === "brave") {
        const query = new URL(path, service.url).searchParams.get("q");
        assertEquals(query, `primes below 10 ${operators}`.trim(), message);
        continue;
      }
      const {
        include_domains,
        exclude_domains,
        includeDomains = include_domains,
        excludeDomains = exclude_domains,
      } = JSON.parse(body);
      assertEquals([includeDomains ?? [], excludeDomains ?? []], [only, without], message);
    }
  }
});

Deno.test("search operators make a query no longer than a service accepts", async () => {
  await using service = startService(() => Response.json(SERVICES.brave.answer));
  const settings = { provider: "brave", api_key: KEY, url: service.url };
  const allowed = [`${"a".repeat(150)}.test`];
  await search(settings, { query: "prime ".repeat(1_000) }, undefined, { allowed });
  const query = new URL(service.requests[0]!.path, service.url).searchParams.get("q")!;
  assertEquals([query.length, query.endsWith(` site:${allowed[0]}`)], [400, true]);
});

const TAVILY = { provider: "tavily", api_key: KEY };

const answering = (results: unknown[]) => startService(() => Response.json({ results }));

Deno.test("results are bounded in number and length, and have web addresses only", async () => {
  const entry = (url: string) => ({
    url,
    title: " a\n\ntitle ".repeat(500),
    content: "x ".repeat(9_000),
  });
  const web = Array.from({ length: 50 }, (_, index) => entry(`https://example.com/${index}`));
  const others = [
    "javascript:alert(1)",
    "file:///etc/passwd",
    "no URL",
    `https://a/${"x".repeat(3e3)}`,
  ];
  await using service = answering([...others.map(entry), web[0], ...web, null, { url: 1 }]);
  const result = await search({ ...TAVILY, url: service.url, max_results: 3 });
  assertEquals(
    result.citations?.map(({ url }) => url),
    [0, 1, 2].map((n) => `https://example.com/${n}`),
  );
  assert(result.citations?.every(({ title }) => title.length <= 200 && !title.includes("\n")));
  assert(textOf(result).length < 3 * (200 + 500 + 50));
});

/** Answers of up to 1 MB that take long to read. */
const SLOW: Record<string, string> = {
  "many pages": JSON.stringify({
    results: Array.from({ length: 18_000 }, (_, i) => ({ url: `https://a.test/${i}`, title: "a" })),
  }),
  "many entries without addresses": `{"results":[${Array(90_000).fill('{"url":"x"}').join(",")}]}`,
  "many levels": '{"a":'.repeat(160_000) + "1" + "}".repeat(160_000),
  "a long title of spaces": JSON.stringify({
    results: [{ url: "https://a.test/", title: " ".repeat(1_000_000) }],
  }),
};

for (const [kind, body] of Object.entries(SLOW)) {
  Deno.test(`an answer of ${kind} does not block the event loop`, async () => {
    await using service = startService(() => new Response(body));
    const settings = { provider: "searxng", url: service.url };
    await search(settings);
    const stallMs = await longestStall(() => search(settings));
    assert(stallMs < 100, `${stallMs} ms`);
  });
}

Deno.test("a long query is cut to what the services accept", async () => {
  await using service = answering([]);
  await search({ ...TAVILY, url: service.url }, { query: "prime ".repeat(1_000) });
  assertEquals(JSON.parse(service.requests[0]!.body).query.length, 400);
});

const FAILURES: Record<string, [answer: () => Response, reason: string]> = {
  "refuses the key and repeats it": [
    () => new Response(`invalid key ${KEY}`, { status: 401 }),
    "The search service answered with status 401.",
  ],
  "is overloaded": [
    () => new Response(null, { status: 429 }),
    "The search service answered with status 429.",
  ],
  "sends no JSON": [
    () => new Response(`<html>${KEY}`),
    "The answer of the search service is invalid.",
  ],
  "floods": [
    () => new Response(new Uint8Array(3_000_000).fill(32)),
    "The answer of the service is too long.",
  ],
  "sends a stream without an end": [
    () =>
      new Response(
        new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) }),
      ),
    "The answer of the service is too long.",
  ],
};

for (const [behaviour, [answer, reason]] of Object.entries(FAILURES)) {
  Deno.test(`a service that ${behaviour} is reported with a reason that does not contain the key`, async () => {
    await using service = startService(answer);
    const result = await search({ ...TAVILY, url: service.url });
    assertEquals(result, { content: [{ type: "text", text: reason }], isError: true });
  });
}

Deno.test("the key does not follow a redirect to another host", async () => {
  await using other = startService(() => Response.json({ results: [] }));
  await using service = startService(() => Response.redirect(`${other.url}/search`, 307));
  const result = await search({ ...TAVILY, url: service.url });
  assertEquals(textOf(result), "The search service answered with status 307.");
  assertEquals(other.requests, []);
});

Deno.test("a service that can't be reached or hangs is reported with a reason", async () => {
  const closed = startService(() => new Response());
  await closed[Symbol.asyncDispose]();
  const refused = await search({ ...TAVILY, url: closed.url });
  assertEquals(textOf(refused), "The search service can't be reached.");

  const { promise, resolve } = Promise.withResolvers<Response>();
  await using service = startService(() => promise);
  const late = await search({ ...TAVILY, url: service.url, time_ms: 200 });
  assertEquals([late.isError, textOf(late)], [true, "There was no result within 200 ms."]);
  resolve(new Response());
});

Deno.test("aborting ends a search with the signal's reason", async () => {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<Response>();
  await using service = startService(() => promise);
  const running = search({ ...TAVILY, url: service.url }, undefined, controller.signal);
  await waitUntil("the request", () => service.requests.length > 0);
  controller.abort(new Error("the client disconnected"));
  await assertRejects(() => running, Error, "the client disconnected");
  resolve(new Response());
});

for (const args of [undefined, null, {}, { query: "" }, { query: " " }, { query: 1 }, "primes"]) {
  Deno.test(`web_search explains its arguments when it gets ${JSON.stringify(args)}`, async () => {
    const result = await search(TAVILY, args ?? {});
    assertEquals(textOf(result), 'Expected an object with the text "query".');
  });
}

const FAULTS: [settings: Record<string, unknown>, fault: string][] = [
  [{}, "provider"],
  [{ provider: "google" }, "provider"],
  [{ provider: "searxng" }, "searxng needs the URL of your instance"],
  [{ provider: "tavily" }, "tavily needs a key"],
  [{ provider: "brave", api_key: "" }, "brave needs a key"],
  [{ provider: "exa", api_key: "a\nb" }, "one line"],
  [{ provider: "searxng", url: "ftp://example.com" }, "http or https URL"],
  [{ provider: "searxng", url: "http://user:password@example.com" }, "http or https URL"],
  [{ ...TAVILY, max_results: 21 }, "max_results"],
  [{ ...TAVILY, engine: "x" }, "engine"],
];

for (const [settings, fault] of FAULTS) {
  Deno.test(`settings are rejected: ${JSON.stringify(settings)}`, () => {
    const { error } = webSearch.options.safeParse(settings);
    assertStringIncludes(error?.message ?? "", fault);
  });
}
