import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { readBody } from "../../../lib/upstream/wire/bytes.ts";
import { waitFor } from "../../support/wait.ts";

const never = new AbortController().signal;
const utf8 = new TextEncoder();

/** A body as `fetch` returns it (`bytes`), or one that does not support buffers (`default`). */
type Kind = "bytes" | "default";
const KINDS: readonly Kind[] = ["bytes", "default"];

interface Source {
  response: Response;
  /** Resolves when the body is cancelled. */
  cancelled: Promise<void>;
  pulls(): number;
}

function source(
  kind: Kind,
  pieces: readonly Uint8Array<ArrayBuffer>[],
  end: "close" | "stall" | "error" = "close",
): Source {
  const cancelled = Promise.withResolvers<void>();
  let at = 0;
  let pulls = 0;
  const pull = (controller: ReadableByteStreamController | ReadableStreamDefaultController) => {
    pulls++;
    if (at < pieces.length) controller.enqueue(pieces[at++]!.slice());
    else if (end === "error") controller.error(new TypeError("error reading a body"));
    else if (end === "close") {
      controller.close();
      if ("byobRequest" in controller) controller.byobRequest?.respond(0);
    } else return new Promise<void>(() => {});
  };
  const cancel = () => cancelled.resolve();
  const stream: ReadableStream = kind === "bytes"
    ? new ReadableStream({ type: "bytes", pull, cancel })
    : new ReadableStream({ pull, cancel }, { highWaterMark: 0 });
  return { response: new Response(stream), cancelled: cancelled.promise, pulls: () => pulls };
}

/** Reads all bytes; copies each view before the next read. */
async function readAll(reader: ReturnType<typeof readBody>): Promise<number[]> {
  const all: number[] = [];
  for (let view; (view = await reader.read()) !== undefined;) all.push(...view);
  return all;
}

for (const kind of KINDS) {
  Deno.test(`read() returns all bytes of a '${kind}' body in order`, async () => {
    await fc.assert(fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 })),
      async (pieces) => {
        const bodies = pieces.map((piece) => Uint8Array.from(piece));
        const reader = readBody(source(kind, bodies).response, never);
        assertEquals(await readAll(reader), bodies.flatMap((piece) => [...piece]));
        assertEquals(await reader.read(), undefined);
        reader.close();
      },
    ));
  });

  Deno.test(`an abort rejects a pending read of a '${kind}' body with the signal's reason`, async () => {
    const controller = new AbortController();
    const { response, cancelled } = source(kind, [utf8.encode("a")], "stall");
    const reader = readBody(response, controller.signal);
    assertEquals(await reader.read().then((view) => view?.length), 1);
    const pending = reader.read();
    const reason = new Error("gone");
    controller.abort(reason);
    assertStrictEquals(await assertRejects(() => pending), reason);
    assertStrictEquals(await assertRejects(() => reader.read()), reason);
    await cancelled;
    reader.close();
  });

  Deno.test(`an abort between reads cancels a '${kind}' body`, async () => {
    const controller = new AbortController();
    const { response, cancelled } = source(kind, [utf8.encode("a")], "stall");
    const reader = readBody(response, controller.signal);
    await reader.read();
    controller.abort("left");
    await cancelled;
    assertEquals(await reader.read().catch((reason) => reason), "left");
  });

  Deno.test(`nothing of a '${kind}' body is read if the signal is already aborted`, async () => {
    const reader = readBody(source(kind, [utf8.encode("a")]).response, AbortSignal.abort("no"));
    assertEquals(await reader.read().catch((reason) => reason), "no");
    reader.close();
  });

  Deno.test(`close() cancels a '${kind}' body and may be repeated`, async () => {
    const { response, cancelled } = source(kind, [utf8.encode("a")], "stall");
    const reader = readBody(response, never);
    await reader.read();
    reader.close();
    reader.close();
    await cancelled;
  });

  Deno.test(`a broken '${kind}' body rejects the read with its own error`, async () => {
    const reader = readBody(source(kind, [utf8.encode("a")], "error").response, never);
    await reader.read();
    await assertRejects(() => reader.read(), TypeError, "error reading a body");
    reader.close();
  });

  Deno.test(`text() decodes a '${kind}' body across reads, up to the limit`, async () => {
    const text = "a😀é\u0000\ufeff中";
    const all = utf8.encode(`\ufeff${text}`);
    const pieces = [...all].map((byte) => Uint8Array.of(byte));
    const read = (maxBytes: number) =>
      readBody(source(kind, pieces).response, never).text(maxBytes);
    assertEquals(await read(all.length), text);
    await assertRejects(() => read(all.length - 1), RangeError, `${all.length - 1} bytes`);
  });

  Deno.test(`text() cancels a '${kind}' body that is too large`, async () => {
    const { response, cancelled, pulls } = source(
      kind,
      Array.from({ length: 100 }, () => utf8.encode("x".repeat(10))),
      "stall",
    );
    await assertRejects(() => readBody(response, never).text(25), RangeError);
    await cancelled;
    assert(pulls() <= 4, `read ${pulls()} times`);
  });
}

Deno.test("a response without a body has no bytes", async () => {
  const reader = readBody(new Response(null, { status: 204 }), never);
  assertEquals(await reader.read(), undefined);
  reader.close();
});

Deno.test("a body made of a string is read", async () => {
  assertEquals(await readBody(new Response("abc"), never).text(10), "abc");
});

Deno.test("an abort frees the connection of an HTTP body", async () => {
  const left = Promise.withResolvers<void>();
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
    const first = utf8.encode("first");
    return new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(first),
        cancel: () => left.resolve(),
      }),
    );
  });
  const controller = new AbortController();
  const response = await fetch(`http://127.0.0.1:${server.addr.port}/`);
  const reader = readBody(response, controller.signal);
  assertEquals(new TextDecoder().decode(await reader.read()), "first");
  const pending = reader.read();
  controller.abort("enough");
  assertEquals(await pending.catch((reason) => reason), "enough");
  await waitFor("the body to be cancelled", left.promise);
});

Deno.test("no listener is left on the signal after the end of the body", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const added = { count: 0 };
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    added.count++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    added.count--;
    removeEventListener.apply(signal, args);
  };
  for (const kind of KINDS) {
    await readAll(readBody(source(kind, [utf8.encode("a")]).response, signal));
    assertEquals(added.count, 0);
  }
});
