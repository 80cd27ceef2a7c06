/**
 * Checks the stream of a response: each event by its schema, and the order of the events.
 *
 * @module
 */
import { isDeepStrictEqual as equal } from "node:util";
import type { TextChecker } from "./checked_response.ts";
import { InvalidWireError, validate } from "./validate.ts";

// deno-lint-ignore no-explicit-any -- validated by its schema
type Json = any;

interface OpenPart {
  kind: string;
  text: string;
  done: boolean;
  annotations: number;
}

interface OpenItem {
  item: Json;
  parts: Json[];
  part: OpenPart | undefined;
  args: string;
  argsDone: boolean;
}

const textOf = (part: Json): string => part.type === "refusal" ? part.refusal : part.text;

/** Prefixes of the events that report how a call grows, by the type of its item. */
const CALL_EVENTS: Readonly<Record<string, string>> = {
  function_call: "response.function_call_arguments.",
  custom_tool_call: "response.custom_tool_call_input.",
};

/** Items of tools that ran on the server; the texts of their events are a field of the item. */
const USE_FIELDS: Readonly<Record<string, string | undefined>> = {
  code_interpreter_call: "code",
  mcp_call: "arguments",
  web_search_call: undefined,
  mcp_list_tools: undefined,
};

const ENDS = ["response.completed", "response.incomplete", "response.failed"];

/**
 * Creates a checker of one stream. Fails if an event is split over two writes.
 *
 * @param startingAfter the last event that the client has; earlier events are unknown.
 */
