import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { PLACEHOLDER_TOKEN } from "../../../lib/config/resolve.ts";
import { createTestApp, TOKEN } from "../../support/app.ts";
import { freePort } from "../../support/port.ts";
import { cleanEnv, PERMISSIONS, ROOT, writeConfig } from "../../support/program.ts";
import { waitFor } from "../../support/wait.ts";
import { type Reply, startUpstream, step, type Upstream } from "../../support/upstream.ts";

/** Starts a server with a scripted upstream and asks it. */
async function withServer(
  script: readonly Reply[] | (() => Reply),
  test: (ask: Ask, upstream: Upstream) => Promise<void>,
  yaml?: string,
): Promise<void> {
  await using upstream = startUpstream(script);
  const app = await createTestApp({ upstream: upstream.url, ...(yaml && { yaml }) });
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => app.handle(request),
  );
  const url = `http://127.0.0.1:${server.addr.port}/v1`;
  await test(
    (args, options) => startAsk(["--url", url, "--key", options?.key ?? TOKEN, ...args], options),
    upstream,
  );
}

type Ask = typeof startAsk;

interface AskOptions {
  /** Standard input. */
  input?: string;
  /** Command that runs the command line. */
  command?: string[];
  /** Replaces the valid key. */
  key?: string;
}

/** Starts `o1-api ask`. */
function startAsk(args: string[], { input, command = [] }: AskOptions = {}) {
  const whole = [Deno.execPath(), "run", ...PERMISSIONS, "main.ts", "ask", ...args];
  const [path, ...rest] = [...command, ...whole];
  const child = new Deno.Command(path!, {
    args: rest,
    cwd: ROOT,
    env: cleanEnv(),
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const finish = async () => {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input ?? ""));
    await writer.close();
    const { code, stdout, stderr } = await child.output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, out: text(stdout), err: text(stderr) };
  };
  return {
    kill: (signal: Deno.Signal) => child.kill(signal),
    ended: waitFor("the program to exit", finish()),
  };
}

const STEPS: Reply[] = [
  { content: step("Look", "It is a sum.", "final_answer") },
  { content: step("Check", "It is four.", "final_answer") },
  { content: ["Fo", "ur."] },
];

Deno.test("only the answer is written to a pipe", () =>
  withServer([{ reasoning: "secretly", content: "Four." }], async (ask) => {
    const { code, out, err } = await ask(["--model", "plain", "What", "is 2 + 2?"]).ended;
    assertEquals({ code, out, err }, { code: 0, out: "Four.\n", err: "" });
  }));

Deno.test("piped input is appended to the question", () =>
  withServer([{ content: "ok" }], async (ask, upstream) => {
    await ask(["--model", "plain", "Summarise:"], { input: "a long text\n" }).ended;
    assertEquals(upstream.calls[0]!.body.messages, [
      { role: "user", content: "Summarise:\n\na long text" },
    ]);
  }));

Deno.test({
  name: "the titles of the thinking include the tools that were used",
  // A thread of the tool lives longer than the test.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    withServer(
      [
        { content: null, toolCalls: [{ id: "a", name: "code", arguments: '{"code":"6 * 7"}' }] },
        { content: null, toolCalls: [{ id: "b", name: "code", arguments: '{"code":"throw 1"}' }] },
        { content: "42" },
      ],
      async (ask) => {
        const { out, err } = await ask(["--model", "o1", "--thinking", "titles", "6 * 7?"]).ended;
        assertEquals(out, "42\n");
        assertStringIncludes(err, "✓ used code");
        assertStringIncludes(err, "✗ used code");
      },
      "upstreams: { s: { base_url: UPSTREAM } }\nmodels: { o1: { strategy: direct, upstream: s, model: m, tools: [code] } }",
    ),
});

Deno.test("thinking is written to standard error, folded to its titles", () =>
  withServer(STEPS, async (ask) => {
    const { out, err } = await ask(["--model", "o1", "--thinking", "titles", "2 + 2?"]).ended;
    assertEquals(out, "Four.\n");
    assertStringIncludes(err, "✓ Look");
    assert(!err.includes("It is a sum."), err);
    assertStringIncludes(err, "tokens");
  }));

Deno.test("--thinking full shows the whole thinking", () =>
  withServer(STEPS, async (ask) => {
    const { out, err } = await ask(["--model", "o1", "--thinking", "full", "2 + 2?"]).ended;
    assertEquals(out, "Four.\n");
    assertStringIncludes(err, "It is a sum.");
  }));

