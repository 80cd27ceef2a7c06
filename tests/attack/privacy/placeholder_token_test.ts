import { assertEquals } from "@std/assert";
import { PLACEHOLDER_TOKEN } from "../../../lib/config/resolve.ts";
import { createTestApp } from "../../support/app.ts";
import { startUpstream } from "../../support/upstream.ts";

interface Case {
  host: string;
  origin?: string;
  status: number;
}

const CASES: readonly Case[] = [
  { host: "localhost:18888", status: 200 },
  { host: "127.0.0.1:18888", status: 200 },
  { host: "[::1]:18888", status: 200 },
  { host: "localhost", status: 200 },
  { host: "LOCALHOST:1", status: 200 },
  { host: "localhost:18888", origin: "http://localhost:18888", status: 200 },
  { host: "localhost:18888", origin: "https://evil.example", status: 403 },
  { host: "localhost:18888", origin: "http://localhost:3000", status: 403 },
  { host: "localhost:18888", origin: "http://127.0.0.1:18888", status: 403 },
  { host: "localhost:18888", origin: "null", status: 403 },
  { host: "localhost:18888", origin: "", status: 403 },
  // A name of the attacker that leads to 127.0.0.1.
  { host: "evil.example:18888", status: 403 },
  { host: "evil.example:18888", origin: "http://evil.example:18888", status: 403 },
  { host: "localhost.evil.example", status: 403 },
  { host: "localhost.", status: 403 },
  { host: "0.0.0.0:18888", status: 403 },
  { host: "192.168.1.2:18888", status: 403 },
];

for (const { host, origin, status } of CASES) {
  Deno.test(`a server with the placeholder token answers ${status} to the host ${host} and the origin ${origin}`, async () => {
    await using upstream = startUpstream([{ content: "4" }]);
    const app = await createTestApp({ upstream: upstream.url, tokenLine: "" });
    for (const method of ["GET", "POST", "OPTIONS"]) {
      const isChat = method === "POST";
      const response = await app.handle(
        new Request(`http://${host}/v1/${isChat ? "chat/completions" : "models"}`, {
          method,
          headers: {
            authorization: `Bearer ${PLACEHOLDER_TOKEN}`,
            "content-type": "text/plain",
            ...(origin === undefined ? {} : { origin }),
          },
          ...(isChat
            ? { body: '{"model":"plain","messages":[{"role":"user","content":"a"}]}' }
            : {}),
        }),
      );
      await response.body?.cancel();
      assertEquals(response.status, method === "OPTIONS" && status === 200 ? 204 : status);
      assertEquals(response.headers.get("access-control-allow-origin"), null);
    }
    assertEquals(upstream.calls.length, status === 200 ? 1 : 0);
  });
}

Deno.test("a server with the placeholder token serves its page only by a local name", async () => {
  await using upstream = startUpstream([]);
  const app = await createTestApp({ upstream: upstream.url, tokenLine: "" });
  const page = (host: string) =>
    app.handle(new Request(`http://${host}/`, { headers: { accept: "text/html" } }));
  for (const [host, status] of [["127.0.0.1:1", 200], ["evil.example", 403]] as const) {
    const response = await page(host);
    await response.body?.cancel();
    assertEquals(response.status, status);
  }
});

Deno.test("a server with a token of its own can be called by pages and by any name", async () => {
  await using upstream = startUpstream([{ content: "4" }]);
  const app = await createTestApp({ upstream: upstream.url });
  const response = await app.send("/v1/models", undefined, {
    headers: { origin: "https://chat.example.com" },
  });
  await response.body?.cancel();
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("access-control-allow-origin"), "*");
});
