import { z } from "zod";
import { startOf } from "../../text.ts";
import type { ToolContent, ToolResult } from "../tool.ts";

const MAX_IMAGES = 4;
const IMAGE_TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const BASE64_REGEXP = /^[A-Za-z0-9+/]+={0,2}$/;

const part = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  name: z.string().optional(),
  uri: z.string().optional(),
  mimeType: z.string().optional(),
  data: z.string().optional(),
  resource: z.looseObject({ text: z.string().optional() }).optional(),
});

type Part = z.output<typeof part>;

/** What is read of a result. The schema of the SDK takes seconds to reject 100,000 unknown parts. */
export const callResult = z.looseObject({
  content: z.array(part).default([]),
  structuredContent: z.unknown().optional(),
  isError: z.boolean().optional(),
});

/**
 * Returns a server's result with at most `maxCharacters` characters of text, and four images.
 *
 * @param withoutKeys removes what no model may read from a text.
 */
export function toToolResult(
  result: z.output<typeof callResult>,
  maxCharacters: number,
  withoutKeys: (text: string) => string,
): ToolResult {
  const content: ToolContent[] = [];
  let left = maxCharacters;
  let images = 0;
  const write = (received: string) => {
    const text = withoutKeys(received);
    if (left > 0 && text !== "") content.push({ type: "text", text: startOf(text, left) });
    left -= text.length;
  };
  for (const part of result.content) {
    const { type, text, resource } = part;
    if (type === "text" && text !== undefined) write(text);
    else if (type === "resource_link") write(`${part.name}: ${part.uri}`);
    else if (type === "resource" && resource?.text !== undefined) write(resource.text);
    else if (type === "image" && isImage(part) && images++ < MAX_IMAGES) {
      content.push({ type: "image", url: `data:${part.mimeType};base64,${part.data}` });
    } else write(`(A part of the type ${startOf(type, 100)} was left out.)`);
  }
  if (result.content.length === 0 && result.structuredContent !== undefined) {
    write(JSON.stringify(result.structuredContent));
  }
  if (left < 0) content.push({ type: "text", text: `(Cut to ${maxCharacters} characters.)` });
  if (content.length === 0) content.push({ type: "text", text: "(The result is empty.)" });
  return { content, ...(result.isError === true && { isError: true }) };
}

function isImage({ mimeType = "", data = "" }: Part): boolean {
  return IMAGE_TYPES.includes(mimeType) && BASE64_REGEXP.test(data);
}
