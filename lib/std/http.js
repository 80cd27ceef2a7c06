// @ts-self-types="./http.d.ts"
export { ifNoneMatch } from "npm:deno-std@1.4.0/http/etag.js";
export { accepts, acceptsEncodings } from "npm:deno-std@1.4.0/http/negotiation.js";
