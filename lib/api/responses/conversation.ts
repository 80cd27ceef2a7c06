import { unpackThinking } from "../../reasoning/output/private_thinking.ts";
import { isSystemMessage, summaryMessage } from "../../reasoning/output/compact.ts";
import type { Message } from "../../reasoning/request.ts";
import { invalidType, invalidValue, missingParameter } from "../body.ts";
import { invalidRequest } from "../errors.ts";
import { type Part, splitResult } from "../tools.ts";
import { APPROVAL_REQUEST, APPROVAL_RESPONSE } from "./approvals.ts";
import type { Item, PlacedItem, Tool } from "./body.ts";
import { withResultsAfterCalls } from "../turns.ts";

export interface ConversationContext {
  /**
   * Returns the private thinking behind a reasoning item, for models that need it with calls, or the
   * summary in a compaction item.
   */
  thinkingOf(item: Item): string | undefined;
  /** Returns the name of a tool upstream. */
  upstreamName(name: string, namespace?: string | null): string;
  /** Returns the name upstream of the tool that an item asks to run. */
  askedTool(request: Item): string;
  /** What the model reads of calls that needed approval, by the id of the item that asked. */
  approvalOutputs: ReadonlyMap<string, string>;
}

/** Functions that return the arguments of a call as JSON, by the type of its item. */
const CALLS: Readonly<Record<string, (item: Item) => string>> = {
  function_call: ({ arguments: json }) =>
    typeof json === "string" ? json : JSON.stringify(json ?? ""),
  custom_tool_call: ({ input }) => JSON.stringify({ input: input ?? "" }),
  tool_search_call: ({ arguments: search }) => JSON.stringify(search ?? {}),
  local_shell_call: ({ action }) => JSON.stringify(action ?? {}),
  shell_call: ({ action }) => JSON.stringify(action ?? {}),
  apply_patch_call: ({ operation }) => JSON.stringify(operation ?? {}),
  computer_call: ({ action, actions }) => JSON.stringify(actions ?? action ?? {}),
};

const OUTPUTS: ReadonlySet<string> = new Set([
  ...Object.keys(CALLS).map((type) => `${type}_output`),
  "tool_search_output",
]);

export function isCall(type: string): boolean {
  return type === APPROVAL_REQUEST || Object.hasOwn(CALLS, type);
}

export function argumentsOf(call: Item): string {
  return (CALLS[call.type] ?? CALLS.function_call!)(call);
}

const ROLES: ReadonlySet<unknown> = new Set(["user", "assistant", "system", "developer"]);

/**
 * Reads items as messages, in order. Items that are no part of a conversation, such as a search on
 * OpenAI's servers, are left out.
 *
 * @throws {ApiError} 400 naming the item that is invalid.
 */
export function readConversation(
  items: readonly PlacedItem[],
  { thinkingOf, upstreamName, askedTool, approvalOutputs }: ConversationContext,
): Message[] {
  let messages: Message[] = [];
  let thinking: string | undefined;
  /** The calls of the last message, if it has any. */
  let calls: unknown[] | undefined;
  /** Pictures in results, which upstreams take from users only, after all results. */
  let pictures: Part[] = [];
  /** Ids of items that asked for approval, whose call and result have been added. */
  const asked = new Set<unknown>();
  const answered = new Set<unknown>();

  function flushPictures(): void {
    if (pictures.length > 0) messages.push({ role: "user", content: pictures });
    pictures = [];
  }

  function calledName(item: Item, path: string): string {
    if (item.type === APPROVAL_REQUEST) return askedTool(item);
    return item.type === "function_call" || item.type === "custom_tool_call"
      ? upstreamName(required(item, "name", path), item.namespace as string | null)
      : item.type.replace(/_call$/, "");
  }

  function addCall(item: Item, path: string, idField: string): void {
    flushPictures();
    const name = calledName(item, path);
    const call = {
      id: required(item, idField, path),
      type: "function",
      ...(item.extra_content ? { extra_content: item.extra_content } : {}),
      function: { name, arguments: argumentsOf(item) },
    };
    let message = messages.at(-1);
    if (message?.role !== "assistant") {
      message = { role: "assistant", content: null };
      messages.push(message);
    }
    if (message.tool_calls === undefined) message.tool_calls = calls = [];
    calls!.push(call);
    if (thinking !== undefined) Object.assign(message, { ...unpackThinking(thinking), ...message });
    thinking = undefined;
  }

  /**
   * Replaces the earlier conversation by what it was compacted to, except for instructions. A
   * summary of another server can't be read.
   */
  function addSummary(summary: string | undefined): void {
    flushPictures();
    if (summary === undefined) return;
    messages = [...messages.filter(isSystemMessage), summaryMessage(summary)];
  }

  /** Adds the result of a call after the answer to the item that asked for it. */
  function addApproval({ approval_request_id: id }: Item): void {
    const content = approvalOutputs.get(id as string);
    if (content === undefined || answered.has(id)) return;
    answered.add(id);
    thinking = undefined;
    messages.push({ role: "tool", tool_call_id: id, content });
  }

  function addOutput(item: Item, path: string): void {
    thinking = undefined;
    // OpenAI's clients send the id of a local shell's call as the id of its output.
    const isNamedById = item.type === "local_shell_call_output" && !item.call_id;
    const id = required(item, isNamedById ? "id" : "call_id", path);
    const parts = item.type === "tool_search_output"
      ? [textPart(foundTools(item.tools, upstreamName))]
      : readOutput(item, path);
    const { text, rest } = splitResult(id, parts);
    messages.push({ role: "tool", tool_call_id: id, content: text });
    pictures.push(...rest);
  }

  for (const { item, path } of items) {
    if (item.type === "reasoning") thinking = thinkingOf(item);
    else if (item.type === "compaction") addSummary(thinkingOf(item));
    else if (item.type === "message" || item.type === "agent_message") {
      flushPictures();
      const role = item.role ?? "user";
      if (!ROLES.has(role)) throw invalidValue(`${path}.role`, "it is not the role of a message");
      if (role !== "assistant") thinking = undefined;
      const content = readContent(item.content, `${path}.content`);
      messages.push({ role: role as Message["role"], content });
    } else if (hasOtherExecutor(item)) continue;
    else if (item.type === APPROVAL_REQUEST) {
      // A call without a result would be rejected upstream.
      if (!approvalOutputs.has(item.id ?? "") || asked.has(item.id)) continue;
      asked.add(item.id);
      addCall(item, path, "id");
    } else if (item.type === APPROVAL_RESPONSE) addApproval(item);
    else if (isCall(item.type)) addCall(item, path, "call_id");
    else if (OUTPUTS.has(item.type)) addOutput(item, path);
  }
  flushPictures();
  return withResultsAfterCalls(messages);
}

