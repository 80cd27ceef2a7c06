/**
 * A minimal pass-through that reads and enqueues each chunk: the least work possible on Deno.
 *
 * @module
 */
const upstream = Deno.args[0]!;

if (import.meta.main) {
  Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(JSON.stringify({ port })),
  }, async (request) => {
    if (request.method === "GET") return new Response("ok");
    const { body, status, headers } = await fetch(`${upstream}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: await request.text(),
    });
    const reader = body!.getReader();
    return new Response(
      new ReadableStream({
        async pull(controller) {
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: () => reader.cancel(),
      }),
      { status, headers: { "content-type": headers.get("content-type")! } },
    );
  });
}
