// @ts-self-types="./async.d.ts"
export { abortable } from "npm:deno-std@1.4.0/async/abortable.js";
export { pooledMap } from "npm:deno-std@1.4.0/async/pool.js";