/** Whether a server has executed a call itself; only its own searches have no id. */
function hasOtherExecutor({ type, call_id }: Item): boolean {
  return type.startsWith("tool_search_") && !call_id;
}

function required(item: Item, field: string, path: string): string {
  const value = item[field];
  if (typeof value === "string" && value !== "") return value;
  throw missingParameter(`${path}.${field}`);
}

function readOutput({ type, output }: Item, path: string): Part[] {
  // These two are not lists of content parts.
  if (type === "shell_call_output") return [textPart(JSON.stringify(output ?? []))];
  if (type === "computer_call_output") return readParts([output], `${path}.output`);
  return readParts(output, `${path}.output`);
}

/** What the model reads about the tools that a search has found; they are declared as well. */
function foundTools(tools: unknown, upstreamName: ConversationContext["upstreamName"]): string {
  const names = (Array.isArray(tools) ? tools as Tool[] : []).flatMap(({ name, tools: members }) =>
    members
      ? members.map((member) => upstreamName(member.name ?? "", name))
      : upstreamName(name ?? "")
  );
  return names.length === 0 ? "No tool was found." : `You can now call: ${names.join(", ")}.`;
}

function readContent(content: unknown, path: string): unknown {
  const parts = readParts(content, path);
  // Every upstream takes a string; parts are only for what a string can't express.
  return parts.every((part) => part.type === "text")
    ? parts.map((part) => part.text).join("\n")
    : parts;
}

function readParts(content: unknown, path: string): Part[] {
  if (content === null || content === undefined) return [];
  if (typeof content === "string") return [textPart(content)];
  if (!Array.isArray(content)) {
    throw invalidType(path, "a string or an array of content parts", content);
  }
  return content.map((part, index) => chatPart(part, `${path}[${index}]`));
}

function textPart(text: string): Part {
  return { type: "text", text };
}

/** A content part in the form of Chat Completions. */
function chatPart(part: unknown, path: string): Part {
  if (typeof part !== "object" || part === null) throw invalidType(path, "an object", part);
  const { type, image_url: url, detail, file_data, filename, input_audio } = part as Part;
  switch (type) {
    case "input_text":
    case "output_text":
    case "text":
      return textPart(readText(part as Part, "text", path));
    case "refusal":
    // Clients send back here what they expect to be encrypted, which this server does not do.
    case "encrypted_content":
      return textPart(readText(part as Part, type, path));
    case "computer_screenshot":
    case "input_image":
      if (typeof url !== "string") throw missingData(`${path}.image_url`);
      return { type: "image_url", image_url: { url, ...imageDetail(detail) } };
    case "input_file": {
      if (typeof file_data !== "string") throw missingData(`${path}.file_data`);
      const name = typeof filename === "string" ? { filename } : {};
      return { type: "file", file: { ...name, file_data } };
    }
    case "input_audio":
      return { type: "input_audio", input_audio };
    default:
      throw invalidRequest(
        `${path}.type`,
        typeof type === "string"
          ? `Content parts of the type '${type.slice(0, 60)}' are not supported.`
          : "Content parts need a type.",
      );
  }
}

/** Chat Completions has no detail `original`. */
function imageDetail(detail: unknown): { detail?: unknown } {
  if (!detail) return {};
  return { detail: detail === "original" ? "auto" : detail };
}

function readText(part: Part, field: string, path: string): string {
  const text = part[field];
  if (typeof text === "string") return text;
  const param = `${path}.${field}`;
  if (text === undefined) throw missingParameter(param);
  throw invalidType(param, "a string", text);
}

function missingData(path: string): Error {
  return missingParameter(path, " Files are not stored here: send the data itself.");
}
