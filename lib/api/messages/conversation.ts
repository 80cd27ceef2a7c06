import { isObject, type JsonObject } from "../../json.ts";
import { unpackThinking } from "../../reasoning/output/private_thinking.ts";
import type { Message } from "../../reasoning/request.ts";
import { invalidValue, missingParameter } from "../body.ts";
import { type Part, splitResult } from "../tools.ts";
import type { ContentBlock, PromptBody } from "./body.ts";

type Content = PromptBody["messages"][number]["content"];

/** The Claude Code client puts this line before its system prompt; it changes with every request. */
const BILLING_NOTE = "x-anthropic-billing-header:";

/**
 * Reads the conversation. Upstreams require tool results before the rest of a message, and accept
 * images only from users, so the images of tool results follow in the user's message. Blocks of
 * unknown types are left out.
 *
 * @param thinkingOf returns the private thinking behind a signature.
 * @throws {ApiError} 400 naming the invalid block.
 */
export function readConversation(
  { system, messages }: PromptBody,
  thinkingOf: (signature: string) => string | undefined = () => undefined,
): Message[] {
  const instructions = systemText(system ?? "");
  const conversation = messages.flatMap(({ role, content }, index): Message[] => {
    if (role === "user") return userMessages(content, `messages[${index}].content`);
    if (role === "assistant") return assistantMessage(content, `messages[${index}]`, thinkingOf);
    return [{ role, content: systemText(content) }];
  });
  if (instructions !== "") conversation.unshift({ role: "system", content: instructions });
  return conversation;
}

function systemText(content: Content): string {
  if (typeof content === "string") return content;
  return content.map(textOf).filter((text) => text !== "" && !text.startsWith(BILLING_NOTE))
    .join("\n\n");
}

function textOf({ type, text }: ContentBlock): string {
  return type === "text" && typeof text === "string" ? text : "";
}

/** Returns the text of a field that a block may have; undefined if it is empty. */
function optionalText(object: Part, field: string, path: string): string | undefined {
  const value = object[field] ?? "";
  if (typeof value !== "string") throw invalidValue(`${path}.${field}`, "expected a string");
  return value || undefined;
}

function userMessages(content: Content, path: string): Message[] {
  if (typeof content === "string") return [{ role: "user", content }];
  const results: Message[] = [];
  const parts: Part[] = [];
  content.forEach((block, index) => {
    const blockPath = `${path}[${index}]`;
    if (block.type !== "tool_result") parts.push(...blockParts(block, blockPath));
    else {
      const { result, rest } = toolResult(block, blockPath);
      results.push(result);
      parts.push(...rest);
    }
  });
  if (parts.length === 0) return results;
  // Every upstream takes a string, so a single text is not sent as parts.
  const isText = parts.length === 1 && parts[0]!.type === "text";
  return [...results, { role: "user", content: isText ? parts[0]!.text : parts }];
}

function toolResult(block: ContentBlock, path: string): { result: Message; rest: Part[] } {
  const { tool_use_id: id, content, is_error: failed } = block;
  if (typeof id !== "string" || id === "") throw missingParameter(`${path}.tool_use_id`);
  const parts = contentParts(content, (index) => `${path}.content[${index}]`) ?? [];
  const { text, rest } = splitResult(id, parts);
  const result: Message = {
    role: "tool",
    tool_call_id: id,
    content: failed === true && !/^error/i.test(text) ? `Error: ${text}` : text,
  };
  return { result, rest };
}

/** The parts of a text or of blocks; undefined for anything else. */
function contentParts(content: unknown, path: (index: number) => string): Part[] | undefined {
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!Array.isArray(content)) return undefined;
  return content.flatMap((block: unknown, index) =>
    blockParts(asBlock(block, path(index)), path(index))
  );
}

/** Checks a block inside another block, which the schema of the body does not check. */
function asBlock(value: unknown, path: string): ContentBlock {
  if (!isObject(value)) throw invalidValue(path, "expected an object");
  if (typeof value.type !== "string") throw missingParameter(`${path}.type`);
  return value as ContentBlock;
}

