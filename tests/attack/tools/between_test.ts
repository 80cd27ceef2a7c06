/**
 * Clients that leave while no tool is at work: between calls, in a queue, while a server is connected
 * to. Nothing is left of their runs: no call, no timer, no place in a queue, no tool that stays open.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Clock, systemClock } from "../../../lib/clock.ts";
import { createMemoryLimiter } from "../../../lib/store/memory/limiter.ts";
import { createFetchTool, fetchKind } from "../../../lib/tools/fetch/kind.ts";
import { waitFor, waitUntil } from "../../support/wait.ts";
import { resultsOf, threads } from "../../reasoning/tools/setup.ts";
import { serve } from "../../tools/mcp/servers.ts";
import {
  assertCodeIsFree,
  type AttackedApp,
  call,
  createAttackedApp,
  once,
  readAll,
} from "./setup.ts";

const BODY = { model: "all" };
const QUICK = call("code", { code: "1 + 1" });
const ENDLESS = call("code", { code: "for (;;);" });

/** Timers of requests and tools are longer; shorter ones, such as for heartbeats, come and go. */
const LONG_MS = 10_000;

/**
 * The system's clock, with the delays of its long timers that were not cancelled, in order. Also of those
 * that have fired: a test that waits for the end of a timer must not pass because it waits so long.
 */
function createCountingClock(): { clock: Clock; timers: () => number[] } {
  const running = new Map<symbol, number>();
  return {
    timers: () => [...running.values()].sort(),
    clock: {
      ...systemClock,
      timer(ms, callback) {
        const id = Symbol();
        if (ms > LONG_MS) running.set(id, ms);
        const cancel = systemClock.timer(ms, callback);
        return () => {
          running.delete(id);
          cancel();
        };
      },
    },
  };
}

/** The timer of running code: its limit, and the time that it has to end. */
const CODE_MS = 61_500;
/** How long code waits for its turn. */
const QUEUE_MS = 30_000;

async function waitForTimers(timers: () => number[], expected: readonly number[]): Promise<void> {
  const isMet = () => timers().join() === expected.join();
  const what = () => `the timers ${expected} instead of ${timers()}`;
  await waitUntil(what, isMet);
}

type Send = (app: AttackedApp, init: RequestInit) => Promise<Response>;

const MESSAGES = [{ role: "user", content: "?" }];
const FORMS: Record<string, Send> = {
  "Chat Completions": ({ app }, init) => app.chat(BODY, init),
  "a stream": ({ app }, init) => app.chat({ ...BODY, stream: true }, init),
  "Responses": ({ app }, init) => app.respond({ ...BODY, stream: true }, init),
  "Messages": ({ app }, init) =>
    app.send("/v1/messages", { ...BODY, max_tokens: 100, messages: MESSAGES }, init),
};

type End = (served: AttackedApp, waits: () => boolean, release?: () => void) => Promise<void>;

/**
 * Ends a run once it waits.
 *
 * @param release called afterwards.
 */
async function endWhile(
  served: AttackedApp,
  send: Send,
  waits: () => boolean,
  release = () => {},
): Promise<void> {
  const client = new AbortController();
  const reading = readAll(send(served, { signal: client.signal }));
  await waitUntil("the run to wait", waits);
  client.abort();
  release();
  await waitFor("the end of the response", reading);
}

const cancelWhile: End = async ({ app }, waits, release = () => {}) => {
  const { id } = await (await app.respond({ ...BODY, background: true })).json();
  await waitUntil("the run to wait", waits);
  const sent = app.send(`/v1/responses/${id}/cancel`, "", { method: "POST" });
  assertEquals((await (await sent).json()).status, "cancelled");
  release();
};

const ENDS: Record<string, End> = {
  ...Object.fromEntries(
    Object.entries(FORMS).map(([form, send]): [string, End] => [
      `a client of ${form} leaves`,
      (served, waits, release) => endWhile(served, send, waits, release),
    ]),
  ),
  "a run in the background is cancelled": cancelWhile,
};

