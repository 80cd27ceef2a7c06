// @ts-self-types="./yaml.d.ts"
export { parse } from "npm:deno-std@1.4.0/yaml/parse.js";
export { YamlSyntaxError } from "npm:deno-std@1.4.0/yaml/types.js";
