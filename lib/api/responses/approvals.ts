/**
 * Calls of MCP tools that wait for the client's approval, and its answers.
 *
 * @see {@link https://platform.openai.com/docs/guides/tools-connectors-mcp#approvals}
 */
import { commonPrompts, fill } from "../../reasoning/prompts.ts";
import { markedOutput, shorten } from "../../reasoning/tools/turns.ts";
import { invalidType, invalidValue, missingParameter } from "../body.ts";
import type { Item, PlacedItem } from "./body.ts";

export const APPROVAL_REQUEST = "mcp_approval_request";
export const APPROVAL_RESPONSE = "mcp_approval_response";

/** An item that asks for approval of a call, as the client has sent it or refers to it. */
export interface ApprovalRequest {
  id: string;
  server_label: string;
  name: string;
  /** Arguments of the call as JSON. */
  arguments: string;
}

export interface ApprovalAnswer {
  request: ApprovalRequest;
  approve: boolean;
  /** Path of the id in the request, for error messages. */
  param: string;
}

const MAX_REASON_CHARACTERS = 2_000;

/** Maximum number of answers whose calls have not been run. */
const MAX_ANSWERS = 64;

/**
 * Reads who has approved what. Only an answer among the request's own items can run a call.
 *
 * @returns the request's own answers to approval requests whose call has not been run, and what the
 *   model reads of each call, by the id of the item that asked.
 * @throws {ApiError} 400 for an invalid answer, and for one to an item that is missing.
 */
export function readApprovals(
  history: readonly PlacedItem[],
  own: readonly PlacedItem[],
  toolName: (request: Item) => string,
) {
  const requests = new Map<unknown, Item>();
  const earlierCalls = callsById(history);
  const calls = new Map([...earlierCalls, ...callsById(own)]);
  for (const { item } of [...history, ...own]) {
    if (item.type === APPROVAL_REQUEST && !requests.has(item.id)) requests.set(item.id, item);
  }
  const answers = new Map<string, ApprovalAnswer>();
  const outputs = new Map<string, string>();

  function read({ item, path }: PlacedItem, isOwn: boolean): void {
    const { approval_request_id: id, approve, reason } = item;
    const param = `${path}.approval_request_id`;
    if (id === undefined || id === null || id === "") throw missingParameter(param);
    if (typeof id !== "string") throw invalidType(param, "a string", id);
    if (approve === undefined) throw missingParameter(`${path}.approve`);
    if (typeof approve !== "boolean") throw invalidType(`${path}.approve`, "a boolean", approve);
    const request = requests.get(id);
    if (request === undefined) {
      if (!isOwn) return;
      throw invalidValue(
        param,
        "no item with this id asks for approval. Send that item too, or continue its response with 'previous_response_id'",
      );
    }
    if (isOwn && earlierCalls.has(id)) throw invalidValue(param, "it was already answered");
    const call = calls.get(id);
    if (isOwn && call === undefined) {
      if (answers.has(id)) throw invalidValue(param, "it is answered twice");
      answers.set(id, { request: approvalRequest(request, path), approve, param });
      if (answers.size > MAX_ANSWERS) {
        throw invalidValue(param, `expected at most ${MAX_ANSWERS} answers`);
      }
    }
    if (outputs.has(id)) return;
    const text = !approve
      ? denial(reason)
      : call !== undefined
      ? outputOf(call)
      : "The call was approved, but its result is not known.";
    const content = [{ type: "text" as const, text }];
    outputs.set(id, markedOutput(toolName(request), { content }, fillPrompt));
  }

  for (const placed of history) if (placed.item.type === APPROVAL_RESPONSE) read(placed, false);
  for (const placed of own) if (placed.item.type === APPROVAL_RESPONSE) read(placed, true);
  return { answers: [...answers.values()], outputs };
}

function callsById(items: readonly PlacedItem[]): Map<unknown, Item> {
  return new Map(
    items.filter(({ item }) => item.type === "mcp_call" && item.approval_request_id)
      .map(({ item }) => [item.approval_request_id, item]),
  );
}

const fillPrompt: Parameters<typeof markedOutput>[2] = (name, values) =>
  fill(commonPrompts[name], values);

/** @param path that of the answer. */
function approvalRequest(item: Item, path: string): ApprovalRequest {
  const { id, server_label, name, arguments: json } = item as Partial<ApprovalRequest>;
  if ([id, server_label, name, json].every((field) => typeof field === "string")) {
    return { id: id!, server_label: server_label!, name: name!, arguments: json! };
  }
  throw invalidValue(
    path,
    "the item that it answers needs 'server_label', 'name' and 'arguments', as they were received",
  );
}

function denial(reason: unknown): string {
  const text = "Not run: the user has not approved this call.";
  if (typeof reason !== "string" || reason.trim() === "") return text;
  return `${text} The reason was:\n${shorten(reason.trim(), MAX_REASON_CHARACTERS)}`;
}

function outputOf({ output, error }: Item): string {
  if (typeof output === "string") return output;
  const { content } = (error ?? {}) as { content?: { text?: unknown }[] };
  const text = Array.isArray(content) ? content[0]?.text : undefined;
  return typeof text === "string" ? `Error: ${text}` : "";
}
