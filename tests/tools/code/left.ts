/** Prints how many threads there are after code that nobody waited for, and after the tool is closed. */
import { countThreads } from "../../support/measure/alone.ts";
import { waitUntil } from "../../support/wait.ts";
import { openCode, runCode } from "./sandbox.ts";

const [endless] = Deno.args as [string];
const source = openCode({ threads: 2, time_ms: 60_000 });
for (let i = 0; i < 10; i++) {
  await runCode(source, "1");
  const controller = new AbortController();
  const running = runCode(source, endless, controller.signal);
  controller.abort();
  await running.catch(() => {});
}
await runCode(source, "1");
const open = countThreads();
const running = runCode(source, endless);
await source.close();
await running;
await waitUntil("the end of the threads", () => countThreads() === 0);
console.log(JSON.stringify({ open, closed: countThreads() }));
Deno.exit();
