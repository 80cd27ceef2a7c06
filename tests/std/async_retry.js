// @ts-self-types="./async_retry.d.ts"
export { retry } from "npm:deno-std@1.4.0/async/retry.js";