Deno.test("--json prints the whole completion", () =>
  withServer([{ content: "Four." }], async (ask) => {
    const { code, out } = await ask(["--json", "--model", "plain", "2 + 2?"]).ended;
    assertEquals(code, 0);
    assertEquals(JSON.parse(out).choices[0].message.content, "Four.");
  }));

Deno.test("--system precedes the question", () =>
  withServer([{ content: "ok" }], async (ask, upstream) => {
    await ask(["--model", "plain", "--system", "Be brief.", "2 + 2?"]).ended;
    assertEquals(upstream.calls[0]!.body.messages, [
      { role: "system", content: "Be brief." },
      { role: "user", content: "2 + 2?" },
    ]);
  }));

Deno.test("--effort and --strategy are sent with the question", () =>
  withServer([{ content: "Four." }], async (ask, upstream) => {
    const args = ["--model", "o1", "--strategy", "direct", "--effort", "low", "2 + 2?"];
    const { out } = await ask(args).ended;
    assertEquals(out, "Four.\n");
    assertEquals(upstream.calls.length, 1);
  }));

Deno.test("the server's error message is printed", () =>
  withServer([{ content: "" }], async (ask) => {
    const { code, out, err } = await ask(["--model", "nope", "2 + 2?"]).ended;
    assertEquals({ code, out }, { code: 1, out: "" });
    assertStringIncludes(err, "The model `nope` does not exist");
  }));

Deno.test("an unknown strategy is an invalid argument", () =>
  withServer([{ content: "" }], async (ask) => {
    const { code, err } = await ask(["--model", "o1", "--strategy", "foo", "2 + 2?"]).ended;
    assertEquals(code, 2);
    assertStringIncludes(err, "Unknown strategy 'foo'");
  }));

Deno.test("Ctrl-C stops the upstream", async () => {
  const begun = Promise.withResolvers<void>();
  await withServer(() => ({
    content: ["Be", "gun", "never"],
    gate: (frame) => frame === 2 ? (begun.resolve(), new Promise<void>(() => {})) : undefined,
  }), async (ask, upstream) => {
    const running = ask(["--model", "plain", "2 + 2?"]);
    await waitFor("the upstream to answer", begun.promise);
    running.kill("SIGINT");
    const { code } = await running.ended;
    assertEquals(code, 130);
    await upstream.calls[0]!.left;
  });
});

Deno.test("control characters of a model are removed", () =>
  withServer([{ content: "a\x1b[2Jb\x07c" }], async (ask) => {
    const { out } = await ask(["--model", "plain", "2 + 2?"]).ended;
    assertEquals(out, "a[2Jbc\n");
  }));

for (
  const [what, args, says] of [
    ["a missing question", [], "No question given"],
    ["an unknown option", ["--nope", "x"], "Unknown option --nope"],
    ["an unknown effort", ["--effort", "huge", "x"], "--effort must be one of none, minimal"],
    [
      "an unknown view",
      ["--thinking", "some", "x"],
      "--thinking must be one of titles, full, none",
    ],
    ["--key without --url", ["--key", "k", "x"], "--key requires --url"],
    ["--config with --url", ["--config", "c", "--url", "http://h/v1", "x"], "exclude each other"],
    ["an invalid URL", ["--url", "localhost", "x"], "--url must begin with http"],
  ] as const
) {
  Deno.test(`${what} is rejected`, async () => {
    const { code, err } = await startAsk([...args]).ended;
    assertEquals(code, 2);
    assertStringIncludes(err, says);
  });
}

Deno.test("without --url the configured models answer", async () => {
  const { code, out } = await startAsk(["What is 17 × 23 − 5?"]).ended;
  assertEquals(code, 0);
  assertStringIncludes(out, "386");
});

Deno.test("the words of the question are not converted", () =>
  withServer([{ content: "ok" }], async (ask, upstream) => {
    await ask(["--model", "plain", "007", "+", "1e3", "--", "-5"]).ended;
    assertEquals(upstream.calls[0]!.body.messages[0].content, "007 + 1e3 -5");
  }));

for (const token of ["", PLACEHOLDER_TOKEN]) {
  Deno.test(`a configuration that accepts only client keys works without a key, with the token "${token}"`, async () => {
    await using config = await writeConfig(`
api_bearer_token: "${token}"
keys: [{ name: alice, id: "0123456789", sha256: "${"0".repeat(64)}" }]
`);
    const args = ["--config", config.path, "--strategy", "direct", "2 + 2?"];
    const { code, out, err } = await startAsk(args).ended;
    assertEquals([code, err], [0, ""]);
    assertStringIncludes(out, "4");
  });
}

