/**
 * Whatever ends a run, its tools end with it: no thread, no request and no MCP session is left.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { createMemoryStore } from "../../../lib/store/memory/store.ts";
import { waitFor, waitUntil } from "../../support/wait.ts";
import { threads } from "../../reasoning/tools/setup.ts";
import { parseStream } from "../../support/app.ts";
import {
  assertCodeIsFree,
  type AttackedApp,
  call,
  createAttackedApp,
  once,
  readAll,
} from "./setup.ts";

const BODY = { model: "all" };

/** Where a run waits, and how it shows that its work has ended. */
const STAGES: Record<
  string,
  {
    reply: (app: AttackedApp) => ReturnType<typeof call>;
    waits: (app: AttackedApp) => boolean;
    ended: (app: AttackedApp) => boolean;
  }
> = {
  "a page": {
    reply: ({ pageUrl }) => call("fetch", { url: pageUrl }),
    waits: ({ site }) => site.asked() > 0,
    ended: ({ site }) => site.left() > 0,
  },
  "a search": {
    reply: () => call("web_search", { query: "deno" }),
    waits: ({ search }) => search.asked() > 0,
    ended: ({ search }) => search.left() > 0,
  },
  "an MCP server": {
    reply: () => call("m__echo"),
    waits: ({ mcp }) => mcp.asked() > 0,
    ended: ({ mcp }) => mcp.left() > 0,
  },
  "code": {
    reply: () => call("code", { code: "for (;;);" }),
    waits: ({ upstream }) => upstream.open === 0 && upstream.calls.length > 0,
    ended: () => true,
  },
};

const FORMS: Record<string, (app: AttackedApp, init: RequestInit) => Promise<Response>> = {
  "Chat Completions": ({ app }, init) => app.chat(BODY, init),
  "a stream": ({ app }, init) => app.chat({ ...BODY, stream: true }, init),
  "Responses": ({ app }, init) => app.respond({ ...BODY, stream: true }, init),
  "Messages": ({ app }, init) =>
    app.send("/v1/messages", {
      ...BODY,
      max_tokens: 100,
      stream: true,
      messages: [{ role: "user", content: "?" }],
    }, init),
  "three choices": ({ app }, init) => app.chat({ ...BODY, n: 3, stream: true }, init),
};

for (const [stage, { reply, waits, ended }] of Object.entries(STAGES)) {
  for (const [form, send] of Object.entries(FORMS)) {
    Deno.test(
      `a client of ${form} that disconnects while ${stage} is used leaves nothing running`,
      threads,
      async () => {
        await using served: AttackedApp = await createAttackedApp((request) =>
          once(reply(served))(request)
        );
        const client = new AbortController();
        const reading = readAll(send(served, { signal: client.signal }));
        await waitUntil("the tool to run", () => waits(served));
        client.abort();
        await waitUntil("the end of the tool's work", () => ended(served));
        await waitFor("the end of the response", reading);
        await assertCodeIsFree(served);
      },
    );
  }
}

Deno.test(
  "a run keeps its tools when the configuration is reloaded, and closes them at its end",
  threads,
  async () => {
    await using served: AttackedApp = await createAttackedApp((request) =>
      once(call("m__echo"))(request)
    );
    const { app, mcp, mcpMethods } = served;
    assertEquals(mcpMethods, []);
    const response = app.chat(BODY);
    await waitUntil("the tool to run", () => mcp.asked() === 1);
    await served.reload();
    // A new run has the new tools.
    await assertCodeIsFree(served);
    assertEquals(served.mcpMethods.includes("DELETE"), false);
    mcp.open();
    assertEquals((await (await response).json()).choices[0].message.content, "Done.");
    await waitUntil("the end of the old session", () => served.mcpMethods.includes("DELETE"));
  },
);

Deno.test(
  "code that runs while the configuration is reloaded is completed",
  threads,
  async () => {
    await using served = await createAttackedApp(
      once(call("code", { code: "primes(2e5).length" })),
    );
    const { app, upstream } = served;
    const response = app.chat(BODY);
    await waitUntil("the tool to run", () => upstream.calls.length === 1);
    await served.reload();
    assertEquals((await (await response).json()).choices[0].message.content, "Done.");
    assertStringIncludes(upstream.calls[1]!.body.messages.at(-1).content, "17984");
  },
);

Deno.test(
  "a background run that can't be stored releases its tools",
  threads,
  async () => {
    const store = createMemoryStore({ now: Date.now });
    let isBroken = false;
    const write: typeof store.write = (...args) =>
      isBroken ? Promise.reject(new Error("the disk is full")) : store.write(...args);
    await using served = await createAttackedApp(once(call("m__echo")), {
      store: { ...store, write },
    });
    const { app, mcp } = served;
    mcp.open();
    await (await app.chat(BODY)).text();
    isBroken = true;
    const response = await app.respond({ ...BODY, background: true });
    assertEquals(response.status >= 500, true);
    await response.body?.cancel();
    isBroken = false;
    await served.reload();
    await waitUntil("the end of the old session", () => served.mcpMethods.includes("DELETE"));
  },
);

Deno.test("cancelling a background run ends its code", threads, async () => {
  await using served = await createAttackedApp(once(call("code", { code: "for (;;);" })));
  const { app, upstream } = served;
  const { id } = await (await app.respond({ ...BODY, background: true })).json();
  await waitUntil("the tool to run", () => upstream.calls.length === 1 && upstream.open === 0);
  const cancelled = await (await app.send(`/v1/responses/${id}/cancel`, "", { method: "POST" }))
    .json();
  assertEquals(cancelled.status, "cancelled");
  await assertCodeIsFree(served);
});

Deno.test("requests with one idempotency key run a tool once", threads, async () => {
  await using served = await createAttackedApp(once(call("m__echo")));
  const { app, mcp } = served;
  const send = () =>
    app.chat({ ...BODY, stream: true }, { headers: { "idempotency-key": "key-1" } })
      .then((response) => response.text());
  const both = [send(), send()];
  await waitUntil("the tool to run", () => mcp.asked() === 1);
  mcp.open();
  const [first, second] = await Promise.all(both);
  assertStringIncludes(first!, "Done.");
  assertEquals(first, second);
  assertEquals(mcp.asked(), 1);
});

Deno.test(
  "uses of several choices have different ids, and each choice its own tools",
  threads,
  async () => {
    await using served = await createAttackedApp(once(call("code", { code: "6 * 7" })));
    const { app } = served;
    const text = await (await app.chat({
      ...BODY,
      n: 3,
      stream: true,
      reasoning: { events: true },
    })).text();
    const { chunks } = parseStream(text);
    const started = chunks.map(({ o1 }) => o1).filter((o1) => o1?.type === "tool_start");
    assertEquals(new Set(started.map(({ id }) => id)).size, 3);
    const ended = chunks.filter(({ o1 }) => o1?.type === "tool_end");
    assertEquals(new Set(ended.map(({ choices: [{ index }] }) => index)).size, 3);
    for (const { o1 } of ended) {
      assertEquals([o1.name, o1.is_error, typeof o1.seconds], ["code", false, "number"]);
    }
  },
);
