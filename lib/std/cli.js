// @ts-self-types="./cli.d.ts"
export { parseArgs } from "npm:deno-std@1.4.0/cli/parse_args.js";
export { promptSecret } from "npm:deno-std@1.4.0/cli/prompt_secret.js";