Deno.test("a closed output exits with 141 and stops the upstream", async () => {
  // More than a pipe holds.
  await withServer(() => ({
    content: ["first\n", ...Array(2_000).fill(`${"more ".repeat(20)}\n`)],
    end: "stall",
  }), async (ask, upstream) => {
    const command = ["bash", "-c", 'set -o pipefail; "$@" | head -n 1', "sh"];
    const running = ask(["--model", "plain", "q"], { command });
    const { code, out, err } = await running.ended;
    assertEquals({ code, out, err }, { code: 141, out: "first\n", err: "" });
    await upstream.calls[0]!.left;
  });
});

for (
  const [what, body, json, says] of [
    [
      "an incomplete stream",
      `data: ${chunk("Hal")}\n\n`,
      false,
      "ended before the answer was complete",
    ],
    ["invalid JSON in a stream", "data: {oops\n\n", false, "The answer is incomplete"],
    [
      "an error in a stream",
      'data: {"error":{"message":"bad \\u001b[2Jluck"}}\n\n',
      false,
      "bad [2Jluck",
    ],
    ["HTML instead of JSON", "<html>\x1b[2J</html>", true, "The answer is incomplete"],
  ] as const
) {
  Deno.test(`${what} exits with 1 and prints no control characters`, async () => {
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      () => new Response(body, { headers: { "content-type": "text/event-stream" } }),
    );
    const url = `http://127.0.0.1:${server.addr.port}/v1`;
    const { code, out, err } = await startAsk(["--url", url, ...json ? ["--json"] : [], "q"]).ended;
    assertEquals([code, out], [1, body.includes("Hal") ? "Hal\n" : ""]);
    assertStringIncludes(err, `o1-api: `);
    assertStringIncludes(err, says);
    assert(!err.includes("\x1b"), err);
  });
}

Deno.test("a connection that breaks during the answer is reported", async () => {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {}, onError: () => new Response() },
    () => {
      let sent = false;
      const stream = new ReadableStream({
        pull(controller) {
          if (sent) return controller.error(new Error("gone"));
          sent = true;
          controller.enqueue(new TextEncoder().encode(`data: ${chunk("Hal")}\n\n`));
        },
      });
      return new Response(stream, { headers: { "content-type": "text/event-stream" } });
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}/v1`;
  const { code, out, err } = await startAsk(["--url", url, "q"]).ended;
  assertEquals([code, out], [1, "Hal\n"]);
  assertStringIncludes(err, "o1-api: The answer is incomplete: ");
});

Deno.test("an unreachable server is reported", async () => {
  const url = `http://127.0.0.1:${freePort()}/v1`;
  const { code, out, err } = await startAsk(["--url", url, "q"]).ended;
  assertEquals([code, out], [1, ""]);
  assertStringIncludes(err, `o1-api: Can't reach ${url}`);
});

Deno.test("an unreachable upstream of the configuration is reported with the command that explains it", async () => {
  await using config = await writeConfig(`
default_api_url: http://127.0.0.1:${freePort()}
default_model: m
`);
  const args = ["--config", config.path, "--strategy", "direct", "q"];
  const { code, out, err } = await startAsk(args).ended;
  assertEquals([code, out], [1, ""]);
  assertEquals(
    err,
    "o1-api: The upstream can't be reached.\n" +
      `This shows why: deno task start check --online --config ${config.path}\n`,
  );
});

Deno.test("a wrong key is reported", () =>
  withServer([{ content: "ok" }], async (ask, upstream) => {
    const { code, out, err } = await ask(["--model", "plain", "q"], { key: "wrong-key" }).ended;
    assertEquals([code, out, upstream.calls.length], [1, "", 0]);
    assertStringIncludes(err, "o1-api: Incorrect API key provided");
  }));

Deno.test("--json escapes control characters", () =>
  withServer([{ content: "a\x9b2J\x7fb" }], async (ask) => {
    const { out } = await ask(["--json", "--model", "plain", "q"]).ended;
    // deno-lint-ignore no-control-regex -- they are searched for
    assertEquals(out.match(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/), null);
    assertEquals(JSON.parse(out).choices[0].message.content, "a\x9b2J\x7fb");
  }));

function chunk(content: string): string {
  return JSON.stringify({ choices: [{ index: 0, delta: { content } }] });
}
