/**
 * The tools of a request, and which of them to call.
 *
 * @module
 */
import type { ChatBody } from "./body.ts";
import { invalidRequest } from "../errors.ts";

/** The tools as they go upstream. */
export interface Tools {
  /** Functions, in the present form. */
  tools?: unknown[];
  /** Which of them must be called. */
  tool_choice?: unknown;
}

type Tool = NonNullable<ChatBody["tools"]>[number];

/**
 * Reads tools, `tool_choice` in all its forms, and the deprecated `functions`.
 *
 * @throws {ApiError} 400 naming the tool.
 * @internal the body's type is zod's
 */
export function readTools(body: ChatBody): Tools {
  const tools = body.tools?.length ? body.tools : legacyTools(body);
  if (tools.length === 0) return {};
  tools.forEach(checkTool);
  const names = tools.map((tool) => tool.function!.name);
  const choice = body.tools?.length ? body.tool_choice : legacyChoice(body.function_call);
  if (choice === null || choice === undefined) return { tools };
  if (typeof choice === "string") {
    if (["none", "auto", "required"].includes(choice)) return { tools, tool_choice: choice };
    throw wrongChoice("expected 'none', 'auto', 'required' or an object");
  }
  if (choice.type === "allowed_tools") return allowedTools(tools, choice);
  const name = (choice.function as { name?: unknown } | undefined)?.name;
  if (choice.type !== "function" || typeof name !== "string") {
    throw wrongChoice("expected {type: 'function', function: {name}}");
  }
  if (!names.includes(name)) throw wrongChoice(`no tool is called '${name.slice(0, 64)}'`);
  return { tools, tool_choice: choice };
}

function legacyTools(body: ChatBody): Tool[] {
  return (body.functions ?? []).map((each) => ({ type: "function", function: each }));
}

function legacyChoice(choice: ChatBody["function_call"]): ChatBody["tool_choice"] {
  return typeof choice === "object" && choice !== null
    ? { type: "function", function: choice }
    : choice;
}

function checkTool(tool: Tool, index: number): void {
  const param = `tools[${index}]`;
  if (tool.type !== "function") {
    throw invalidRequest(
      `${param}.type`,
      `Invalid value for '${param}.type': '${
        tool.type.slice(0, 60)
      }' tools are not supported. Describe the tool as a function.`,
    );
  }
  if (!tool.function) {
    throw invalidRequest(
      `${param}.function`,
      `Missing required parameter: '${param}.function'.`,
      "missing_required_parameter",
    );
  }
}

/** Upstreams rarely know this form: the other tools are left out instead. */
function allowedTools(tools: readonly Tool[], choice: Record<string, unknown>): Tools {
  const { mode, tools: allowed } = (choice.allowed_tools ?? {}) as Record<string, unknown>;
  if (!Array.isArray(allowed)) throw wrongChoice("expected allowed_tools: {mode, tools}");
  const names = allowed.map((each) => each?.function?.name);
  const kept = tools.filter((tool) => names.includes(tool.function!.name));
  if (kept.length === 0) throw wrongChoice("none of the allowed tools is among 'tools'");
  return { tools: kept, tool_choice: mode === "required" ? "required" : "auto" };
}

function wrongChoice(what: string): Error {
  return invalidRequest("tool_choice", `Invalid value for 'tool_choice': ${what}.`);
}
