/**
 * Tools of the Messages API that run on the server.
 *
 * @see {@link https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/overview}
 * @module
 */
import type { ToolOutputEvent, ToolStartEvent, ToolUseEvent } from "../../reasoning/events.ts";
import { outputText } from "../../reasoning/tools/turns.ts";
import { newId } from "../ids.ts";
import type { Tool } from "./body.ts";

/** The name of a tool to the client, by its name in the configuration. */
const NAMES = { code: "code_execution", web_search: "web_search" } as const;

type Kind = keyof typeof NAMES;

const DATE_REGEXP = /_\d{8}$/;

/** Returns the kind of a tool of Anthropic's servers, if this server has one of the same purpose. */
export function kindOf({ type }: Tool): Kind | undefined {
  if (!type || !DATE_REGEXP.test(type)) return undefined;
  const name = type.replace(DATE_REGEXP, "");
  return (Object.keys(NAMES) as Kind[]).find((kind) => NAMES[kind] === name);
}

/** A use with its result, as blocks of content. */
export interface ShownUse {
  id: string;
  name: string;
  /** JSON. */
  input: string;
  result: Record<string, unknown>;
}

/**
 * Collects the uses of tools that have ended, until the answer begins.
 *
 * @param kinds those that the client knows.
 */
export function createShownUses(kinds: readonly string[]) {
  const open = new Map<string, { start: ToolStartEvent; output?: ToolOutputEvent }>();
  const ended: ShownUse[] = [];
  return {
    add(event: ToolUseEvent): void {
      const use = open.get(event.id);
      if (event.type === "tool_start") {
        if (kinds.includes(event.name)) open.set(event.id, { start: event });
      } else if (use !== undefined && event.type === "tool_output") {
        if (!event.isProgress) use.output = event;
      } else if (use !== undefined && event.type === "tool_end") {
        const id = newId("srvtoolu_", 24);
        const { name, arguments: input } = use.start;
        const result = resultBlock(name as Kind, id, use.output, event.isError);
        ended.push({ id, name: NAMES[name as Kind], input, result });
      }
    },
    take: (): ShownUse[] => ended.splice(0),
  };
}

function resultBlock(
  kind: Kind,
  tool_use_id: string,
  output: ToolOutputEvent | undefined,
  isError: boolean,
): Record<string, unknown> {
  const { content = [], citations = [] } = output ?? {};
  if (kind === "web_search") {
    return {
      type: "web_search_tool_result",
      tool_use_id,
      content: isError
        ? { type: "web_search_tool_result_error", error_code: "unavailable" }
        : citations.map(({ url, title }) => ({
          type: "web_search_result",
          url,
          title,
          // Only Anthropic's own search needs it back.
          encrypted_content: "",
          page_age: null,
        })),
    };
  }
  const text = outputText({ content });
  return {
    type: "code_execution_tool_result",
    tool_use_id,
    content: {
      type: "code_execution_result",
      stdout: isError ? "" : text,
      stderr: isError ? text : "",
      return_code: isError ? 1 : 0,
      content: [],
    },
  };
}
