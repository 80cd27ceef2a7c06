import type { JsonFormat, Message, ReasoningRequest } from "../../reasoning/request.ts";
import type { ToolRules } from "../../reasoning/tools/use_limits.ts";
import { invalidValue, missingParameter, present, strategyOptions } from "../body.ts";
import { ApiError } from "../errors.ts";
import { JSON_OBJECT, jsonFormat } from "../json_format.ts";
import { sharedFields } from "../upstream_fields.ts";
import { readApprovals } from "./approvals.ts";
import { type Item, type PlacedItem, reasoningFields, type ResponsesBody } from "./body.ts";
import { type ConversationContext, readConversation } from "./conversation.ts";
import { type AvailableTools, NO_TOOLS } from "../mcp.ts";
import type { HostedTools } from "./hosted_tools.ts";
import { createToolTable, flatName, type ToolTable } from "./tools.ts";

/** What the server knows about the things that a body names. */
export interface ResponsesContext {
  /** The server's own tools that the client may use. Default: none. */
  available?: AvailableTools;
  /** The request's own items; `thinking` is called with these very objects. */
  own: readonly Item[];
  /** Items before the request's own, oldest first. */
  history: readonly Item[];
  /** Returns a stored item by its id. */
  item(id: string): Item | undefined;
  /** Returns the private thinking behind a reasoning item. */
  thinking(item: Item): string | undefined;
}

export type ResponsesRequest = ReturnType<typeof decodeResponsesRequest>;

/** Items whose tools count as declared. */
const TOOL_ITEMS: ReadonlySet<string> = new Set(["additional_tools", "tool_search_output"]);

/** The request's own items, before references are resolved. A string is a user message. */
export function ownItems({ input }: Pick<ResponsesBody, "input">): Item[] {
  if (typeof input === "string") return [{ type: "message", role: "user", content: input }];
  return (input ?? []).map((item) => {
    const type = item.type ?? (item.role ? "message" : "item_reference");
    return { ...item, type } as Item;
  });
}

/**
 * The items that a client adds to a conversation.
 *
 * @throws {ApiError} 400 naming an item that is not supported.
 */
export function conversationItems(body: { items?: ResponsesBody["input"] }): Item[] {
  const items = ownItems({ input: body.items });
  const placed = items.map((item, index) => ({ item, path: `items[${index}]` }));
  const approvals = readApprovals(placed, [], () => "");
  readItems(placed, createToolTable(), {
    thinkingOf: () => undefined,
    approvalOutputs: approvals.outputs,
    askedTool: () => "",
  });
  return items;
}

/**
 * @param strategy the strategy from the request's headers; the body's takes precedence.
 * @throws {ApiError} 400 naming the invalid field, 404 for an unknown item.
 */
export function decodeResponsesRequest(
  body: ResponsesBody,
  context: ResponsesContext,
  strategy?: string | undefined,
) {
  const own = resolveReferences(context);
  const json = answerFormat(body);
  const history = context.history.map((item) => ({ item, path: "previous_response_id" }));
  const options = strategyOptions(body.reasoning, reasoningFields);
  const available = wantedTools(context.available ?? NO_TOOLS, options?.tools);
  const tools = createToolTable(available);
  tools.declare(body.tools ?? []);
  const askedTool = ({ server_label, name }: Item) => {
    const server = tools.serverOf(server_label) ?? String(server_label);
    // A tool that is not declared any more may have a name that upstreams reject.
    return flatName(available.mcpToolName(server, String(name)));
  };
  const { answers, outputs } = readApprovals(history, own, askedTool);
  const hasApproved = answers.some(({ approve }) => approve);
  const compactsOnly = own.at(-1)?.item.type === "compaction_trigger";
  if (compactsOnly && hasApproved) {
    throw invalidValue("input", "an approved call can't be run by a compaction_trigger");
  }
  const messages = readItems([...history, ...own], tools, {
    thinkingOf: context.thinking,
    approvalOutputs: outputs,
    askedTool,
  });
  if (body.instructions) messages.unshift({ role: "system", content: body.instructions });
  const { temperature, top_p, parallel_tool_calls } = body;
  if (messages.length === 0) throw invalidValue("input", "it contains no message");
  const fields = tools.fields(body.tool_choice);
  const hosted = tools.hosted();
  const reasoning: ReasoningRequest = {
    messages,
    stream: body.stream === true,
    final: { ...present({ temperature, top_p, parallel_tool_calls }), ...fields },
    ...present({
      maxTokens: body.max_output_tokens,
      effort: body.reasoning?.effort,
      strategy: body.reasoning?.strategy ?? strategy,
      truncates: body.truncation === "auto" || undefined,
      compactsOnly: compactsOnly || undefined,
      // A summary would lack the results of approved calls.
      compactAbove: hasApproved ? undefined : body.context_management?.[0]?.compact_threshold,
      isPro: body.reasoning?.mode === "pro" || undefined,
      options: hosted === undefined ? options : { ...options, tools: hosted.kinds },
      json,
      toolRules: toolRules(body, hosted),
      upstreamFields: upstreamFields(body),
    }),
  };
  return {
    reasoning,
    /** The request's own items, with references resolved. */
    input: own.map(({ item }) => item),
    clientTools: tools.clientTools,
    /** What it uses of the server's own tools; undefined if it leaves that to the server. */
    hosted,
    /** The client's answers to calls that need approval. */
    answers,
    /** Types of the tools that are not served. */
    leftOut: [...tools.leftOut],
  };
}