function blockParts(block: ContentBlock, path: string): Part[] {
  switch (block.type) {
    case "text": {
      if (typeof block.text !== "string") throw invalidValue(`${path}.text`, "expected a string");
      return block.text === "" ? [] : [{ type: "text", text: block.text }];
    }
    case "image":
      return [{ type: "image_url", image_url: { url: imageUrl(block, path) } }];
    case "document":
      return documentParts(block, path);
    case "tool_reference": {
      const name = optionalText(block, "tool_name", path);
      return name === undefined ? [] : [{ type: "text", text: `The tool ${name} is loaded.` }];
    }
    case "search_result": {
      const parts = contentParts(block.content, (index) => `${path}.content[${index}]`) ?? [];
      const fields = ["title", "source"].map((field) => optionalText(block, field, path));
      const text = [...fields, ...parts.map(({ text }) => text)].filter(Boolean).join("\n");
      return [{ type: "text", text }];
    }
    default:
      return [];
  }
}

function sourceOf({ source }: ContentBlock, path: string): JsonObject {
  if (isObject(source)) return source;
  throw invalidValue(`${path}.source`, "expected an object");
}

function imageUrl(block: ContentBlock, path: string): string {
  const source = sourceOf(block, path);
  const { type, url, data } = source;
  if (type === "url" && typeof url === "string") return url;
  if (type === "base64" && typeof data === "string") {
    const mediaType = optionalText(source, "media_type", `${path}.source`) ?? "image/png";
    return `data:${mediaType};base64,${data}`;
  }
  const problem = "expected the type 'base64' with data, or 'url' with a url";
  throw invalidValue(`${path}.source`, problem);
}

function documentParts(block: ContentBlock, path: string): Part[] {
  const source = sourceOf(block, path);
  const { type, data, content } = source;
  const title = optionalText(block, "title", path);
  const about = [title, optionalText(block, "context", path)].filter(Boolean).join("\n");
  const heading = about === "" ? [] : [{ type: "text", text: about }];
  if (type === "text" && typeof data === "string") {
    return [...heading, { type: "text", text: data }];
  }
  const parts = type === "content"
    ? contentParts(content, () => `${path}.source.content`)
    : undefined;
  if (parts !== undefined) return [...heading, ...parts];
  if (type === "base64" && typeof data === "string") {
    const mediaType = optionalText(source, "media_type", `${path}.source`) ?? "application/pdf";
    const file_data = `data:${mediaType};base64,${data}`;
    return [{ type: "file", file: { filename: title ?? "document.pdf", file_data } }];
  }
  throw invalidValue(
    `${path}.source`,
    "expected the type 'base64' or 'text' with data, or 'content' with content",
  );
}

function assistantMessage(
  content: Content,
  path: string,
  thinkingOf: (signature: string) => string | undefined,
): Message[] {
  if (typeof content === "string") return [{ role: "assistant", content }];
  const text = content.map(textOf).join("");
  const calls = content.filter(({ type }) => type === "tool_use").map((block) => {
    const { id, name, input, extra_content } = block;
    if (typeof id !== "string") throw missingParameter(`${path}.content.id`);
    if (typeof name !== "string") throw missingParameter(`${path}.content.name`);
    return {
      ...(extra_content ? { extra_content } : {}),
      id,
      type: "function",
      function: { name, arguments: JSON.stringify(input ?? {}) },
    };
  });
  if (calls.length === 0) return text === "" ? [] : [{ role: "assistant", content: text }];
  const thinking = signatures(content).map(thinkingOf).find(Boolean);
  return [{
    role: "assistant",
    content: text === "" ? null : text,
    ...(thinking === undefined ? {} : unpackThinking(thinking)),
    tool_calls: calls,
  }];
}

/** The tools that a search has found, or that were called. */
export function loadedTools({ messages }: PromptBody): Set<unknown> {
  const blocks = messages.flatMap(({ content }) => typeof content === "string" ? [] : content);
  return new Set(blocks.flatMap(({ type, name, content }) => {
    if (type === "tool_use") return [name];
    if (type !== "tool_result" || !Array.isArray(content)) return [];
    return content.map((block) => block?.type === "tool_reference" ? block.tool_name : undefined);
  }));
}

function signatures(content: Exclude<Content, string>): string[] {
  return content.flatMap(({ type, signature }) =>
    type === "thinking" && typeof signature === "string" ? [signature] : []
  );
}

/** The signatures of messages that call tools: only these need their private thinking back. */
export function wantedSignatures({ messages }: PromptBody): string[] {
  return messages.flatMap(({ role, content }) =>
    role === "assistant" && typeof content !== "string" &&
      content.some(({ type }) => type === "tool_use")
      ? signatures(content)
      : []
  );
}
