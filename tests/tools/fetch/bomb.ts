/** Prints by how many bytes the resident memory grows while a page of 300 MB in 300 kB is fetched. */
import { startSite } from "./site.ts";

const piece = new Uint8Array(1_000_000).fill(32);
const page = ReadableStream.from(Array<typeof piece>(300).fill(piece));
const bomb = await new Response(page.pipeThrough(new CompressionStream("gzip"))).bytes();
const headers = { "content-type": "text/html", "content-encoding": "gzip" };
await using site = startSite(() => new Response(bomb, { headers }));
const before = Deno.memoryUsage().rss;
const { isError } = await site.fetch("/", { settings: { max_bytes: 1_000_000 } });
const grown = Deno.memoryUsage().rss - before;
console.log(JSON.stringify({ isError: Number(isError ?? false), grown }));
Deno.exit();
