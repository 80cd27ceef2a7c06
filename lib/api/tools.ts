import { z } from "zod";
import { invalidValue } from "./body.ts";

/** Domains of web pages, without `https://`. */
export const domains = z.array(
  z.string().regex(/^[^\s/:?#]{1,253}(\/[^\s?#]{0,1000})?$/, "expected a domain without https://"),
).max(100).nullish();

/** A function that the model may call, in the form of Chat Completions. */
export interface FunctionTool {
  type: "function";
  function: { name: string };
}

export interface ToolFields {
  tools?: FunctionTool[];
  tool_choice?: unknown;
}

/** `tool_choice` in the form of Chat Completions. */
export type ToolChoice = string | Readonly<Record<string, unknown>> | null | undefined;

/**
 * Builds the fields of the upstream call. The choice may be `none`, `auto`, `required`, one
 * function, or `allowed_tools`. It is checked even without functions, because a client that declares
 * only tools of the server can send an invalid choice too.
 *
 * @throws {ApiError} 400 for a choice of an unknown form or of an unknown tool.
 */
export function toolFields(tools: FunctionTool[], choice: ToolChoice): ToolFields {
  const fields = chosenFields(tools, choice);
  return tools.length === 0 ? {} : fields;
}

function chosenFields(tools: FunctionTool[], choice: ToolChoice): ToolFields {
  if (choice === null || choice === undefined) return { tools };
  if (typeof choice === "string") {
    if (["none", "auto", "required"].includes(choice)) return { tools, tool_choice: choice };
    throw invalidChoice("expected 'none', 'auto', 'required' or an object");
  }
  if (choice.type === "allowed_tools") return allowedTools(tools, choice);
  const name = (choice.function as { name?: unknown } | undefined)?.name;
  if (choice.type !== "function" || typeof name !== "string") {
    throw invalidChoice("expected {type: 'function', function: {name}}");
  }
  if (!tools.some((tool) => tool.function.name === name)) {
    throw invalidChoice(`no tool is called '${name.slice(0, 64)}'`);
  }
  return { tools, tool_choice: choice };
}

/** A content part in the form of Chat Completions. */
export type Part = Record<string, unknown>;

/**
 * Splits the result of a call into its text and the other parts, which upstreams accept only in
 * messages of the user.
 *
 * @param id id of the call.
 */
export function splitResult(id: string, parts: readonly Part[]): { text: string; rest: Part[] } {
  const text = parts.filter(({ type }) => type === "text").map(({ text }) => text).join("\n");
  const rest = parts.filter(({ type }) => type !== "text");
  if (rest.length > 0) rest.unshift({ type: "text", text: `From the result of ${id}:` });
  return { text, rest };
}

/** Few upstreams support `allowed_tools`, so the other tools are left out instead. */
function allowedTools(
  tools: readonly FunctionTool[],
  choice: Readonly<Record<string, unknown>>,
): ToolFields {
  const { mode, tools: allowed } = (choice.allowed_tools ?? {}) as Record<string, unknown>;
  if (!Array.isArray(allowed)) throw invalidChoice("expected allowed_tools: {mode, tools}");
  checkMode(mode);
  const names = allowed.map((tool) => tool?.function?.name);
  const kept = tools.filter((tool) => names.includes(tool.function.name));
  if (kept.length === 0) throw invalidChoice("none of the allowed tools is among 'tools'");
  return { tools: kept, tool_choice: mode === "required" ? "required" : "auto" };
}

/**
 * @param mode of `allowed_tools`.
 * @throws {ApiError} 400 for an unknown one.
 */
export function checkMode(mode: unknown): void {
  if (mode === null || mode === undefined || mode === "auto" || mode === "required") return;
  throw invalidChoice("expected the mode 'auto' or 'required'");
}

export function invalidChoice(problem: string): Error {
  return invalidValue("tool_choice", problem);
}
