import { tryParse } from "../../json.ts";
import type { ToolCallEvent } from "../../reasoning/events.ts";
import { createCustomInput } from "./custom_input.ts";
import type { OpenItem, Output } from "./output.ts";
import type { ClientTool, ClientTools } from "./tools.ts";

interface OpenCall {
  open: OpenItem;
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
  /** The value of the field at the beginning. */
  empty: unknown;
  /** Further fields of the item. */
  fields?: Record<string, unknown>;
  /** Prefix of the events that report how the field grows, if there are any. */
  events?: string;
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
};

/**
 * Creates the calls of a response, each as an item of the type that belongs to its tool.
 *
 * @param callId returns the id of a call to which the upstream gave none.
 */
export function createCalls(
  output: Output,
  tools: ClientTools,
  callId: (index: number) => string,
) {
  const calls = new Map<number, OpenCall>();

  function begin({ index, id, name = "", extra }: ToolCallEvent): OpenCall {
    const tool = Object.hasOwn(tools, name) ? tools[name]! : { type: "function" as const, name };
    const kind = KINDS[tool.type];
    const { type, ...names } = tool;
    const open = output.open(kind.type, {
      status: "in_progress",
      call_id: id ?? callId(index),
      ...(type === "tool_search" ? {} : names),
      ...kind.fields,
      ...(extra && { extra_content: extra }),
      [kind.field]: kind.empty,
    });
    const call = { open, kind, sent: 0, ...kind.read() };
    calls.set(index, call);
    return call;
  }

  function send(call: OpenCall, delta: string): void {
    const { open: { place }, kind: { events } } = call;
    if (delta === "" || events === undefined) return;
    call.sent += delta.length;
    output.frame(`${events}.delta`, { ...place, delta });
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
