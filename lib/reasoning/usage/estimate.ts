import type { Message } from "../request.ts";

/** Estimate for a picture, and minimum for a file, in tokens. */
const PART_TOKENS = 500;

/** Characters of base64 for each token of a file: of a text, and of a PDF with its fonts. */
const TEXT_FILE_CHARACTERS = 16 / 3;
const FILE_CHARACTERS = 200;

/** Estimates tokens: one for 4 characters, or for each character of a script without spaces. */
export function estimateText(text: string): number {
  let tokens = 0;
  for (let i = 0; i < text.length; i++) {
    tokens += text.charCodeAt(i) < 0x2e80 ? 0.25 : 1;
  }
  return tokens;
}

function estimateContent(content: unknown): number {
  if (typeof content === "string") return estimateText(content);
  if (!Array.isArray(content)) return 0;
  return content.reduce<number>((sum, part) => sum + estimatePart(part), 0);
}

function estimatePart(
  part: { text?: unknown; file?: { file_data?: unknown }; input_audio?: { data?: unknown } } | null,
): number {
  if (typeof part?.text === "string") return estimateText(part.text);
  const data = part?.file?.file_data ?? part?.input_audio?.data;
  if (typeof data !== "string") return PART_TOKENS;
  const perToken = /^data:(text\/|application\/json)/.test(data)
    ? TEXT_FILE_CHARACTERS
    : FILE_CHARACTERS;
  return Math.max(PART_TOKENS, data.length / perToken);
}

function estimateJson(value: unknown): number {
  return value === undefined ? 0 : estimateText(JSON.stringify(value));
}

/** Estimates the tokens of a prompt with these messages, and definitions of tools and schemas. */
export function estimatePrompt(
  messages: readonly Message[],
  definitions: readonly unknown[] = [],
): number {
  let tokens = 0;
  for (const { content, tool_calls } of messages) {
    tokens += 4 + estimateContent(content) + estimateJson(tool_calls);
  }
  for (const definition of definitions) tokens += estimateJson(definition);
  return Math.ceil(tokens);
}
