import { isObject, tryParse } from "../../json.ts";
import { withoutMiddle } from "../../text.ts";
import type { Tool, ToolContent, ToolResult } from "../../tools/tool.ts";
import type { Message } from "../request.ts";
import { blockOf } from "./fenced_calls.ts";

/** A whole call of a tool. */
export interface Call {
  id: string;
  name: string;
  /** Arguments of the call as JSON. */
  arguments: string;
  /** Opaque state of the provider, which it wants back with the call. */
  extra?: Record<string, unknown> | undefined;
}

/** Longest output that a model gets; the middle of a longer one is left out. */
const MAX_OUTPUT_CHARACTERS = 16_000;
const START_SHARE = 0.75;

/** Returns the definition of a tool under the names of Chat Completions. */
export function definitionOf({ name, description, parameters }: Tool): Record<string, unknown> {
  return { type: "function", function: { name, description, parameters } };
}

/** Returns the name in a tool's definition. */
export const nameOf = (tool: unknown) =>
  (tool as { function?: { name?: unknown } } | null)?.function?.name;

/** Returns a name that no tool of the client has: neither may take the place of the other. */
export function freeName(name: string, taken: ReadonlySet<unknown>): string {
  let free = name;
  for (let n = 2; taken.has(free); n++) free = `${name.slice(0, 60)}_${n}`;
  return free;
}

export function shorten(text: string, max: number): string {
  return withoutMiddle(text, max, START_SHARE, (left) => `[${left} characters left out]`);
}

/** Returns the texts of a result. */
export function outputText({ content }: { content: readonly ToolContent[] }): string {
  return content.map((part) => part.type === "text" ? part.text : "[image]").join("\n");
}

/** Returns what a model gets: it must be able to tell data from instructions. */
export function markedOutput(name: string, result: ToolResult, prompt: FillPrompt): string {
  const text = shorten(outputText(result), MAX_OUTPUT_CHARACTERS);
  const output = (text || "(no output)").replaceAll(/<(?=\/?tool_output)/gi, "&lt;");
  return prompt("tool_output", { name, output });
}

/** Returns `{}` for anything but an object in JSON, for which some upstreams reject the next call. */
function objectText(json: string): string {
  return isObject(tryParse(json)) ? json : "{}";
}

/** Returns the images of results as content parts. */
export function imagesOf(results: readonly ToolResult[]): Record<string, unknown>[] {
  return results.flatMap(({ content }) =>
    content.flatMap((part) =>
      part.type === "image" ? [{ type: "image_url", image_url: { url: part.url } }] : []
    )
  );
}

type FillPrompt = (name: "tool_output", values: Readonly<Record<string, string>>) => string;

/** Returns a model's turn and the results of its calls. */
export function turnMessages(
  text: string,
  calls: readonly Call[],
  results: readonly ToolResult[],
  { inWords, prompt }: { inWords: boolean; prompt: FillPrompt },
): Message[] {
  const outputs = results.map((result, index) => markedOutput(calls[index]!.name, result, prompt));
  const images = imagesOf(results);
  if (inWords) {
    const said = [text.trim(), ...calls.map(blockOf)].filter((part) => part !== "").join("\n\n");
    const heard = outputs.join("\n\n");
    return [
      { role: "assistant", content: said },
      {
        role: "user",
        content: images.length === 0 ? heard : [{ type: "text", text: heard }, ...images],
      },
    ];
  }
  const toolCalls = calls.map(({ id, name, arguments: json, extra }) => ({
    id,
    type: "function",
    function: { name, arguments: objectText(json) },
    ...(extra === undefined ? {} : { extra_content: extra }),
  }));
  return [
    { role: "assistant", content: text === "" ? null : text, tool_calls: toolCalls },
    ...outputs.map((content, index): Message => ({
      role: "tool",
      tool_call_id: calls[index]!.id,
      content,
    })),
    // Few upstreams take images in the results of tools.
    ...(images.length === 0 ? [] : [{ role: "user" as const, content: images }]),
  ];
}
