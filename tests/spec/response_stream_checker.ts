/**
 * Checks the stream of a response: each event by OpenAI's document, and their order.
 *
 * @module
 */
import { isDeepStrictEqual as equal } from "node:util";
import type { TextChecker } from "./checked_response.ts";
import { InvalidWireError, validateResponseEvent } from "./validate.ts";

// deno-lint-ignore no-explicit-any -- what it is, the validators say
type Json = any;

/** A part of an item that is being written. */
interface OpenPart {
  kind: string;
  text: string;
  /** Whether its text is over. */
  done: boolean;
}

interface OpenItem {
  item: Json;
  parts: Json[];
  part: OpenPart | undefined;
  args: string;
  argsDone: boolean;
}

/** The field that holds a part's text. */
const textOf = (part: Json): string => part.type === "refusal" ? part.refusal : part.text;

const ENDS = ["response.completed", "response.incomplete", "response.failed"];

/**
 * Creates the checker of one stream. No event may be split over two writes.
 *
 * @param startingAfter the last event that the client has; what came before is not known then.
 */
export function createResponseStreamChecker(startingAfter = -1): TextChecker {
  const isWhole = startingAfter < 0;
  const items: (OpenItem | undefined)[] = [];
  const done: Json[] = [];
  let next = startingAfter + 1;
  let id: string | undefined;
  let last = "";
  let over = false;

  function push(text: string): void {
    if (text === "") return;
    if (!text.endsWith("\n\n")) wrong(`an event is split over two writes: ${text.slice(-200)}`);
    for (const frame of text.slice(0, -2).split("\n\n")) {
      if (over) wrong(`nothing follows the end: ${frame}`);
      if (frame.startsWith(":") && !frame.includes("\n")) continue;
      const match = /^event: (\S+)\ndata: ([^\n]*)$/.exec(frame);
      if (match === null) wrong(`no frame: ${frame}`);
      const json = JSON.parse(match[2]!);
      validateResponseEvent(json);
      if (json.type !== match[1]) wrong(`'event' and 'type' differ: ${frame}`);
      if (json.sequence_number !== next++) wrong(`a gap before ${frame}`);
      if (last === "error" && json.type !== "response.failed") {
        wrong(`an error is followed by response.failed, not by ${frame}`);
      }
      order(json);
      last = json.type;
    }
  }

  function order(event: Json): void {
    const { type } = event;
    if (event.response !== undefined) return head(event);
    if (isWhole && id === undefined) wrong(`response.created comes first, not ${type}`);
    if (type === "error") return;
    if (type === "response.output_item.added") return added(event);
    const open = items[event.output_index];
    if (open === undefined) {
      if (isWhole) wrong(`no item is open for ${JSON.stringify(event)}`);
      if (type === "response.output_item.done") done[event.output_index] = event.item;
      return;
    }
    if (type === "response.output_item.done") return itemDone(event, open);
    if (event.item_id !== open.item.id) wrong(`another item's id: ${JSON.stringify(event)}`);
    if (type.endsWith("_part.added")) partAdded(event, open);
    else if (type.endsWith("_part.done")) partDone(event, open);
    else if (type.startsWith("response.function_call_arguments.")) callText(event, open);
    else partText(event, open);
  }

  function head({ type, response, sequence_number }: Json): void {
    if (response.id !== (id ??= response.id)) wrong("the response's id has changed");
    if ((type === "response.created") !== (sequence_number === 0)) wrong("created comes first");
    if (!ENDS.includes(type)) {
      if (response.output.length > 0 || response.usage !== null) wrong(`${type} begins empty`);
      return;
    }
    over = true;
    const status = type.slice("response.".length);
    if (response.status !== status) wrong(`${type} with the status ${response.status}`);
    if ((response.error !== null) !== (status === "failed")) wrong(`an error in ${type}`);
    if (status === "failed" && last !== "error") wrong("response.failed follows an error");
    items.forEach((open) => open && wrong(`an item was not done: ${JSON.stringify(open.item)}`));
    if (isWhole ? !equal(response.output, done) : !done.every(isIn(response.output))) {
      wrong(`the output is not what the items were: ${JSON.stringify(response.output)}`);
    }
    if (status !== "failed" && response.output.length === 0) wrong("no output");
  }

  function added({ output_index, item }: Json): void {
    if (isWhole && output_index !== done.length) wrong("items are numbered in order");
    if (done.some((each) => each?.id === item.id)) wrong(`an id twice: ${item.id}`);
    const begun = item.content ?? item.summary ?? item.arguments;
    if (begun.length > 0) wrong(`an item begins empty: ${JSON.stringify(item)}`);
    done[output_index] = item;
    items[output_index] = { item, parts: [], part: undefined, args: "", argsDone: false };
  }

  function itemDone({ output_index, item }: Json, open: OpenItem): void {
    for (const field of ["id", "type", "role", "call_id", "name"]) {
      if (item[field] !== open.item[field]) wrong(`an item's ${field} has changed`);
    }
    if (open.part !== undefined) wrong("an item is done before its part");
    if (item.type === "function_call") {
      if (!open.argsDone || item.arguments !== open.args) wrong("other arguments than were sent");
    } else if (!equal(item.content ?? item.summary, open.parts)) {
      wrong(`other parts than were sent: ${JSON.stringify(item)}`);
    }
    if (item.status === "in_progress") wrong("an item is done and in progress");
    done[output_index] = item;
    items[output_index] = undefined;
  }

  function partAdded(event: Json, open: OpenItem): void {
    if (open.part !== undefined) wrong("a part begins before the last one is done");
    if ((event.summary_index ?? event.content_index) !== open.parts.length) {
      wrong("parts are numbered in order");
    }
    if (textOf(event.part) !== "") wrong("a part begins empty");
    open.part = { kind: event.part.type, text: "", done: false };
  }

  function partText(event: Json, open: OpenItem): void {
    const { part } = open;
    if (part === undefined || part.done) wrong(`no part is open: ${JSON.stringify(event)}`);
    if (!event.type.includes(part.kind === "summary_text" ? "summary_text" : part.kind)) {
      wrong(`another kind of part: ${JSON.stringify(event)}`);
    }
    if ((event.summary_index ?? event.content_index) !== open.parts.length) wrong("another part");
    if (event.type.endsWith(".delta")) {
      if (event.delta === "") wrong("an empty delta");
      part.text += event.delta;
      return;
    }
    if ((event.text ?? event.refusal) !== part.text) wrong("another text than was sent");
    part.done = true;
  }

  function partDone(event: Json, open: OpenItem): void {
    const { part } = open;
    if (part === undefined || !part.done) wrong("a part is done before its text");
    if (event.part.type !== part.kind || textOf(event.part) !== part.text) {
      wrong(`another part than was sent: ${JSON.stringify(event)}`);
    }
    open.parts.push(event.part);
    open.part = undefined;
  }

  function callText(event: Json, open: OpenItem): void {
    if (open.item.type !== "function_call" || open.argsDone) wrong("no call is open");
    if (event.type.endsWith(".delta")) {
      open.args += event.delta;
      return;
    }
    if (event.arguments !== open.args) wrong("other arguments than were sent");
    if (event.name !== open.item.name) wrong("another function than was called");
    open.argsDone = true;
  }

  return {
    push,
    end() {
      if (!over && !(next === startingAfter + 1 && !isWhole)) {
        wrong("the stream ends without response.completed, incomplete or failed");
      }
    },
  };
}

const isIn = (output: Json[]) => (item: Json) => output.some((each) => equal(each, item));

function wrong(what: string): never {
  throw new InvalidWireError(`A wrong stream: ${what}`);
}
