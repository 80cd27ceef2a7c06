/** A chat completion's body. */
export interface Body {
  messages: readonly Message[];
  reasoning?: Record<string, unknown>;
  [field: string]: unknown;
}

interface Message {
  content?: unknown;
  [field: string]: unknown;
}

interface Part {
  type: string;
  image_url?: { url: string };
}

/** Environment variable with the key, which no example contains. */
const KEY = "O1_API_KEY";

/** Returns the request as code, by the names of languages. */
export function codeExamples(body: Body, baseUrl: string): Readonly<Record<string, string>> {
  const plain = publicBody(body);
  return {
    curl: curl(plain, baseUrl),
    "openai · JS": openaiJs(plain, baseUrl),
    "openai · Python": openaiPython(plain, baseUrl),
    "AI SDK": aiSdk(plain, baseUrl),
  };
}

/** Removes the fields that only this page needs, and shortens pictures. */
function publicBody(body: Body): Body {
  const { reasoning_format: _format, stream_options: _options, reasoning, messages, ...rest } =
    body;
  const { events: _events, calls: _calls, ...publicReasoning } = reasoning ?? {};
  return {
    ...rest,
    messages: withParts(messages, shortenPicture),
    ...(Object.keys(publicReasoning).length > 0 ? { reasoning: publicReasoning } : {}),
  };
}

/** Changes the parts of messages. */
function withParts(messages: readonly Message[], change: (part: Part) => unknown): Message[] {
  return messages.map((message) => {
    const { content } = message;
    return { ...message, content: Array.isArray(content) ? content.map(change) : content };
  });
}

function shortenPicture(part: Part): Part {
  const { url } = part.image_url ?? {};
  if (url === undefined || url.length < 200) return part;
  return { ...part, image_url: { url: `${url.slice(0, 60)}…` } };
}

function curl(body: Body, baseUrl: string) {
  const json = JSON.stringify(body, null, 2).replaceAll("'", "'\\''");
  return `curl -N ${baseUrl}/chat/completions \\
  -H "Authorization: Bearer $${KEY}" \\
  -H "Content-Type: application/json" \\
  -d '${json}'`;
}

function openaiJs(body: Body, baseUrl: string) {
  return `import OpenAI from "openai";

const client = new OpenAI({ baseURL: ${JSON.stringify(baseUrl)}, apiKey: process.env.${KEY} });
const stream = await client.chat.completions.create(${JSON.stringify(body, null, 2)});
for await (const { choices: [choice] } of stream) {
  process.stdout.write(choice?.delta.reasoning_content ?? choice?.delta.content ?? "");
}`;
}

function openaiPython(body: Body, baseUrl: string) {
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

/** Writes a value as a Python literal. */
function python(value: unknown, indent: string): string {
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

function aiSdk(body: Body, baseUrl: string) {
  const { model, messages, reasoning_effort: effort, reasoning } = body;
  const options = {
    ...(effort === undefined ? {} : { reasoningEffort: effort }),
    ...(reasoning === undefined ? {} : { reasoning }),
  };
  const extra = Object.keys(options).length === 0
    ? ""
    : `\n  providerOptions: ${indented({ o1: options })},`;
  const own = withParts(
    messages,
    (part) => part.image_url === undefined ? part : { type: "image", image: part.image_url.url },
  );
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

const indented = (value: unknown) => JSON.stringify(value, null, 2).replaceAll("\n", "\n  ");
