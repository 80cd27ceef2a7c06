import { assertEquals } from "@std/assert";
import { takeBodyInMemory } from "../../../lib/server/http/client_disconnect.ts";
import { connect } from "../../support/connection.ts";
import { waitFor } from "../../support/wait.ts";

/** Returns UTF-8 as a text with one character for each byte. */
function bytesOf(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}

for (
  const { name, body, text } of [
    { name: "of ASCII", body: '{"a":1}', text: '{"a":1}' },
    { name: "of other characters", body: '{"a":"ä€😀"}', text: '{"a":"ä€😀"}' },
    { name: "with a byte order mark", body: "\ufeff{}", text: "{}" },
    { name: "that is empty", body: "", text: "" },
  ]
) {
  Deno.test(`a body ${name} that arrives with its head is taken without a stream`, async () => {
    let taken: unknown;
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) => {
        taken = [takeBodyInMemory(request), request.bodyUsed];
        return new Response();
      },
    );
    using client = await connect(server.addr.port);
    const bytes = bytesOf(body);
    const head = `POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${bytes.length}\r\n\r\n`;
    await client.write(head + bytes);
    await client.read();
    assertEquals(taken, [text, true]);
  });
}

Deno.test("a body that is not in memory as a whole is left as it is", async () => {
  const first = Promise.withResolvers<string | undefined>();
  let rest: unknown;
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      first.resolve(takeBodyInMemory(request));
      rest = await request.text();
      return new Response();
    },
  );
  using client = await connect(server.addr.port);
  await client.write("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\n\r\n[1");
  assertEquals(await waitFor("the request", first.promise), undefined);
  await client.write(",]");
  await client.read();
  assertEquals(rest, "[1,]");
});