for (const [end, run] of Object.entries(ENDS)) {
  Deno.test(`nothing is left when ${end} during the call after a tool`, threads, async () => {
    const { clock, timers } = createCountingClock();
    const gate = Promise.withResolvers<void>();
    await using served = await createAttackedApp(
      (request) =>
        resultsOf(request).length === 0 ? QUICK : { content: "Done.", before: gate.promise },
      { clock },
    );
    await assertCodeIsFree(served);
    const before = timers();
    served.upstream.calls.length = 0;
    const { upstream } = served;
    await run(served, () => upstream.calls.length === 2 && upstream.open === 1);
    await upstream.calls[1]!.left;
    gate.resolve();
    await waitUntil("the end of the call", () => upstream.open === 0);
    await waitForTimers(timers, before);
    await assertCodeIsFree(served);
    assertEquals(upstream.calls.length, 4);
  });

  Deno.test(`nothing is left when ${end} while code waits for its turn`, threads, async () => {
    const { clock, timers } = createCountingClock();
    let isFirst = true;
    await using served = await createAttackedApp((request) => {
      if (resultsOf(request).length > 0) return { content: "Done." };
      const reply = isFirst ? ENDLESS : QUICK;
      isFirst = false;
      return reply;
    }, { clock });
    await assertCodeIsFree(served);
    const { upstream } = served;
    const idle = timers();
    const client = new AbortController();
    const first = readAll(served.app.chat(BODY, { signal: client.signal }));
    await waitUntil("the first code to run", () => timers().includes(CODE_MS));
    const before = timers();
    await run(served, () => timers().includes(QUEUE_MS));
    await waitForTimers(timers, before);
    assertEquals(upstream.calls.length, 4);
    // It waited for a thread that never came to it.
    client.abort();
    await first;
    await waitForTimers(timers, idle);
    await assertCodeIsFree(served);
  });

  Deno.test(`nothing is left when ${end} while an MCP server connects`, threads, async () => {
    const { clock, timers } = createCountingClock();
    await using served = await createAttackedApp(once(call("m__echo")), { clock, opensLate: true });
    const { mcpStart, upstream } = served;
    if (run === cancelWhile) {
      // The response is created after the tools are known.
      const sent = served.app.respond({ ...BODY, background: true });
      await waitUntil("the connection", () => mcpStart.asked() === 1);
      mcpStart.open();
      await (await sent).body?.cancel();
      return;
    }
    const before = timers();
    await run(served, () => mcpStart.asked() === 1);
    assertEquals(upstream.calls.length, 0);
    // The list of tools is for all clients, and is kept.
    mcpStart.open();
    await assertCodeIsFree(served);
    assertEquals(mcpStart.asked(), 1);
    await waitForTimers(timers, before);
    // Nobody has the tools any more: they close at once.
    await served.reload();
    await waitUntil("the end of the session", () => served.mcpMethods.includes("DELETE"));
  });

  Deno.test(`nothing is left when ${end} while limits are checked`, threads, async () => {
    const limiter = createMemoryLimiter({ now: () => Date.now() });
    const gate = Promise.withResolvers<void>();
    let isWaiting = false;
    await using served: AttackedApp = await createAttackedApp(
      (request) =>
        resultsOf(request).length > 0
          ? { content: "Done." }
          : { ...QUICK, usage: { prompt_tokens: 200_000, completion_tokens: 100_000 } },
      {
        limits: "limits: { tpm: 10000000 }",
        limiter: {
          ...limiter,
          async take(charges) {
            // After the first call, before the tool runs.
            if (served?.upstream.calls.length === 1 && !isWaiting) {
              isWaiting = true;
              await gate.promise;
            }
            return await limiter.take(charges);
          },
        },
      },
    );
    await run(served, () => isWaiting, gate.resolve);
    await assertCodeIsFree(served);
    // The call that was checked, and the two of the code.
    assertEquals(served.upstream.calls.length, 3);
  });
}

Deno.test("an approved call ends with its client, and is used up", threads, async () => {
  await using served = await createAttackedApp(once(call("m__echo")));
  const { app, mcp, upstream } = served;
  const tools = [{ type: "mcp", server_label: "m" }];
  const asked = await (await app.respond({ ...BODY, tools })).json();
  const { id } = asked.output.at(-1);
  const body = {
    ...BODY,
    tools,
    previous_response_id: asked.id,
    input: [{ type: "mcp_approval_response", approval_request_id: id, approve: true }],
  };
  await endWhile(
    served,
    (_, init) => app.respond({ ...body, stream: true }, init),
    () => mcp.asked() === 1,
  );
  await waitUntil("the end of the tool's work", () => mcp.left() === 1);
  assertEquals(upstream.calls.length, 1);
  assertEquals((await app.respond(body)).status, 400);
  await assertCodeIsFree(served);
});

Deno.test("a page whose host is still looked up is never connected to", async () => {
  const site = serve(() => new Response("A page."));
  const { port } = new URL(site.url);
  const found = Promise.withResolvers<{ address: string; family: number }[]>();
  let isAsked = false;
  const tool = createFetchTool(
    fetchKind.options.parse({ allow_hosts: [`slow.test:${port}`] }) as never,
    {
      resolve() {
        isAsked = true;
        return found.promise;
      },
    },
  );
  const { clock, timers } = createCountingClock();
  const client = new AbortController();
  const running = tool.run(
    { url: `http://slow.test:${port}/` },
    { signal: client.signal, clock },
  );
  const rejected = assertRejects(() => running, Error, "gone");
  await waitUntil("the look-up", () => isAsked);
  client.abort(new Error("gone"));
  await rejected;
  assertEquals(timers(), []);
  found.resolve([{ address: "127.0.0.1", family: 4 }]);
  // A connection would come before or among these.
  for (let turn = 1; turn <= 5; turn++) {
    await (await fetch(site.url)).text();
    assertEquals(site.requests.length, turn);
  }
  await site[Symbol.asyncDispose]();
  assert(isAsked);
});
