import type { CallToolResult } from "@modelcontextprotocol/client";
import { shorten } from "../attempt.ts";
import type { ToolContent, ToolResult } from "../tool.ts";

const MAX_IMAGES = 4;
const IMAGE_TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const BASE64_REGEXP = /^[A-Za-z0-9+/]+={0,2}$/;

/** Returns a server's result with at most `maxCharacters` characters of text, and four images. */
export function toToolResult(result: CallToolResult, maxCharacters: number): ToolResult {
  const content: ToolContent[] = [];
  let left = maxCharacters;
  let images = 0;
  const write = (text: string) => {
    if (left > 0 && text !== "") content.push({ type: "text", text: shorten(text, left) });
    left -= text.length;
  };
  for (const part of result.content) {
    if (part.type === "text") write(part.text);
    else if (part.type === "resource_link") write(`${part.name}: ${part.uri}`);
    else if (part.type === "resource" && "text" in part.resource) write(part.resource.text);
    else if (part.type === "image" && isImage(part) && images++ < MAX_IMAGES) {
      content.push({ type: "image", url: `data:${part.mimeType};base64,${part.data}` });
    } else write(`(A part of the type ${part.type} was left out.)`);
  }
  if (result.content.length === 0 && result.structuredContent !== undefined) {
    write(JSON.stringify(result.structuredContent));
  }
  if (left < 0) content.push({ type: "text", text: `(Cut to ${maxCharacters} characters.)` });
  if (content.length === 0) content.push({ type: "text", text: "(The result is empty.)" });
  return { content, ...(result.isError === true && { isError: true }) };
}

function isImage({ mimeType, data }: { mimeType: string; data: string }): boolean {
  return IMAGE_TYPES.includes(mimeType) && BASE64_REGEXP.test(data);
}
