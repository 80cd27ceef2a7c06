import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createTestApp, TOKEN } from "../app.ts";
import { cleanEnv, PERMISSIONS, ROOT } from "../e2e/program.ts";
import { type Reply, startUpstream, step, type Upstream } from "../upstream.ts";

/** A server over a scripted upstream, and the command against it. */
async function withServer(
  script: readonly Reply[] | (() => Reply),
  test: (ask: Ask, upstream: Upstream) => Promise<void>,
): Promise<void> {
  await using upstream = startUpstream(script);
  const app = await createTestApp({ upstream: upstream.url });
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => app.handle(request),
  );
  const url = `http://127.0.0.1:${server.addr.port}/v1`;
  await test(
    (args, options) => startAsk(["--url", url, "--key", TOKEN, ...args], options),
    upstream,
  );
}

type Ask = typeof startAsk;

/** Starts `o1-api ask`. */
function startAsk(args: string[], { input, command }: { input?: string; command?: string[] } = {}) {
  const whole = ["run", ...PERMISSIONS, "main.ts", "ask", ...args];
  const [path, ...rest] = command ?? [Deno.execPath()];
  const child = new Deno.Command(path!, {
    args: command === undefined ? whole : rest,
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
  return { kill: (signal: Deno.Signal) => child.kill(signal), ended: finish() };
}

const STEPS: Reply[] = [
  { content: step("Look", "It is a sum.", "final_answer") },
  { content: step("Check", "It is four.", "final_answer") },
  { content: ["Fo", "ur."] },
];

Deno.test("the answer alone goes to a pipe", () =>
  withServer([{ reasoning: "secretly", content: "Four." }], async (ask) => {
    const { code, out, err } = await ask(["--model", "plain", "What", "is 2 + 2?"]).ended;
    assertEquals({ code, out, err }, { code: 0, out: "Four.\n", err: "" });
  }));

Deno.test("what is piped in follows the question", () =>
  withServer([{ content: "ok" }], async (ask, upstream) => {
    await ask(["--model", "plain", "Summarise:"], { input: "a long text\n" }).ended;
    assertEquals(upstream.calls[0]!.body.messages, [
      { role: "user", content: "Summarise:\n\na long text" },
    ]);
  }));

Deno.test("thinking goes to standard error, folded to its titles", () =>
  withServer(STEPS, async (ask) => {
    const { out, err } = await ask(["--model", "o1", "--thinking", "titles", "2 + 2?"]).ended;
    assertEquals(out, "Four.\n");
    assertStringIncludes(err, "✓ Look");
    assert(!err.includes("It is a sum."), err);
    assertStringIncludes(err, "tokens");
  }));

Deno.test("thinking is shown in full where it is asked for", () =>
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

Deno.test("a conversation sends what was said before", () =>
  withServer([{ content: "First." }, { content: "Second." }], async (ask, upstream) => {
    const { code, out } = await ask(["--chat", "--model", "plain", "--system", "Be brief."], {
      input: "one\n\ntwo\n",
    }).ended;
    assertEquals({ code, out }, { code: 0, out: "First.\nSecond.\n" });
    assertEquals(upstream.calls[1]!.body.messages, [
      { role: "system", content: "Be brief." },
      { role: "user", content: "one" },
      { role: "assistant", content: "First." },
      { role: "user", content: "two" },
    ]);
  }));

Deno.test("effort and strategy go with the question", () =>
  withServer([{ content: "Four." }], async (ask, upstream) => {
    const args = ["--model", "o1", "--strategy", "direct", "--effort", "low", "2 + 2?"];
    const { out } = await ask(args).ended;
    assertEquals(out, "Four.\n");
    assertEquals(upstream.calls.length, 1);
  }));

Deno.test("the server's words say what went wrong", () =>
  withServer([{ content: "" }], async (ask) => {
    const { code, out, err } = await ask(["--model", "nope", "2 + 2?"]).ended;
    assertEquals({ code, out }, { code: 1, out: "" });
    assertStringIncludes(err, "The model `nope` does not exist");
  }));

Deno.test("Ctrl-C ends the upstream's work", async () => {
  const begun = Promise.withResolvers<void>();
  await withServer(() => ({
    content: ["Be", "gun", "never"],
    gate: (frame) => frame === 2 ? (begun.resolve(), new Promise<void>(() => {})) : undefined,
  }), async (ask, upstream) => {
    const running = ask(["--model", "plain", "2 + 2?"]);
    await begun.promise;
    running.kill("SIGINT");
    const { code } = await running.ended;
    assertEquals(code, 130);
    await upstream.calls[0]!.left;
  });
});

Deno.test("a model can't control the terminal", () =>
  withServer([{ content: "a\x1b[2Jb\x07c" }], async (ask) => {
    const { out } = await ask(["--model", "plain", "2 + 2?"]).ended;
    assertEquals(out, "a[2Jbc\n");
  }));

for (
  const [what, args, says] of [
    ["no question", [], "What is the question?"],
    ["an unknown option", ["--nope", "x"], "Unknown option --nope"],
    ["an unknown effort", ["--effort", "huge", "x"], "--effort is one of"],
    ["an unknown view", ["--thinking", "some", "x"], "--thinking is titles, full or none"],
    ["JSON in a conversation", ["--json", "--chat"], "--json can't be used with --chat"],
    ["a URL that is none", ["--url", "localhost", "x"], "--url begins with http"],
  ] as const
) {
  Deno.test(`${what} is refused`, async () => {
    const { code, err } = await startAsk([...args]).ended;
    assertEquals(code, 2);
    assertStringIncludes(err, says);
  });
}

Deno.test("without a server the configured models answer", async () => {
  const { code, out } = await startAsk(["What is 17 × 23 − 5?"]).ended;
  assertEquals(code, 0);
  assertStringIncludes(out, "386");
});

Deno.test("on a terminal the thinking is live and dimmed", async (t) => {
  const script = await new Deno.Command("which", { args: ["script"], stdout: "null" }).output();
  if (!script.success) return console.log(`${t.name}: skipped, since there is no script(1)`);
  await withServer(STEPS, async (_ask, upstream) => {
    const config = await Deno.makeTempFile({ suffix: ".yaml" });
    await Deno.writeTextFile(
      config,
      `upstreams: { s: { base_url: "${upstream.url}" } }\nmodels: { o1: { strategy: steps, upstream: s, model: m } }\n`,
    );
    const line = [
      "env",
      "-u",
      "NO_COLOR",
      Deno.execPath(),
      "run",
      ...PERMISSIONS,
      "main.ts",
      "ask",
      "--config",
      config,
      "sum",
    ];
    const { out } = await startAsk([], {
      command: ["script", "-qec", line.join(" "), "/dev/null"],
    }).ended;
    assertStringIncludes(out, "\x1b[2m✓ Look");
    assertStringIncludes(out, "Four.");
    await Deno.remove(config);
  });
});
