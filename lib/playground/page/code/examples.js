/** @typedef {Record<string, any>} Body a chat completion's body */

/** Environment variable with the key, which no example contains. */
const KEY = "O1_API_KEY";

/**
 * Writes the request as code in several languages.
 *
 * @param {Body} body
 * @param {string} baseUrl
 * @returns {Readonly<Record<string, string>>} code by the language's name
 */
export function codeExamples(body, baseUrl) {
  const plain = publicBody(body);
  return {
    curl: curl(plain, baseUrl),
    "openai · JS": openaiJs(plain, baseUrl),
    "openai · Python": openaiPython(plain, baseUrl),
    "AI SDK": aiSdk(plain, baseUrl),
  };
}

/**
 * Removes the fields that only this page needs, and shortens pictures.
 *
 * @param {Body} body
 * @returns {Body}
 */
function publicBody(body) {
  const { reasoning_format: _format, stream_options: _options, reasoning, messages, ...rest } =
    body;
  const { events: _events, calls: _calls, ...publicReasoning } = reasoning ?? {};
  return {
    ...rest,
    messages: messages.map((/** @type {any} */ message) => ({
      ...message,
      content: Array.isArray(message.content)
        ? message.content.map((/** @type {any} */ part) => shortenPicture(part))
        : message.content,
    })),
    ...(Object.keys(publicReasoning).length > 0 ? { reasoning: publicReasoning } : {}),
  };
}

/** @param {any} part */
function shortenPicture(part) {
  const url = part.image_url?.url;
  if (typeof url !== "string" || url.length < 200) return part;
  return { ...part, image_url: { ...part.image_url, url: `${url.slice(0, 60)}…` } };
}

/**
 * @param {Body} body
 * @param {string} baseUrl
 */
function curl(body, baseUrl) {
  const json = JSON.stringify(body, null, 2).replaceAll("'", "'\\''");
  return `curl -N ${baseUrl}/chat/completions \\
  -H "Authorization: Bearer $${KEY}" \\
  -H "Content-Type: application/json" \\
  -d '${json}'`;
}

/**
 * @param {Body} body
 * @param {string} baseUrl
 */
function openaiJs(body, baseUrl) {
  return `import OpenAI from "openai";

const client = new OpenAI({ baseURL: ${JSON.stringify(baseUrl)}, apiKey: process.env.${KEY} });
const stream = await client.chat.completions.create(${JSON.stringify(body, null, 2)});
for await (const { choices: [choice] } of stream) {
  process.stdout.write(choice?.delta.reasoning_content ?? choice?.delta.content ?? "");
}`;
}

/**
 * @param {Body} body
 * @param {string} baseUrl
 */
function openaiPython(body, baseUrl) {
  const { reasoning, ...rest } = body;
  const fields = Object.entries({
    ...rest,
    ...(reasoning === undefined ? {} : { extra_body: { reasoning } }),
  }).map(([name, value]) => `    ${name}=${python(value, "    ")},`).join("\n");
  return `import os
from openai import OpenAI

client = OpenAI(base_url=${JSON.stringify(baseUrl)}, api_key=os.environ["${KEY}"])
stream = client.chat.completions.create(
${fields}
)
for chunk in stream:
    for choice in chunk.choices:
        thought = getattr(choice.delta, "reasoning_content", None)
        print(thought or choice.delta.content or "", end="", flush=True)`;
}

/**
 * Writes a value as a Python literal.
 *
 * @param {unknown} value
 * @param {string} indent
 * @returns {string}
 */
function python(value, indent) {
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null || value === undefined) return "None";
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}    `;
  const [open, close, items] = Array.isArray(value)
    ? ["[", "]", value.map((item) => python(item, inner))]
    : [
      "{",
      "}",
      Object.entries(value).map(([name, item]) =>
        `${JSON.stringify(name)}: ${python(item, inner)}`
      ),
    ];
  if (items.length === 0) return open + close;
  return `${open}\n${items.map((item) => `${inner}${item},\n`).join("")}${indent}${close}`;
}

/**
 * @param {Body} body
 * @param {string} baseUrl
 */
function aiSdk(body, baseUrl) {
  const { model, messages, reasoning_effort: effort, reasoning } = body;
  const options = {
    ...(effort === undefined ? {} : { reasoningEffort: effort }),
    ...(reasoning === undefined ? {} : { reasoning }),
  };
  const extra = Object.keys(options).length === 0
    ? ""
    : `\n  providerOptions: ${indented({ o1: options })},`;
  const own = messages.map((/** @type {any} */ message) => ({
    ...message,
    content: Array.isArray(message.content)
      ? message.content.map((/** @type {any} */ part) =>
        part.type === "image_url" ? { type: "image", image: part.image_url.url } : part
      )
      : message.content,
  }));
  return `import { streamText } from "ai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";

const o1 = createOpenAICompatible({
  name: "o1",
  baseURL: ${JSON.stringify(baseUrl)},
  apiKey: process.env.${KEY},
});
const { fullStream } = streamText({
  model: o1(${JSON.stringify(model)}),
  messages: ${indented(own)},${extra}
});
for await (const part of fullStream) {
  if (part.type === "reasoning-delta" || part.type === "text-delta") {
    process.stdout.write(part.text);
  }
}`;
}

/** @param {unknown} value */
const indented = (value) => JSON.stringify(value, null, 2).replaceAll("\n", "\n  ");
