import { tryParse } from "../../json.ts";
import { APPROVAL_REQUEST } from "./approvals.ts";
import type { ToolCallEvent } from "../../reasoning/events.ts";
import { createCustomInput } from "./custom_input.ts";
import type { OpenItem, Output } from "./output.ts";
import type { ClientTool, ClientTools } from "./tools.ts";

interface OpenCall {
  /** Undefined if the item is written when it is complete. */
  open: OpenItem | undefined;
  fields: Record<string, unknown>;
  kind: CallKind;
  /** Number of characters of the field that were sent. */
  sent: number;
  /** Returns the next characters of the field. */
  push(json: string): string;
  whole(): unknown;
}

interface CallKind {
  type: string;
  /** The field with the arguments. */
  field: string;
  empty: unknown;
  /** Further fields of the item. */
  fields?: Record<string, unknown>;
  /** Prefix of the events that report how the field grows, if there are any. */
  events?: string;
  /** Whether the item is written only when it is complete; an incomplete one is left out. */
  isWhole?: boolean;
  read(): Pick<OpenCall, "push" | "whole">;
}

const KINDS: Readonly<Record<ClientTool["type"], CallKind>> = {
  function: {
    type: "function_call",
    field: "arguments",
    empty: "",
    events: "response.function_call_arguments",
    read: readJson,
  },
  custom: {
    type: "custom_tool_call",
    field: "input",
    empty: "",
    events: "response.custom_tool_call_input",
    read: createCustomInput,
  },
  tool_search: {
    type: "tool_search_call",
    field: "arguments",
    empty: {},
    fields: { execution: "client" },
    read: readObject,
  },
  [APPROVAL_REQUEST]: {
    type: APPROVAL_REQUEST,
    field: "arguments",
    empty: "",
    isWhole: true,
    read: readJson,
  },
};

/** Further calls that need approval are dropped. */
const MAX_APPROVALS = 32;

/**
 * Creates the calls of a response, each as an item of the type that belongs to its tool.
 *
 * @param callId returns an id for a call that has none from the upstream.
 */
export function createCalls(
  output: Output,
  tools: ClientTools,
  callId: (index: number) => string,
) {
  const calls = new Map<number, OpenCall>();

  function begin({ index, id, name = "", extra }: ToolCallEvent): OpenCall {
    const tool: ClientTool = Object.hasOwn(tools, name)
      ? tools[name]!
      : { type: "function" as const, name };
    const kind = KINDS[tool.type];
    const fields = {
      ...(kind.isWhole ? {} : { status: "in_progress", call_id: id ?? callId(index) }),
      ...namesOf(tool),
      ...kind.fields,
      ...(extra && { extra_content: extra }),
      [kind.field]: kind.empty,
    };
    const open = kind.isWhole ? undefined : output.open(kind.type, fields);
    const call = { open, fields, kind, sent: 0, ...kind.read() };
    calls.set(index, call);
    return call;
  }

  function writeWhole({ kind, fields, whole }: OpenCall): void {
    const asked = output.items.filter(({ type }) => type === APPROVAL_REQUEST);
    if (asked.length >= MAX_APPROVALS) return;
    output.close(output.open(kind.type, { ...fields, [kind.field]: whole() }), {});
  }

  function send(call: OpenCall, delta: string): void {
    const { open, kind: { events } } = call;
    if (delta === "" || events === undefined || open === undefined) return;
    call.sent += delta.length;
    output.frame(`${events}.delta`, { ...open.place, delta });
  }

  return {
    isOpen: (index: number) => calls.has(index),
    add(event: ToolCallEvent): void {
      const call = calls.get(event.index) ?? begin(event);
      send(call, call.push(event.arguments));
    },
    end(status: string): void {
      for (const call of calls.values()) {
        const { open, kind: { field, events } } = call;
        if (open === undefined) {
          if (status === "completed") writeWhole(call);
          continue;
        }
        const value = call.whole();
        if (events !== undefined) {
          const { name } = open.item;
          send(call, String(value).slice(call.sent));
          output.frame(`${events}.done`, { ...open.place, [field]: value, name });
        }
        output.close(open, { status, [field]: value });
      }
      calls.clear();
    },
  };
}

/** Returns the fields of a call's item that say which tool it is for. */
function namesOf(tool: ClientTool): Record<string, unknown> {
  switch (tool.type) {
    case "tool_search":
      return {};
    case APPROVAL_REQUEST: {
      const { name, server_label } = tool;
      return { server_label, name };
    }
    default: {
      const { type: _type, ...names } = tool;
      return names;
    }
  }
}

function readJson() {
  let json = "";
  return {
    push(piece: string): string {
      json += piece;
      return piece;
    },
    whole: () => json,
  };
}

function readObject() {
  const { push, whole } = readJson();
  return { push, whole: () => tryParse(whole()) ?? {} };
}
