/**
 * The blocks of a Messages conversation, as the messages that are reasoned about.
 *
 * @module
 */
import type { Message } from "../../reasoning/request.ts";
import { type ApiError, invalidRequest } from "../errors.ts";
import type { ContentBlock, CountedBody } from "./body.ts";

type Part = Record<string, unknown>;
type Content = CountedBody["messages"][number]["content"];

/** What the Claude Code client puts before its system prompt for a meter; it changes every time. */
const METER_NOTE = "x-anthropic-billing-header:";

/**
 * Reads the conversation. Results of tools come before all else of their message, as upstreams
 * want them; the pictures in them, which upstreams take from users alone, come after. Blocks of
 * unknown types are left out.
 *
 * @param thinkingOf the private thinking that a signature brings back.
 * @throws {ApiError} 400 naming the block that can't be passed on.
 * @internal the body's type is zod's
 */
export function readConversation(
  { system, messages }: CountedBody,
  thinkingOf: (signature: string) => string | undefined = () => undefined,
): Message[] {
  const instructions = systemText(system ?? "");
  const read = messages.flatMap(({ role, content }, index): Message[] => {
    const at = `messages[${index}].content`;
    if (role === "user") return userMessages(content, at);
    if (role === "assistant") return assistantMessage(content, thinkingOf);
    return [{ role, content: systemText(content) }];
  });
  return instructions === "" ? read : [{ role: "system", content: instructions }, ...read];
}

function systemText(content: Content): string {
  if (typeof content === "string") return content;
  return content.map(textOf).filter((text) => text !== "" && !text.startsWith(METER_NOTE))
    .join("\n\n");
}

function textOf({ type, text }: ContentBlock): string {
  return type === "text" && typeof text === "string" ? text : "";
}

function userMessages(content: Content, at: string): Message[] {
  if (typeof content === "string") return [{ role: "user", content }];
  const results: Message[] = [];
  const parts: Part[] = [];
  content.forEach((block, index) => {
    const param = `${at}[${index}]`;
    if (block.type === "tool_result") {
      const { result, rest } = toolResult(block, param);
      results.push(result);
      parts.push(...rest);
    } else parts.push(...partsOf(block, param));
  });
  if (parts.length === 0) return results;
  return [...results, { role: "user", content: onlyText(parts) ?? parts }];
}

/** The text of a single part: a string is understood by every upstream. */
function onlyText(parts: readonly Part[]): unknown {
  return parts.length === 1 && parts[0]!.type === "text" ? parts[0]!.text : undefined;
}

function toolResult(block: ContentBlock, at: string): { result: Message; rest: Part[] } {
  const { tool_use_id: id, content, is_error: failed } = block;
  if (typeof id !== "string" || id === "") {
    throw invalidRequest(
      `${at}.tool_use_id`,
      `Missing required parameter: '${at}.tool_use_id'.`,
      "missing_required_parameter",
    );
  }
  const parts = typeof content === "string"
    ? [{ type: "text", text: content }]
    : (Array.isArray(content) ? content as ContentBlock[] : [])
      .flatMap((each, index) => partsOf(each, `${at}.content[${index}]`));
  const text = parts.filter(({ type }) => type === "text").map(({ text }) => text).join("\n");
  const rest = parts.filter(({ type }) => type !== "text");
  const result: Message = {
    role: "tool",
    tool_call_id: id,
    content: failed === true && !/^error/i.test(text) ? `Error: ${text}` : text,
  };
  if (rest.length === 0) return { result, rest };
  return { result, rest: [{ type: "text", text: `From the result of ${id}:` }, ...rest] };
}

/** What a block says, in the parts of Chat Completions. */
function partsOf(block: ContentBlock, at: string): Part[] {
  switch (block.type) {
    case "text": {
      if (typeof block.text !== "string") throw wrongBlock(`${at}.text`, "expected a string");
      return block.text === "" ? [] : [{ type: "text", text: block.text }];
    }
    case "image":
      return [{ type: "image_url", image_url: { url: pictureUrl(block, at) } }];
    case "document":
      return documentParts(block, at);
    case "search_result": {
      const texts = Array.isArray(block.content) ? block.content.map(textOf) : [];
      const text = [block.title, block.source, ...texts].filter(Boolean).join("\n");
      return [{ type: "text", text }];
    }
    default:
      return [];
  }
}

function sourceOf({ source }: ContentBlock, at: string): Record<string, unknown> {
  if (typeof source === "object" && source !== null) return source as Record<string, unknown>;
  throw wrongBlock(`${at}.source`, "expected an object");
}

function pictureUrl(block: ContentBlock, at: string): string {
  const { type, url, media_type: mediaType, data } = sourceOf(block, at);
  if (type === "url" && typeof url === "string") return url;
  if (type === "base64" && typeof data === "string") {
    return `data:${mediaType ?? "image/png"};base64,${data}`;
  }
  throw wrongBlock(`${at}.source`, "expected the type 'base64' with data, or 'url' with a url");
}

function documentParts(block: ContentBlock, at: string): Part[] {
  const { type, media_type: mediaType, data, content } = sourceOf(block, at);
  const title = typeof block.title === "string" && block.title !== "" ? block.title : undefined;
  const about = [title, block.context].filter(Boolean).join("\n");
  const heading = about === "" ? [] : [{ type: "text", text: about }];
  if (type === "text" && typeof data === "string") {
    return [...heading, { type: "text", text: data }];
  }
  if (type === "content") {
    const blocks = typeof content === "string" ? [{ type: "text", text: content }] : content;
    if (Array.isArray(blocks)) {
      return [...heading, ...blocks.flatMap((each) => partsOf(each, `${at}.source.content`))];
    }
  }
  if (type === "base64" && typeof data === "string") {
    const file_data = `data:${mediaType ?? "application/pdf"};base64,${data}`;
    return [{ type: "file", file: { filename: title ?? "document.pdf", file_data } }];
  }
  throw wrongBlock(
    `${at}.source`,
    "expected the type 'base64' or 'text' with data, or 'content' with content",
  );
}

function assistantMessage(
  content: Content,
  thinkingOf: (signature: string) => string | undefined,
): Message[] {
  if (typeof content === "string") return [{ role: "assistant", content }];
  const text = content.map(textOf).join("");
  const calls = content.filter(({ type }) => type === "tool_use").map(({ id, name, input }) => ({
    id,
    type: "function",
    function: { name, arguments: JSON.stringify(input ?? {}) },
  }));
  if (calls.length === 0) return text === "" ? [] : [{ role: "assistant", content: text }];
  const thinking = signatures(content).map(thinkingOf).find((each) => each);
  return [{
    role: "assistant",
    content: text === "" ? null : text,
    ...(thinking === undefined ? {} : { reasoning_content: thinking }),
    tool_calls: calls,
  }];
}

function signatures(content: Content): string[] {
  if (typeof content === "string") return [];
  return content.flatMap(({ type, signature }) =>
    type === "thinking" && typeof signature === "string" ? [signature] : []
  );
}

/**
 * The signatures that can bring private thinking back: those of messages that call tools.
 *
 * @internal the body's type is zod's
 */
export function wantedSignatures({ messages }: CountedBody): string[] {
  return messages.flatMap(({ role, content }) =>
    role === "assistant" && typeof content !== "string" &&
      content.some(({ type }) => type === "tool_use")
      ? signatures(content)
      : []
  );
}

function wrongBlock(param: string, what: string): ApiError {
  return invalidRequest(param, `Invalid value for '${param}': ${what}.`);
}
