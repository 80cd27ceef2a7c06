/**
 * o1-api: reasoning over any chat model, behind the OpenAI API.
 *
 * The program: the same file for the binary, `deno task start` and Deno Deploy.
 *
 * @module
 */
import { main } from "./lib/cli/main.ts";

if (import.meta.main) {
  await main(Deno.args, import.meta.dirname);
}
