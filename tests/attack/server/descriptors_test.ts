import { assert, assertEquals, assertRejects } from "@std/assert";
import { startUpstream } from "../../support/upstream.ts";
import { waitUntil } from "../../support/wait.ts";
import { startAttackedServer } from "./server.ts";

const TOKEN = "a-token-of-its-own";

const yaml = (upstream: string, workers: number) => `
api_bearer_token: "${TOKEN}"
upstreams: { s: { base_url: "${upstream}" } }
models: { m: { strategy: direct, upstream: s, model: m } }
server: { host: 127.0.0.1, workers: ${workers} }
store: memory
`;

/** A connection that can be used before and after others are refused. */
async function connect(port: number) {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const send = (method: string, path: string, body: string, last: boolean) =>
    connection.write(new TextEncoder().encode(
      `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${TOKEN}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n` +
        `${last ? "Connection: close\r\n" : ""}\r\n${body}`,
    ));
  /** Reads until this text has arrived, or to the end. */
  async function read(text?: string): Promise<string> {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(10_000);
    let all = "";
    while (text === undefined || !all.includes(text)) {
      const length = await connection.read(buffer);
      if (length === null) break;
      all += decoder.decode(buffer.subarray(0, length), { stream: true });
    }
    return all;
  }
  return {
    async accepted() {
      await send("GET", "/healthz", "", false);
      assert((await read("\r\n\r\n")).startsWith("HTTP/1.1 200"));
    },
    chat(stream: boolean) {
      const messages = [{ role: "user", content: "a" }];
      return send(
        "POST",
        "/v1/chat/completions",
        JSON.stringify({ model: "m", stream, messages }),
        true,
      );
    },
    read,
    [Symbol.dispose]: () => connection.close(),
  };
}

for (const workers of [1, 2]) {
  Deno.test(`a server with ${workers} workers survives running out of file descriptors`, async () => {
    const gate = Promise.withResolvers<void>();
    await using upstream = startUpstream(({ index }) => ({
      content: ["a", "b"],
      ...(index === 0 ? { gate: (frame) => frame === 2 ? gate.promise : undefined } : {}),
    }));
    await using server = await startAttackedServer({
      yaml: yaml(upstream.url, workers),
      maxFiles: 256,
    });
    const { port, program } = server;
    using streaming = await connect(port);
    using waiting = await connect(port);
    await waiting.accepted();
    await streaming.chat(true);
    await streaming.read('"content":"a"');

    const idle: Deno.TcpConn[] = [];
    const open = async () => {
      try {
        idle.push(await Deno.connect({ hostname: "127.0.0.1", port }));
      } catch {
        // Refused.
      }
    };
    let refusing = 0;
    let listening = 0;
    for (let index = 1; index <= workers; index++) {
      const worker = workers === 1 ? "" : `,"worker":${index}`;
      program.logged(`"wait_ms":100${worker}}`).then(() => refusing++);
      program.logged(`Connections are accepted again"${worker}}`).then(() => listening++);
    }
    await waitUntil("every worker to refuse connections", () => refusing === workers, open);
    await assertRejects(() => Deno.connect({ hostname: "127.0.0.1", port }));

    // A stream that has begun continues, and its answer is whole.
    gate.resolve();
    const rest = await streaming.read();
    assert(rest.includes('"content":"b"') && rest.includes("data: [DONE]"), rest);
    // An accepted connection is served, and its upstream call gets a descriptor.
    await waiting.chat(false);
    const answer = await waiting.read();
    assert(answer.startsWith("HTTP/1.1 200") && answer.includes('"content":"ab"'), answer);

    for (const connection of idle) connection.close();
    await waitUntil("every worker to listen again", () => listening === workers);
    for (let i = 0; i < 20; i++) {
      using connection = await connect(port);
      await connection.accepted();
    }
    program.kill("SIGTERM");
    assertEquals((await program.ended).code, 0);
  });
}
