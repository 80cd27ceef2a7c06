/**
 * Claude Code, without a terminal. It is large, so only `tests/clients/agents.sh` runs these tests.
 *
 * @module
 */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { reasonWithout, skippedFor } from "../../support/skip.ts";
import type { Reply } from "../../support/upstream.ts";
import {
  type Agent,
  ANSWER,
  assertAnswered,
  assertStops,
  call,
  exportsOf,
  MODELS,
  QUESTION,
  REPLIES,
  resultsOf,
  startAgent,
  type Turns,
} from "./agent.ts";

const NO_CLAUDE = reasonWithout("claude");

function startClaude(model: string, turns: Turns, fails?: Reply): Promise<Agent> {
  return startAgent({
    program: "claude",
    args: ["--print", "--dangerously-skip-permissions", QUESTION],
    turns,
    fails,
    env: {
      ...exportsOf("Claude Code"),
      ANTHROPIC_MODEL: model,
      ANTHROPIC_DEFAULT_HAIKU_MODEL: "plain",
      CLAUDE_CODE_MAX_RETRIES: "1",
      // No contact to other hosts.
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      // It refuses to skip permissions as root otherwise.
      IS_SANDBOX: "1",
    },
    files: { "a.txt": "two\n" },
  });
}

function claudeTest(name: string, run: () => Promise<void>): void {
  Deno.test({ ...skippedFor(NO_CLAUDE, `Claude Code ${name}`), fn: run });
}

for (const model of Object.keys(MODELS)) {
  claudeTest(`answers a question with ${model}`, async () => {
    await using agent = await startClaude(model, [{ content: ANSWER }]);
    await assertAnswered(agent);
  });

  claudeTest(`runs two tools at once and edits a file with ${model}`, async () => {
    await using agent = await startClaude(model, (_call, turn, work) => {
      const file_path = `${work}/a.txt`;
      const edit = { file_path, old_string: "two", new_string: "four" };
      return [
        {
          toolCalls: [
            call("Read", { file_path }),
            call("Bash", { command: "cat a.txt", description: "Show the file" }, "call_2"),
          ],
        },
        { toolCalls: [call("Edit", edit, "call_3")] },
        { content: ANSWER },
      ][turn]!;
    });
    await assertAnswered(agent);
    assertEquals(await agent.read("a.txt"), "four\n");
    const [read, shown] = resultsOf(agent);
    assertMatch(read!, /two/);
    assertMatch(shown!, /two/);
  });

  claudeTest(`stops the upstream at once when it is interrupted with ${model}`, async () => {
    await assertStops(() => startClaude(model, [{ content: ["The "], end: "stall" }]));
  });

  const failures: [name: string, reply: Reply, shows: RegExp, requests: number][] = [
    [
      "a rejected key of the upstream",
      REPLIES.unauthorized,
      /424 The upstream rejected the server's credentials/,
      1,
    ],
    ["a rate limit", REPLIES.limited, /\(429\) · The upstream's rate limit is reached/, 2],
    ["a spent quota", REPLIES.spent, /402 The upstream's quota is used up/, 1],
    ["a conversation that is too long", REPLIES.overflow, /Prompt is too long/i, 1],
  ];
  for (const [name, reply, shows, requests] of failures) {
    claudeTest(`shows ${name} with ${model}`, async () => {
      await using agent = await startClaude(model, [], reply);
      const { code, output } = await agent.ended;
      assertMatch(output, shows);
      assertEquals([code, agent.requests.length], [1, requests], output);
    });
  }
}

claudeTest("loads a tool by a search", async () => {
  await using agent = await startClaude("plain", [
    { toolCalls: [call("ToolSearch", { query: "select:WebFetch" })] },
    { content: ANSWER },
  ]);
  await assertAnswered(agent);
  assertEquals(resultsOf(agent), ["The tool WebFetch is loaded."]);
  const offered = agent.turns().map(({ body }) => JSON.stringify(body.tools));
  assertEquals(offered.map((tools) => tools.includes('"WebFetch"')), [false, true]);
  assertStringIncludes(offered[0]!, '"ToolSearch"');
});
