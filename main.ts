/**
 * o1-api: a server that adds reasoning to any chat model. The same file starts the binary, the task
 * `start` and Deno Deploy.
 *
 * @module
 */
import { crash } from "./lib/cli/log.ts";
import { main } from "./lib/cli/main.ts";

if (import.meta.main) {
  // Not awaited: Deno writes each chunk of a stream separately until the main module has finished.
  main(Deno.args, import.meta.dirname).catch(crash);
}
