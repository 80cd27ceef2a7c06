/**
 * Tools of the Responses API. Upstreams support only functions. So the other tools that a client
 * executes are sent as functions, and calls of these become calls of the tools again.
 */
import { invalidValue, parseBody, present } from "../body.ts";
import { type ApiError, invalidRequest } from "../errors.ts";
import {
  checkMode,
  type FunctionTool,
  invalidChoice,
  type ToolChoice,
  type ToolFields,
  toolFields,
} from "../tools.ts";
import { type Item, type ResponsesBody, type Tool, toolList } from "./body.ts";
import { type AvailableTools, NO_TOOLS } from "../mcp.ts";
import { APPROVAL_REQUEST } from "./approvals.ts";
import { createHostedTools, type HostedTools } from "./hosted_tools.ts";

/** A tool as its client knows it. */
export type ClientTool =
  | { type: keyof typeof FUNCTIONS; name: string; namespace?: string }
  | {
    /** A tool of an MCP server whose calls the client must approve. */
    type: typeof APPROVAL_REQUEST;
    name: string;
    server_label: string;
    /** Name in the configuration. */
    server: string;
  };

/** Tools by the name of the function that replaces them upstream. */
export type ClientTools = Readonly<Record<string, ClientTool>>;

const MAX_TOOLS = 1_024;
/** Longest name of a function upstream. Clients of this API may use twice as many characters. */
const MAX_NAME_LENGTH = 64;

/** The parameters of the function that replaces a tool whose input is a text. */
const TEXT_INPUT = {
  type: "object",
  properties: { input: { type: "string" } },
  required: ["input"],
  additionalProperties: false,
};

/** Builds the function for a tool, by the tool's type. Tools of other types run on the server. */
const FUNCTIONS = {
  function: ({ description, parameters, strict }: Tool) =>
    present({ description, parameters, strict }),
  custom: ({ description, format }: Tool) => ({
    description: [description, "Send the text itself as the field `input`.", grammarText(format)]
      .filter(Boolean).join("\n\n"),
    parameters: TEXT_INPUT,
  }),
  tool_search: ({ description, parameters }: Tool) => present({ description, parameters }),
};

function grammarText(format: Tool["format"]): string {
  if (typeof format?.definition !== "string") return "";
  const syntax = format.syntax === "regex" ? "regular expression" : "Lark grammar";
  return `The text must match this ${syntax}:\n\n${format.definition}`;
}

export type ToolTable = ReturnType<typeof createToolTable>;

