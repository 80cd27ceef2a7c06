import { isObject, tryParse } from "../../json.ts";
import type {
  ToolEndEvent,
  ToolOutputEvent,
  ToolStartEvent,
  ToolUseEvent,
} from "../../reasoning/events.ts";
import { outputText } from "../../reasoning/tools/turns.ts";
import type { Item } from "./body.ts";
import type { OpenItem, Output } from "./output.ts";

/** The item that shows a use of a tool. */
export type ShownUse =
  | { type: "code_interpreter_call" }
  | { type: "web_search_call" }
  | { type: "mcp_call"; server_label: string; name: string };

/** The tools of an MCP server, as the client learns them. */
export interface McpList {
  server_label: string;
  tools: { name: string; description: string; input_schema: Record<string, unknown> }[];
  error?: string;
}

/** How the server's own tools are shown. */
export interface ShownTools {
  /** Items of the shown tools, by name. The uses of other tools are shown in the thinking only. */
  uses: Readonly<Record<string, ShownUse>>;
  /** Lists that begin the output. */
  lists: readonly McpList[];
}

const TYPES: ReadonlySet<string> = new Set<ShownUse["type"] | "mcp_list_tools">([
  "code_interpreter_call",
  "web_search_call",
  "mcp_call",
  "mcp_list_tools",
]);

/** Whether an item is the use of a tool on the server. */
export function isToolUse(type: string): boolean {
  return TYPES.has(type);
}

type Fields = Record<string, unknown>;

interface OpenUse {
  open: OpenItem;
  shown: ShownUse;
  output: ToolOutputEvent | undefined;
}

/**
 * Creates the items of the uses of tools.
 *
 * @param containerId id of the container in which code is said to run.
 */
export function createToolUses(output: Output, containerId: string, shown: ShownTools) {
  const uses = new Map<string, OpenUse>();
  let isListed = false;

  function list({ error, ...item }: McpList): void {
    const open = output.open("mcp_list_tools", { ...item, tools: [] });
    const { place } = open;
    output.frame("response.mcp_list_tools.in_progress", place);
    output.frame(`response.mcp_list_tools.${error === undefined ? "completed" : "failed"}`, place);
    output.close(open, { tools: item.tools, ...(error === undefined ? {} : { error }) });
  }

  function begin(event: ToolStartEvent): void {
    if (!Object.hasOwn(shown.uses, event.name)) return;
    const use = shown.uses[event.name]!;
    const begun = (fields: Fields): OpenItem => {
      const open = output.open(use.type, { status: "in_progress", ...fields });
      uses.set(event.id, { open, shown: use, output: undefined });
      output.frame(`response.${use.type}.in_progress`, open.place);
      return open;
    };
    if (use.type === "code_interpreter_call") {
      const open = begun({ container_id: containerId, code: "", outputs: null });
      write(open, "response.code_interpreter_call_code", "code", codeOf(event.arguments));
      output.frame("response.code_interpreter_call.interpreting", open.place);
    } else if (use.type === "web_search_call") {
      const { place } = begun({ action: actionOf(event.arguments) });
      output.frame("response.web_search_call.searching", place);
    } else {
      const { server_label, name } = use;
      const { approval } = event;
      const open = begun({
        server_label,
        name,
        arguments: "",
        output: null,
        error: null,
        ...(approval !== undefined && { approval_request_id: approval }),
      });
      write(open, "response.mcp_call_arguments", "arguments", event.arguments);
    }
  }

  /** Sends a field that is already complete as one delta. */
  function write({ item, place }: OpenItem, type: string, field: string, text: string): void {
    if (text !== "") output.frame(`${type}.delta`, { ...place, delta: text });
    output.frame(`${type}.done`, { ...place, [field]: text });
    item[field] = text;
  }

  function end({ id, isError }: Pick<ToolEndEvent, "id" | "isError">, isWhole = true): void {
    const use = uses.get(id);
    if (use === undefined) return;
    uses.delete(id);
    const { open, shown: { type } } = use;
    // OpenAI's document has no status `incomplete` for a search.
    const incomplete = type === "web_search_call" ? "failed" : "incomplete";
    const status = !isWhole ? incomplete : isError ? "failed" : "completed";
    if (status === "completed" || status === "failed" && type === "mcp_call") {
      output.frame(`response.${type}.${status}`, open.place);
    }
    output.close(open, { status, ...resultFields(use, isWhole && isError) });
  }

  return {
    /** Writes the lists when called for the first time. */
    list(): void {
      if (isListed) return;
      isListed = true;
      shown.lists.forEach(list);
    },
    add(event: ToolUseEvent): void {
      const use = uses.get(event.id);
      if (event.type === "tool_start") begin(event);
      else if (event.type === "tool_end") end(event);
      else if (use !== undefined && !event.isProgress) use.output = event;
    },
    /** Ends the uses that have no result yet. */
    end(): void {
      for (const id of uses.keys()) end({ id, isError: true }, false);
    },
  };
}

