import { assertEquals, assertStringIncludes } from "@std/assert";
import { skippedFor } from "../support/skip.ts";
import { startUpstream } from "../support/upstream.ts";
import { waitUntil } from "../support/wait.ts";
import { codeCall, resultsOf } from "../reasoning/tools/setup.ts";
import { startWorkers } from "./workers/program.ts";

const skipReason = Deno.build.os === "linux" ? undefined : "only Linux runs several event loops";

Deno.test({
  ...skippedFor(skipReason, "each worker runs code, and the program ends while code runs"),
  async fn() {
    await using upstream = startUpstream((call) => {
      const [result] = resultsOf(call);
      if (result !== undefined) return { content: result };
      const isEndless = JSON.stringify(call.body.messages).includes("for ever");
      return codeCall(isEndless ? "for (;;);" : "6 * 7");
    });
    await using workers = await startWorkers({
      upstream: upstream.url,
      model: "tools: [code]",
      yaml: "store: memory\ntools: { code: { time_ms: 10000 } }",
      deno: ["--unstable-worker-options", "--unstable-no-legacy-abort"],
    });
    const ask = (client: (typeof clients)[number], content: string) =>
      client.send("/v1/chat/completions", { model: "m", messages: [{ role: "user", content }] });
    const clients = await workers.clients();
    for (const client of clients) {
      const response = await ask(client, "What is 6 times 7?");
      assertStringIncludes(await response.text(), "\\n42\\n");
    }
    const before = upstream.calls.length;
    const running = ask(clients[0], "Compute for ever.").then((response) => response.text());
    await waitUntil("the code to run", () => upstream.calls.length > before && upstream.open === 0);
    workers.program.kill("SIGTERM");
    assertStringIncludes(await running, "ran for more than 10000 ms");
    assertEquals((await workers.program.ended).code, 0);
  },
});