/** @param available the server's own tools. */
export function createToolTable(available: AvailableTools = NO_TOOLS) {
  const hosted = createHostedTools(available);
  const functions = new Map<string, FunctionTool>();
  const names = new Map<string, string>();
  const clientTools: Record<string, ClientTool> = {};
  const leftOut = new Set<string>();

  /** Returns the name upstream; a namespace becomes its prefix. */
  function upstreamName(name: string, namespace?: string | null): string {
    const declared = names.get(keyOf(name, namespace));
    if (declared !== undefined) return declared;
    if (namespace) return flatName(`${namespace}__${name}`);
    return name.length > MAX_NAME_LENGTH ? flatName(name) : name;
  }

  function add(tool: Tool, path: string, namespace?: string): void {
    const type = tool.type as keyof typeof FUNCTIONS;
    const name = type === "tool_search" ? type : tool.name ?? "";
    if (!/^[\w.:/-]{1,128}$/.test(name)) {
      throw invalidValue(`${path}.name`, "expected 1 to 128 letters, digits, '_' or '-'");
    }
    const key = keyOf(name, namespace);
    let upstream = upstreamName(name, namespace);
    if (!names.has(key)) {
      const base = upstream.slice(0, MAX_NAME_LENGTH - 5);
      for (let n = 2; functions.has(upstream); n++) upstream = `${base}_${n}`;
      names.set(key, upstream);
    }
    functions.set(upstream, {
      type: "function",
      function: { name: upstream, ...FUNCTIONS[type](tool) },
    });
    if (functions.size > MAX_TOOLS) {
      throw invalidValue("tools", `expected at most ${MAX_TOOLS} tools`);
    }
    if (type !== "function" || upstream !== name) {
      clientTools[upstream] = { type, name, ...(namespace === undefined ? {} : { namespace }) };
    }
  }

  function declareAll(tools: readonly Tool[], path: string, isOffered: (tool: Tool) => boolean) {
    tools.forEach((tool, index) => {
      const { type, name, tools: members } = tool;
      const toolPath = `${path}[${index}]`;
      if (type === "namespace") {
        // The description of the namespace is sent once.
        let shared = tool.description;
        (members ?? []).forEach((member, number) => {
          if (!isServed(member) || !isOffered(member)) return;
          const description = [shared, member.description].filter(Boolean).join("\n\n");
          shared = undefined;
          add({ ...member, description }, `${toolPath}.tools[${number}]`, name ?? "");
        });
      } else if (!isServed(tool)) leftOut.add(type);
      else if (isOffered(tool)) add(tool, toolPath);
    });
  }

  return {
    upstreamName,
    serverOf: hosted.serverOf,
    /** Adds the tools of the body. Tools with `defer_loading` are offered once a search has found them. */
    declare(tools: readonly Tool[]): void {
      const canSearch = tools.some((tool) => tool.type === "tool_search" && isServed(tool));
      const others = tools.filter((tool) => !hosted.declare(tool));
      declareAll(others, "tools", ({ defer_loading }) => !canSearch || !defer_loading);
    },
    /**
     * Adds the tools of an item.
     *
     * @throws {ApiError} 400 if they are not tools.
     */
    load(tools: unknown, path: string): void {
      declareAll(parseBody(toolList, tools ?? [], path), path, () => true);
    },
    /**
     * Returns the fields of the upstream call.
     *
     * @throws {ApiError} 400 for a choice of an unknown tool, or of one that is not served.
     */
    fields(choice: ResponsesBody["tool_choice"]): ToolFields {
      const [missing] = leftOut;
      if (
        choice === "required" && functions.size === 0 && hosted.isEmpty() && missing !== undefined
      ) {
        throw hostedTool("tools", missing);
      }
      if (choice === "none") hosted.keep([]);
      if (typeof choice === "object" && choice?.type === "allowed_tools") {
        checkMode(choice.mode);
        const allowed = choice.tools ?? [];
        hosted.keep(allowed);
        const hasFunctions = allowed.some(({ type, name, namespace }) =>
          functions.has(upstreamName(typeof name === "string" ? name : type, namespace))
        );
        if (!hasFunctions && !hosted.isEmpty()) return {};
      } else if (typeof choice === "object" && choice !== null && hosted.isServed(choice)) {
        hosted.keep([choice]);
        return {};
      }
      return toolFields([...functions.values()], chatChoice(choice, upstreamName));
    },
    /** Returns the hosted tools that are served, without those that the choice excludes. */
    hosted: (): HostedTools | undefined => hosted.selected(),
    /** Tools that are not functions of the same name to the client. */
    clientTools,
    /** Types of the tools that are not served. */
    leftOut,
  };
}

/** A search is executed by the client only if the tool says so. */
function isServed({ type, execution }: Tool): boolean {
  return Object.hasOwn(FUNCTIONS, type) && (type !== "tool_search" || execution === "client");
}

function keyOf(name: string, namespace?: string | null): string {
  return JSON.stringify([namespace ?? "", name]);
}

/** Returns the name upstream of the tool that a call is for. */
export function calledTool(call: Item, tools: ClientTools): string {
  const { type, name = "tool_search", namespace, server_label } = call;
  const key = keyOf(name as string, namespace as string | undefined);
  const found = Object.entries(tools).find(([, tool]) =>
    tool.type === APPROVAL_REQUEST
      ? type === tool.type && tool.name === name && tool.server_label === server_label
      : type !== APPROVAL_REQUEST && keyOf(tool.name, tool.namespace) === key
  );
  return found?.[0] ?? name as string;
}

/** Characters and length that every upstream accepts. */
export function flatName(name: string): string {
  return name.replace(/[^\w-]/g, "_").slice(0, MAX_NAME_LENGTH);
}

/** Returns the choice in the form of Chat Completions, where these fields are nested. */
function chatChoice(
  choice: ResponsesBody["tool_choice"],
  upstreamName: ToolTable["upstreamName"],
): ToolChoice {
  if (typeof choice !== "object" || choice === null) return choice;
  const { type, name, namespace } = choice;
  if (type === "tool_search") return { type: "function", function: { name: type } };
  if (type === "function" || type === "custom") {
    if (typeof name !== "string") throw invalidChoice(`expected {type: '${type}', name}`);
    return { type: "function", function: { name: upstreamName(name, namespace) } };
  }
  if (type !== "allowed_tools") throw hostedTool("tool_choice", type);
  if (!choice.tools) throw invalidChoice("expected {type: 'allowed_tools', mode, tools}");
  const tools = choice.tools.filter(({ type }) => Object.hasOwn(FUNCTIONS, type))
    .map((tool) => chatChoice(tool, upstreamName));
  return { type, allowed_tools: { mode: choice.mode, tools } };
}

function hostedTool(param: string, type: string): ApiError {
  return invalidRequest(
    param,
    `The tool '${
      type.slice(0, 60)
    }' is not available with this model and key. Leave it out, or describe it as a function.`,
  );
}
