/**
 * Preloaded into the server: answers `GET /` on a port of its own with what the server has used, and
 * `GET /reset` so too, but forgets its stalls. The port is printed as a line of JSON.
 *
 * @module
 */
import { watchStalls } from "../../support/measure/stall.ts";

export interface ServerUse {
  /** The longest time in milliseconds of CPU between two turns of the event loop so far. */
  stallMs: number;
  /** Heap and buffers after a garbage collection, in bytes. */
  heap: number;
  /** Resident memory, in bytes. */
  resident: number;
}

declare const gc: () => void;

const stalls = watchStalls();

// On a busy machine, one turn may begin many requests; each is measured by itself.
const { serve } = Deno;
Object.defineProperty(Deno, "serve", {
  value: (options: Deno.ServeTcpOptions, handler: Deno.ServeHandler<Deno.NetAddr>) =>
    serve(options, (request, info) => {
      stalls.look();
      return handler(request, info);
    }),
});

serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(JSON.stringify({ watch: port })),
}, ({ url }) => {
  const stallMs = stalls.longest();
  gc();
  stalls.skip();
  if (url.endsWith("/reset")) stalls.reset();
  const { heapUsed, external, rss } = Deno.memoryUsage();
  const use: ServerUse = { stallMs, heap: heapUsed + external, resident: rss };
  return Response.json(use);
}).unref();
