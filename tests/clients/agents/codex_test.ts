/**
 * Codex CLI, without a terminal.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { TOKEN } from "../../support/app.ts";
import { reasonWithout, skippedFor } from "../../support/skip.ts";
import type { Reply } from "../../support/upstream.ts";
import {
  type Agent,
  ANSWER,
  assertAnswered,
  assertStops,
  call,
  MODELS,
  QUESTION,
  recipe,
  REPLIES,
  resultsOf,
  startAgent,
  type Turns,
} from "./agent.ts";

const NO_CODEX = reasonWithout("codex");

/** The models that Codex knows: the first has tools of its own, the second runs them in scripts. */
const CODEX_MODELS = { "gpt-5.5": "steps", "gpt-6.2-sol": "vote" };

/**
 * The configuration that the documentation recommends, without contact to other hosts, and with an
 * MCP server.
 */
const CONFIG = `check_for_update_on_startup = false
${recipe("Codex")}
[analytics]
enabled = false

[mcp_servers.math]
command = ${JSON.stringify(Deno.execPath())}
args = ["run", "--no-config", ${
  JSON.stringify(fileURLToPath(new URL("math_server.ts", import.meta.url)))
}]
`;

function startCodex(model: string, turns: Turns, fails?: Reply): Promise<Agent> {
  return startAgent({
    program: "codex",
    args: [
      "exec",
      "--model",
      model,
      "--skip-git-repo-check",
      "--dangerously-bypass-approvals-and-sandbox",
      QUESTION,
    ],
    turns,
    fails,
    models: CODEX_MODELS,
    env: { O1_API_KEY: TOKEN },
    home: { ".codex/config.toml": CONFIG },
    files: { "a.txt": "two\n" },
  });
}

function codexTest(name: string, run: () => Promise<void>): void {
  Deno.test({ ...skippedFor(NO_CODEX, `Codex ${name}`), fn: run });
}

const PATCH = `*** Begin Patch
*** Update File: a.txt
@@
-two
+four
*** End Patch
`;

for (const model of Object.keys(MODELS)) {
  codexTest(`answers a question with ${model}`, async () => {
    await using agent = await startCodex(model, [{ content: ANSWER }]);
    await assertAnswered(agent);
    assertEquals(agent.requests.length, 1);
  });

  codexTest(`runs two tools at once and edits a file with ${model}`, async () => {
    await using agent = await startCodex(model, [
      {
        toolCalls: [
          call("exec_command", { cmd: "cat a.txt" }),
          call("multi_agent_v1__wait_agent", { targets: [] }, "call_2"),
        ],
      },
      { toolCalls: [call("exec_command", { cmd: `apply_patch <<'END'\n${PATCH}END` }, "call_3")] },
      { content: ANSWER },
    ]);
    await assertAnswered(agent);
    assertEquals(await agent.read("a.txt"), "four\n");
    const [read, waited] = resultsOf(agent);
    assertMatch(read!, /two/);
    assertMatch(waited!, /targets|agent/);
  });

  codexTest(`stops the upstream at once when it is interrupted with ${model}`, async () => {
    await assertStops(() => startCodex(model, [{ content: ["The "], end: "stall" }]));
  });

  const failures: [name: string, reply: Reply, shows: RegExp][] = [
    [
      "a rejected key of the upstream",
      REPLIES.unauthorized,
      /The upstream rejected the server's credentials/,
    ],
    ["a rate limit", REPLIES.limited, /429 Too Many Requests/],
    ["a spent quota", REPLIES.spent, /Quota exceeded\. Check your plan and billing details/],
    ["a conversation that is too long", REPLIES.overflow, /ran out of room in the model's context/],
  ];
  for (const [name, reply, shows] of failures) {
    codexTest(`shows ${name} and does not retry, with ${model}`, async () => {
      await using agent = await startCodex(model, [], reply);
      const { code, output } = await agent.ended;
      assertMatch(output, shows);
      assertEquals([code, agent.requests.length], [1, 1], output);
    });
  }
}

codexTest("edits a file with its patch tool with gpt-5.5", async () => {
  await using agent = await startCodex("gpt-5.5", [
    { toolCalls: [call("apply_patch", { input: PATCH })] },
    { content: ANSWER },
  ]);
  await assertAnswered(agent);
  assertEquals(await agent.read("a.txt"), "four\n");
  const { tools } = agent.turns()[0]!.body;
  const { description } = tools.find(({ function: { name } }: { function: { name: string } }) =>
    name === "apply_patch"
  ).function;
  assertStringIncludes(description, "The text must match this Lark grammar:\n\nstart: begin_patch");
});

codexTest("runs its scripts and edits a file with gpt-6.2-sol", async () => {
  const script = `await tools.apply_patch(${JSON.stringify(PATCH)});
const { output } = await tools.exec_command({ cmd: "cat a.txt" });
text(output);`;
  await using agent = await startCodex("gpt-6.2-sol", [
    { toolCalls: [call("functions__exec", { input: script })] },
    { content: ANSWER },
  ]);
  await assertAnswered(agent);
  assertEquals(await agent.read("a.txt"), "four\n");
  assertMatch(resultsOf(agent)[0]!, /four/);
});

codexTest("gives another agent a task with gpt-6.2-sol", async () => {
  const task = { task_name: "sub", message: "Add 2 and 2.", fork_turns: "none" };
  const received: string[] = [];
  await using agent = await startCodex("gpt-6.2-sol", ({ body }, turn) => {
    const last = body.messages.at(-1).content;
    if (last.includes("NEW_TASK")) {
      received.push(last);
      return { content: "4" };
    }
    if (turn === 0) return { toolCalls: [call("collaboration__spawn_agent", task)] };
    if (turn === 1) return { toolCalls: [call("collaboration__wait_agent", {}, "call_2")] };
    return { content: ANSWER };
  });
  await assertAnswered(agent);
  assertEquals(received.length, 1);
  assertStringIncludes(received[0]!, "Add 2 and 2.");
  assertStringIncludes(JSON.stringify(agent.turns().at(-1)!.body.messages), "FINAL_ANSWER");
});

codexTest("calls a tool of an MCP server with o1", async () => {
  await using agent = await startCodex("o1", [
    { toolCalls: [call("mcp__math__add", { a: 2, b: 2 })] },
    { content: ANSWER },
  ]);
  await assertAnswered(agent);
  assertMatch(resultsOf(agent)[0]!, /4$/);
});

codexTest("finds a tool of an MCP server by a search with gpt-5.5", async () => {
  await using agent = await startCodex("gpt-5.5", [
    { toolCalls: [call("tool_search", { query: "add numbers" })] },
    { toolCalls: [call("mcp__math__add", { a: 2, b: 2 }, "call_2")] },
    { content: ANSWER },
  ]);
  await assertAnswered(agent);
  const [found, sum] = resultsOf(agent);
  assertEquals(found, "You can now call: mcp__math__add.");
  assertMatch(sum!, /4$/);
  const offered = agent.turns().map(({ body }) => JSON.stringify(body.tools));
  assertEquals(offered.map((tools) => tools.includes('"mcp__math__add"')), [false, true, true]);
});