function resultFields({ shown: { type }, open, output }: OpenUse, isError: boolean): Fields {
  if (output === undefined) return {};
  const { content, citations = [] } = output;
  if (type === "code_interpreter_call") {
    return {
      outputs: content.map((part) =>
        part.type === "text" ? { type: "logs", logs: part.text } : { type: "image", url: part.url }
      ),
    };
  }
  if (type === "web_search_call") {
    const action = open.item.action as Fields;
    if (action.type !== "search") return {};
    const sources = citations.flatMap(({ url }) => URL.canParse(url) ? { type: "url", url } : []);
    return { action: { ...action, sources } };
  }
  const text = outputText(output);
  return isError
    ? { error: { type: "mcp_tool_execution_error", content: [{ type: "text", text }] } }
    : { output: text };
}

/** Returns a text among the arguments, as the model wrote them. */
function argument(json: string, name: string): string | undefined {
  const args = tryParse(json);
  const value = isObject(args) ? args[name] : undefined;
  return typeof value === "string" ? value : undefined;
}

const codeOf = (json: string) => argument(json, "code") ?? json;

function actionOf(json: string): Fields {
  const url = argument(json, "url");
  if (url !== undefined) return { type: "open_page", url: URL.parse(url)?.href ?? null };
  const query = argument(json, "query") ?? "";
  return { type: "search", query, queries: [query] };
}

/**
 * Returns the events that would produce an item. Their id is the item's.
 *
 * @param shown how the response shows tools.
 */
export function* eventsOfUse(item: Item, { uses }: ShownTools): Generator<ToolUseEvent> {
  const { id = "", type, status } = item;
  const action = (item.action ?? {}) as Fields;
  const found = Object.entries(uses).find(([, use]) =>
    use.type === type &&
    (use.type !== "mcp_call" || use.name === item.name && use.server_label === item.server_label)
  );
  if (found === undefined) return;
  const [name] = found;
  const { outputs, error, output } = item as {
    outputs?: { logs?: string; url?: string }[] | null;
    error?: { content: { text: string }[] } | null;
    output?: string | null;
  } & Item;
  const text = error?.content[0]?.text ?? output ?? undefined;
  const sources = action.sources as { url: string }[] | undefined;
  const args = type === "code_interpreter_call"
    ? JSON.stringify({ code: item.code })
    : type === "mcp_call"
    ? item.arguments as string
    : JSON.stringify(action.type === "open_page" ? { url: action.url } : { query: action.query });
  const approval = item.approval_request_id as string | undefined;
  yield { type: "tool_start", id, name, arguments: args, ...(approval && { approval }) };
  if (outputs || text !== undefined || sources !== undefined) {
    yield {
      type: "tool_output",
      id,
      content: text !== undefined
        ? [{ type: "text", text }]
        : (outputs ?? []).map(({ logs, url }) =>
          url === undefined ? { type: "text", text: logs ?? "" } : { type: "image", url }
        ),
      ...(sources && { citations: sources.map(({ url }) => ({ url, title: "" })) }),
      isProgress: false,
    };
  }
  if (status === "incomplete") return;
  yield { type: "tool_end", id, name, isError: status === "failed", seconds: 0 };
}