function toolRules(
  { max_tool_calls }: ResponsesBody,
  hosted: HostedTools | undefined,
): ToolRules | undefined {
  const pages = hosted?.pages;
  if (!max_tool_calls && pages === undefined) return undefined;
  return present({
    maxRuns: max_tool_calls,
    domains: pages && { web_search: pages, fetch: pages },
  });
}

/** Returns the tools that are left by `reasoning.tools`. */
function wantedTools(available: AvailableTools, wanted: unknown): AvailableTools {
  if (!Array.isArray(wanted)) return available;
  return { ...available, kinds: available.kinds.filter((kind) => wanted.includes(kind)) };
}

/** Reads items as messages, and adds the tools that they declare to the table. */
function readItems(
  items: readonly PlacedItem[],
  tools: ToolTable,
  context: Omit<ConversationContext, "upstreamName">,
): Message[] {
  for (const { item, path } of items) {
    if (TOOL_ITEMS.has(item.type)) tools.load(item.tools, `${path}.tools`);
  }
  return readConversation(items, { ...context, upstreamName: tools.upstreamName });
}

/**
 * Replaces references by their items. References to thinking that is gone are left out, and so is
 * a second reference to the same item, which would make a short request a long prompt.
 */
function resolveReferences({ own, item: find }: ResponsesContext): PlacedItem[] {
  const seen = new Set<string>();
  return own.flatMap((item, index) => {
    const path = `input[${index}]`;
    if (item.type !== "item_reference") return [{ item, path }];
    const { id } = item;
    if (!id) {
      const hint = " An item without an id needs a 'type', or a 'role' if it is a message.";
      throw missingParameter(`${path}.id`, hint);
    }
    if (seen.has(id)) return [];
    seen.add(id);
    const found = find(id);
    if (found !== undefined) return [{ item: found, path }];
    if (id.startsWith("rs_")) return [];
    throw new ApiError(404, `Item with id '${id.slice(0, 100)}' not found.`, { param: "input" });
  });
}

function upstreamFields(body: ResponsesBody): Readonly<Record<string, unknown>> | undefined {
  const { top_logprobs, service_tier, text, reasoning } = body;
  return sharedFields(body, {
    service_tier,
    verbosity: text?.verbosity,
    reasoning_effort: reasoning?.effort,
    ...(top_logprobs ? { logprobs: true, top_logprobs } : {}),
  });
}

function answerFormat({ text }: ResponsesBody): JsonFormat | undefined {
  const format = text?.format;
  if (!format || format.type === "text") return undefined;
  if (format.type === "json_object") return JSON_OBJECT;
  if (!format.name) throw missingParameter("text.format.name");
  return jsonFormat({ ...format, name: format.name }, "text.format", "text.format.schema");
}
