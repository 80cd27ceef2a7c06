// @ts-self-types="./async.d.ts"
export { pooledMap } from "npm:deno-std@1.4.0/async/pool.js";
