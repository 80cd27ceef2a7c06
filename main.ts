/**
 * o1-api: reasoning over any chat model, behind the OpenAI API.
 *
 * The program: the same file for the binary, `deno task start` and Deno Deploy.
 *
 * @module
 */
import { main } from "./lib/cli/main.ts";

if (import.meta.main) {
  // Not awaited: until a module has been evaluated, Deno writes each piece of a stream by itself,
  // though the next one is there already.
  main(Deno.args, import.meta.dirname).catch(reportError);
}
