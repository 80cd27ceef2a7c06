import type { FinalCallFields, JsonFormat, ReasoningRequest } from "../../reasoning/request.ts";
import { checkStops, invalidValue, missingParameter, present } from "../body.ts";
import { invalidRequest } from "../errors.ts";
import { type AvailableTools, NO_TOOLS } from "../mcp.ts";
import { jsonFormat } from "../json_format.ts";
import { type FunctionTool, type ToolChoice, type ToolFields, toolFields } from "../tools.ts";
import { sharedFields } from "../upstream_fields.ts";
import type { MessagesBody, PromptBody, Tool } from "./body.ts";
import { loadedTools, readConversation } from "./conversation.ts";
import { isToolset, selectServers } from "./mcp_servers.ts";
import { kindOf, rulesOf } from "./server_tools.ts";

/** How much of the thinking the client sees; with `omitted`, only its signature. */
export type ThinkingDisplay = "none" | "omitted" | "shown";

export interface MessagesContext {
  /** Returns the private thinking behind a signature, unless the signature is not ours. */
  thinkingOf?: (signature: string) => string | undefined;
  /** The server's own tools that the client may use. Default: none. */
  available?: AvailableTools;
  /** The strategy from the request's headers. */
  strategy?: string | undefined;
}

/** @throws {ApiError} 400 naming the invalid field. */
export function decodeMessagesRequest(
  body: MessagesBody,
  { thinkingOf, strategy, available = NO_TOOLS }: MessagesContext = {},
) {
  const messages = readConversation(body, thinkingOf);
  const { mcp, hasOthers } = selectServers(body, available);
  const { leftOut, fields, serverTools: served, toolRules } = readTools(
    body,
    available.kinds,
    mcp.map(({ label }) => label),
  );
  if (hasOthers) leftOut.push("mcp_servers");
  // A request whose MCP servers are turned off or not available must not get all tools instead.
  const isDeclared = served !== undefined || (body.mcp_servers ?? []).length > 0;
  const kinds = [...served ?? [], ...(mcp.length > 0 ? ["mcp"] : [])];
  if (!messages.some(({ role }) => role === "user" || role === "tool")) {
    throw invalidValue("messages", "there is no user message");
  }
  const { thinking } = body;
  const isOff = thinking?.type === "disabled";
  const display: ThinkingDisplay = thinking?.display === "omitted" ? "omitted" : "shown";
  const reasoning: ReasoningRequest = {
    messages,
    stream: body.stream === true,
    maxCallTokens: body.max_tokens,
    final: finalFields(body, fields),
    ...present({
      effort: isOff ? "none" as const : body.output_config?.effort,
      thinkingTokens: isOff ? undefined : thinking?.budget_tokens,
      strategy,
      options: isDeclared ? { tools: kinds } : undefined,
      toolRules,
      json: answerFormat(body),
      upstreamFields: sharedFields(body, { reasoning_effort: body.output_config?.effort }),
    }),
  };
  return {
    reasoning,
    thinking: !thinking || isOff ? "none" as const : display,
    /** Types of the tools that are not served. */
    leftOut,
    /** The server's own tools that the request uses; undefined if it leaves that to the server. */
    serverTools: isDeclared ? { kinds, mcp } : undefined,
  };
}

function finalFields(body: MessagesBody, tools: ToolFields): FinalCallFields {
  const { temperature, top_p, stop_sequences: stop } = body;
  checkStops(stop, "stop_sequences");
  const isSerial = tools.tools !== undefined && body.tool_choice?.disable_parallel_tool_use;
  return {
    ...present({ temperature, top_p, stop: stop?.length ? stop : undefined }),
    ...tools,
    ...(isSerial ? { parallel_tool_calls: false } : {}),
  };
}

/**
 * Reads the tools. Tools that only Anthropic's servers or models have are left out. So are tools with
 * `defer_loading` that the client's search has not found yet.
 *
 * @param available kinds of the server's own tools, which replace Anthropic's tools of the same kind.
 * @param servers labels of the request's MCP servers that this server can use.
 * @returns also the kinds of the server's own tools that the request may use, if it declares any.
 * @throws {ApiError} 400 for the choice of a tool that is left out.
 */
export function readTools(
  body: PromptBody,
  available: readonly string[] = [],
  servers: readonly string[] = [],
) {
  const tools = (body.tools ?? []).filter((tool) =>
    !isToolset(tool) || !servers.includes(tool.mcp_server_name ?? "")
  );
  const pathOf = (tool: Tool) => `tools[${body.tools!.indexOf(tool)}]`;
  const isHosted = ({ type, input_schema }: Tool) => !input_schema && type && type !== "custom";
  const isServed = (tool: Tool) => available.includes(kindOf(tool) ?? "");
  const served = tools.filter((tool) => isHosted(tool) && isServed(tool));
  const hosted = tools.filter((tool) => isHosted(tool) && !isServed(tool));
  for (const tool of served) {
    if (!tool.allowed_domains || !tool.blocked_domains) continue;
    const path = `${pathOf(tool)}.blocked_domains`;
    throw invalidValue(path, "it can't be used together with 'allowed_domains'");
  }
  const leftOut = [...new Set(hosted.map(({ type }) => type!))];
  const { tool_choice: choice } = body;
  const demanded = hosted.find(({ name }) =>
    choice?.type === "tool" ? choice.name === name : choice?.type === "any"
  );
  // Tools that only a search on Anthropic's servers could find must be offered at once.
  const canLoad = !leftOut.some((type) => type.startsWith("tool_search_"));
  const loaded = loadedTools(body);
  const offered = tools.filter((tool) =>
    !isHosted(tool) &&
    (!tool.defer_loading || !canLoad || loaded.has(tool.name) || choice?.name === tool.name)
  );
  if (
    demanded !== undefined &&
    (choice?.type === "tool" || offered.length + served.length + servers.length === 0)
  ) {
    throw invalidRequest(
      `${pathOf(demanded)}.type`,
      `Tools of the type '${
        demanded.type!.slice(0, 60)
      }' are not supported. Describe the tool with an input_schema.`,
    );
  }
  const functions = offered.map((tool): FunctionTool => {
    const { name, description, input_schema: parameters, strict } = tool;
    if (!name) throw missingParameter(`${pathOf(tool)}.name`);
    if (!parameters) throw missingParameter(`${pathOf(tool)}.input_schema`);
    return {
      type: "function",
      function: { name, ...present({ description, parameters, strict }) },
    };
  });
  if (served.length === 0) return { fields: toolFields(functions, chatChoice(choice)), leftOut };
  const chosen = served.filter(({ name }) => choice?.type === "tool" && choice.name === name);
  const kept = choice?.type === "none" ? [] : chosen.length > 0 ? chosen : served;
  return {
    fields: chosen.length > 0 ? {} : toolFields(functions, chatChoice(choice)),
    leftOut,
    serverTools: [...new Set(kept.map((tool) => kindOf(tool)!))],
    toolRules: rulesOf(kept),
  };
}

function chatChoice(choice: PromptBody["tool_choice"]): ToolChoice {
  switch (choice?.type) {
    case "any":
      return "required";
    case "tool":
      if (!choice.name) throw missingParameter("tool_choice.name");
      return { type: "function", function: { name: choice.name } };
    default:
      return choice?.type;
  }
}

function answerFormat(body: MessagesBody): JsonFormat | undefined {
  const field = body.output_config?.format ? "output_config.format" : "output_format";
  const format = body.output_config?.format ?? body.output_format;
  if (!format) return undefined;
  const given = { name: "answer", schema: format.schema, strict: true };
  return jsonFormat(given, field, `${field}.schema`);
}
