/**
 * What every coding agent must do against the server.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { reasonWithout, skippedFor } from "../../support/skip.ts";
import type { Reply } from "../../support/upstream.ts";
import {
  type Agent,
  type AgentOptions,
  ANSWER,
  assertAnswered,
  assertStops,
  call,
  MODELS,
  REPLIES,
  resultsOf,
  startAgent,
  type Turns,
} from "./agent.ts";

type ToolCall = readonly [name: string, fields: object];

export interface AgentProgram {
  name: string;
  /** The name of its program on the PATH. */
  program: string;
  /** How to start it with the question. */
  start(model: string): Pick<AgentOptions, "args" | "env" | "home">;
  /** The calls of two tools that read a file. */
  reads?(file: string): readonly [ToolCall, ToolCall];
  /** Whether it drops all but the first of several calls. */
  runsOnlyFirst?(model: string): boolean;
  /** The call that writes "four" instead of "two" into the file. */
  edit?(file: string, model: string): ToolCall;
  /** The answer that does so, if the agent has no tools. */
  edits?: string;
  /** Failures that it does not show. */
  hides?: readonly Failure[];
  /** The exit code after a failure that it shows. Default: 1. */
  failsWith?: number;
  /** How many requests it sends at most when the upstream fails. Default: 1. */
  requests?: number;
  /** The same for a rate limit. Default: 1. */
  limitedRequests?: number;
}

type Failure = keyof typeof REPLIES;

/** The failures, with the model that each is tested with and what the agent shows. */
const FAILURES: readonly [failure: Failure, model: string, shows: RegExp][] = [
  ["unauthorized", "o1", /The upstream rejected the server's credentials/],
  ["limited", "o1-vote", /The upstream's rate limit is reached/],
  ["spent", "plain", /The upstream's quota is used up/],
  ["overflow", "o1", /The conversation has 9000 tokens/],
];

/** Asked for by the upstream, so that no test waits longer. */
const SOON = { "retry-after-ms": "1" };

/** Registers the tests of an agent. */
export function testAgent(agent: AgentProgram): void {
  const { name, program, reads, edit, edits } = agent;
  const missing = reasonWithout(program);
  const hasTools = edits === undefined;
  const start = (model: string, turns: Turns, fails?: Reply): Promise<Agent> =>
    startAgent({
      program,
      ...agent.start(model),
      turns,
      fails,
      hasTools,
      files: { "a.txt": "two\n" },
    });
  const test = (what: string, fn: () => Promise<void>) =>
    Deno.test({ ...skippedFor(missing, `${name} ${what}`), fn });

  for (const model of Object.keys(MODELS)) {
    test(`answers a question with ${model}`, async () => {
      await using running = await start(model, [{ content: ANSWER }]);
      await assertAnswered(running);
    });

    if (reads && edit) {
      test(`runs two tools at once and edits a file with ${model}`, async () => {
        await using running = await start(model, (_call, turn, work) => {
          const file = `${work}/a.txt`;
          const [first, second] = reads(file);
          return [
            { toolCalls: [call(...first), call(...second, "call_2")] },
            { toolCalls: [call(...edit(file, model), "call_3")] },
            { content: ANSWER },
          ][turn]!;
        });
        await assertAnswered(running);
        assertEquals(await running.read("a.txt"), "four\n");
        const results = resultsOf(running).slice(0, -1);
        assertEquals(results.length, agent.runsOnlyFirst?.(model) ? 1 : 2);
        for (const result of results) assertMatch(JSON.stringify(result), /two/);
      });
    } else {
      test(`edits a file with ${model}`, async () => {
        await using running = await start(model, [{ content: edits! }]);
        await running.ended;
        assertEquals(await running.read("a.txt"), "four\n");
      });
    }

    test(`stops the upstream at once when it is interrupted with ${model}`, async () => {
      await assertStops(() => start(model, [{ content: ["The "], end: "stall" }]));
    });
  }

  for (const [failure, model, shows] of FAILURES) {
    const isHidden = agent.hides?.includes(failure) ?? false;
    test(`${isHidden ? "ends without" : "shows"} a failure: ${failure}, with ${model}`, async () => {
      await using running = await start(model, [], { ...REPLIES[failure], headers: SOON });
      const { code, output } = await running.ended;
      // Some break lines at 80 characters.
      assertEquals(shows.test(output.replaceAll(/\s+/g, " ")), !isHidden, output);
      assertEquals(code, isHidden ? 0 : agent.failsWith ?? 1, output);
      const { requests = 1, limitedRequests = requests } = agent;
      const limit = failure === "limited" ? limitedRequests : requests;
      assert(running.requests.length <= limit, `${running.requests.length} requests`);
    });
  }
}
