import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { writeConfig } from "../support/program.ts";
import { reasonWithout, skippedFor } from "../support/skip.ts";
import { type Reply, startUpstream, step, type Upstream } from "../support/upstream.ts";
import { startOnTerminal, type TerminalOptions, type TerminalProgram } from "./pty.ts";

type Ask = (args: string[], options?: TerminalOptions) => TerminalProgram;

/** Runs `o1-api ask` with a configuration on a terminal. */
function onTerminal(
  name: string,
  script: readonly Reply[],
  test: (ask: Ask, upstream: Upstream) => Promise<void>,
): void {
  Deno.test(skippedFor(reasonWithout("script"), name), async () => {
    await using upstream = startUpstream(script);
    await using config = await writeConfig(`
upstreams: { s: { base_url: "${upstream.url}" } }
models:
  plain: { strategy: direct, upstream: s, model: m }
  steps: { strategy: steps, upstream: s, model: m }
`);
    const ask: Ask = (args, options) =>
      startOnTerminal(["ask", "--config", config.path, ...args], options);
    await test(ask, upstream);
  });
}

/** Sends `begun` and then nothing. */
const STUCK = {
  content: ["begun", "never"],
  gate: (frame: number) => frame === 2 ? new Promise<void>(() => {}) : undefined,
} satisfies Reply;

const STEPS: Reply[] = [
  { content: step("Look", "It is a sum.", "final_answer") },
  { content: step("Check", "It is four.", "final_answer") },
  { content: ["Fo", "ur."] },
];

/** The screen with visible escape characters. */
function visible(program: TerminalProgram): string {
  return program.screen().replaceAll("\x1b", "␛");
}

/** Width of a text in columns; wide characters count twice. */
function width(text: string): number {
  const shown = text.replace(/␛\[[\d;]*[A-Za-z]/g, "");
  return [...shown].reduce(
    (sum, character) => sum + (/[\u1100-\u115f\u2e80-\uffdc]/.test(character) ? 2 : 1),
    0,
  );
}

onTerminal("the thinking is dimmed, the answer is plain", STEPS, async (ask) => {
  await using program = ask(["-m", "steps", "sum"]);
  assertEquals(await program.ended, 0);
  assertStringIncludes(program.screen(), "\x1b[2m✓ Look");
  assert(/␛\[2K\r\nFour\.\r\n␛\[2m\d+ tokens/.test(visible(program)), visible(program));
  assert(!program.screen().includes("It is a sum.\r\n"), program.screen());
});

onTerminal("with NO_COLOR the thinking is not dimmed", STEPS, async (ask) => {
  await using program = ask(["-m", "steps", "sum"], { env: { NO_COLOR: "1" } });
  assertEquals(await program.ended, 0);
  assertStringIncludes(program.screen(), "✓ Look");
  assert(!/␛\[\d*m/.test(visible(program)), visible(program));
});

onTerminal("a dumb terminal receives no control characters", STEPS, async (ask) => {
  await using program = ask(["-m", "steps", "sum"], { env: { TERM: "dumb" } });
  assertEquals(await program.ended, 0);
  assertStringIncludes(program.screen(), "✓ Look");
  assertStringIncludes(program.screen(), "\r\nFour.\r\n");
  assert(!program.screen().includes("\x1b"), program.screen());
});

onTerminal(
  "wide characters and long titles fit into the rewritten line",
  [
    { content: step(`${"題名".repeat(40)}\n\nx`, "思考中です、".repeat(30), "final_answer") },
    { content: step("Check", "It is four.", "final_answer") },
    { content: "四" },
  ],
  async (ask) => {
    await using program = ask(["-m", "steps", "sum"], { columns: 24 });
    assertEquals(await program.ended, 0);
    const lines = visible(program).split(/\r\n|\r␛\[2K/).filter((line) => !/tokens/.test(line));
    assert(lines.some((line) => line.includes("思考中")), program.screen());
    assert(lines.some((line) => /✓ 題名題.*… {2}\d/.test(line)), program.screen());
    assertEquals(lines.filter((line) => width(line) > 23), []);
  },
);

onTerminal(
  "control characters of a model do not reach the terminal",
  [{
    reasoning: ["\x1b]0;evil\x07", "\x1b[2J\x9b2J"],
    content: ["a\x1b", "[2Jb\x07c\r\u009b31m\x7f\x1b]52;c;x\x07", "\td\n"],
  }],
  async (ask) => {
    await using program = ask(["-m", "plain", "--thinking", "full", "q"]);
    assertEquals(await program.ended, 0);
    assertStringIncludes(program.screen(), "]0;evil");
    assertStringIncludes(program.screen(), "a[2Jbc31m]52;c;x\td\r\n");
    // Only the program's own control characters and line breaks are left.
    const rest = visible(program).replace(/␛\[(?:2|22)m|\r␛\[2K|\r\n/g, "");
    // deno-lint-ignore no-control-regex -- they are searched for
    assertEquals(rest.match(/[␛\x00-\x08\x0b-\x1f\x7f-\x9f]/g), null);
  },
);

onTerminal("Ctrl-C exits with 130 and completes the line", [STUCK], async (
  ask,
  upstream,
) => {
  await using program = ask(["-m", "plain", "q"]);
  await program.sent("begun");
  await program.type("\x03");
  assertEquals(await program.ended, 130);
  await upstream.calls[0]!.left;
  assert(program.screen().endsWith("\r\n"), JSON.stringify(program.screen()));
});

onTerminal(
  "only the answer is written to a pipe, while the terminal shows the thinking",
  STEPS,
  async (ask) => {
    await using program = ask(["-m", "steps", "sum"], { after: "| sed 's/^/piped: /'" });
    assertEquals(await program.ended, 0);
    assertStringIncludes(program.screen(), "✓ Look");
    assertEquals(program.screen().match(/piped: .*/g), ["piped: Four."]);
  },
);
