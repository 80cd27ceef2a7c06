/** Prints the largest number of threads while slow pages are read that nobody waits for. */
import { countThreads } from "../../support/measure/alone.ts";
import { startSite, textOf } from "./site.ts";

await using site = startSite(({ url }) => {
  const body = url.endsWith("/slow") ? "<td>a".repeat(400_000) : "<p>fast</p>";
  return new Response(body, { headers: { "content-type": "text/html" } });
});
let most = 0;
for (let i = 0; i < 10; i++) {
  await site.fetch("/slow", { settings: { time_ms: 100 } });
  most = Math.max(most, countThreads());
}
const last = await site.fetch("/", { settings: { time_ms: 60_000 } });
console.log(JSON.stringify({ most, isRead: textOf(last).includes("fast") ? 1 : 0 }));
Deno.exit();