export function createResponseStreamChecker(startingAfter = -1): TextChecker {
  const isWhole = startingAfter < 0;
  const items: (OpenItem | undefined)[] = [];
  const done: Json[] = [];
  /** Number of items at the beginning that do not count, because the run has started again. */
  let withdrawn = 0;
  let next = startingAfter + 1;
  let id: string | undefined;
  let last = "";
  let over = false;

  function push(text: string): void {
    // A comment may be written alone.
    if (/^(: [^\n]*\n)*$/.test(text)) return;
    if (!text.endsWith("\n\n")) invalid(`an event is split over two writes: ${text.slice(-200)}`);
    for (const frame of text.slice(0, -2).split("\n\n")) {
      if (over) invalid(`a frame follows the end: ${frame}`);
      const event = frame.replace(/^(: [^\n]*(\n|$))+/, "");
      if (event === "") continue;
      const match = /^event: (\S+)\ndata: ([^\n]*)$/.exec(event);
      if (match === null) invalid(`not a frame: ${frame}`);
      const json = JSON.parse(match[2]!);
      validate("ResponseStreamEvent", json);
      if (json.type !== match[1]) invalid(`'event' and 'type' differ: ${frame}`);
      if (json.sequence_number !== next++) invalid(`a gap before ${frame}`);
      if (last === "error" && json.type !== "response.failed") {
        invalid(`response.failed must follow an error, not ${frame}`);
      }
      checkOrder(json);
      last = json.type;
    }
  }

  function checkOrder(event: Json): void {
    const { type } = event;
    if (event.response !== undefined) return head(event);
    if (isWhole && id === undefined) invalid(`response.created must come first, not ${type}`);
    if (type === "error") return;
    if (type === "response.output_item.added") return added(event);
    const open = items[event.output_index];
    if (open === undefined) {
      if (isWhole) invalid(`no item is open for ${JSON.stringify(event)}`);
      if (type === "response.output_item.done") done[event.output_index] = event.item;
      return;
    }
    if (type === "response.output_item.done") return itemDone(event, open);
    if (event.item_id !== open.item.id) invalid(`the id of another item: ${JSON.stringify(event)}`);
    if (type.endsWith("_part.added")) partAdded(event, open);
    else if (type.endsWith("_part.done")) partDone(event, open);
    else if (open.item.type in CALL_EVENTS) callText(event, open);
    else if (open.item.type in USE_FIELDS) useEvent(event, open);
    else partText(event, open);
  }

  function head({ type, response, sequence_number }: Json): void {
    if (response.id !== (id ??= response.id)) invalid("the response's id has changed");
    if ((type === "response.created") !== (sequence_number === 0)) {
      invalid("response.created must come first");
    }
    if (!ENDS.includes(type)) {
      if (response.output.length > 0 || response.usage !== null) invalid(`${type} must be empty`);
      if (type === "response.in_progress" && sequence_number > 1) {
        if (items.some((open) => open)) invalid("an item is open when the run starts again");
        withdrawn = done.length;
      }
      return;
    }
    over = true;
    const status = type.slice("response.".length);
    if (response.status !== status) invalid(`${type} with the status ${response.status}`);
    if ((response.error !== null) !== (status === "failed")) invalid(`unexpected error in ${type}`);
    if (status === "failed" && last !== "error") invalid("response.failed must follow an error");
    items.forEach((open) => open && invalid(`an item was not done: ${JSON.stringify(open.item)}`));
    const own = done.slice(withdrawn);
    if (isWhole ? !equal(response.output, own) : !own.every(isIn(response.output))) {
      invalid(`the output differs from the items: ${JSON.stringify(response.output)}`);
    }
    if (status !== "failed" && response.output.length === 0) invalid("no output");
  }

  function added({ output_index, item }: Json): void {
    if (isWhole && output_index !== done.length) invalid("items must be numbered in order");
    if (done.some((other) => other?.id === item.id)) invalid(`the id is used twice: ${item.id}`);
    const start = item.content ?? item.summary ?? item.input ?? item.arguments;
    if (item.type === "compaction") {
      if (output_index !== withdrawn) invalid("a compaction must come first");
    } else if (item.type === "mcp_approval_request") {
      if (item.arguments === "") invalid("a request for approval must begin whole");
    } else if (item.type in USE_FIELDS) {
      const field = USE_FIELDS[item.type];
      if (field !== undefined && item[field] !== "") invalid(`a use must begin empty: ${field}`);
    } else if (Object.keys(start).length > 0) {
      invalid(`an item must begin empty: ${JSON.stringify(item)}`);
    }
    done[output_index] = item;
    items[output_index] = { item, parts: [], part: undefined, args: "", argsDone: false };
  }

  function itemDone({ output_index, item }: Json, open: OpenItem): void {
    for (const field of ["id", "type", "role", "call_id", "name", "namespace"]) {
      if (item[field] !== open.item[field]) invalid(`an item's ${field} has changed`);
    }
    if (open.part !== undefined) invalid("an item is done before its part");
    if (item.type in CALL_EVENTS) {
      if (!open.argsDone || (item.input ?? item.arguments) !== open.args) {
        invalid("the arguments differ from the deltas");
      }
    } else if (item.type in USE_FIELDS) {
      const field = USE_FIELDS[item.type];
      if (field !== undefined && (!open.argsDone || item[field] !== open.args)) {
        invalid("the use differs from the deltas");
      }
      if (item.type !== "mcp_list_tools" && !("status" in item)) invalid("a use has no status");
    } else if (item.type === "compaction" || item.type === "mcp_approval_request") {
      if (!equal(item, open.item)) invalid(`an item has changed: ${item.type}`);
    } else if (item.type === "tool_search_call") {
      if (typeof item.arguments !== "object") invalid("the arguments of a search are an object");
    } else if (!equal(item.content ?? item.summary, open.parts)) {
      invalid(`the parts differ from those sent: ${JSON.stringify(item)}`);
    }
    if (item.status === "in_progress") invalid("an item that is done has the status in_progress");
    done[output_index] = item;
    items[output_index] = undefined;
  }

  function partAdded(event: Json, open: OpenItem): void {
    if (open.part !== undefined) invalid("a part begins before the last one is done");
    if ((event.summary_index ?? event.content_index) !== open.parts.length) {
      invalid("parts must be numbered in order");
    }
    if (textOf(event.part) !== "") invalid("a part must begin empty");
    open.part = { kind: event.part.type, text: "", done: false, annotations: 0 };
  }

  function partText(event: Json, open: OpenItem): void {
    const { part } = open;
    if (part === undefined || part.done) invalid(`no part is open: ${JSON.stringify(event)}`);
    if (!event.type.includes(part.kind === "summary_text" ? "summary_text" : part.kind)) {
      invalid(`the wrong kind of part: ${JSON.stringify(event)}`);
    }
    if ((event.summary_index ?? event.content_index) !== open.parts.length) {
      invalid("the wrong index of a part");
    }
    if (event.type.endsWith(".annotation.added")) {
      if (event.annotation_index !== part.annotations++) invalid("the wrong annotation_index");
      return;
    }
    if (event.type.endsWith(".delta")) {
      if (event.delta === "") invalid("an empty delta");
      part.text += event.delta;
      return;
    }
    if ((event.text ?? event.refusal) !== part.text) invalid("the text differs from the deltas");
    part.done = true;
  }

  function partDone(event: Json, open: OpenItem): void {
    const { part } = open;
    if (part === undefined || !part.done) invalid("a part is done before its text");
    if (event.part.type !== part.kind || textOf(event.part) !== part.text) {
      invalid(`the part differs from the deltas: ${JSON.stringify(event)}`);
    }
    if ((event.part.annotations?.length ?? 0) !== part.annotations) {
      invalid("the annotations differ from those that were added");
    }
    open.parts.push(event.part);
    open.part = undefined;
  }

  function callText(event: Json, open: OpenItem): void {
    if (!event.type.startsWith(CALL_EVENTS[open.item.type]!) || open.argsDone) {
      invalid("no call is open");
    }
    if (event.type.endsWith(".delta")) {
      open.args += event.delta;
      return;
    }
    if ((event.input ?? event.arguments) !== open.args) {
      invalid("the arguments differ from the deltas");
    }
    if (event.name !== open.item.name) invalid("the name of the function has changed");
    open.argsDone = true;
  }

  function useEvent(event: Json, open: OpenItem): void {
    const { type } = open.item;
    if (!event.type.startsWith(`response.${type}`)) invalid(`not an event of a ${type}`);
    if (event.type.endsWith(".delta")) open.args += event.delta;
    else if (event.type.endsWith(".done")) {
      if (event[USE_FIELDS[type]!] !== open.args) invalid("the use differs from the deltas");
      open.argsDone = true;
    }
  }

  return {
    push,
    end() {
      if (!over && !(next === startingAfter + 1 && !isWhole)) {
        invalid("the stream ends without response.completed, incomplete or failed");
      }
    },
  };
}

const isIn = (output: Json[]) => (item: Json) => output.some((other) => equal(other, item));

function invalid(problem: string): never {
  throw new InvalidWireError(`Invalid stream: ${problem}`);
}
