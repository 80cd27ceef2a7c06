import type { Item } from "./body.ts";
import { itemId } from "./items.ts";

type PartKind = "summary" | "text" | "refusal";

/** An item that is still being written. */
export interface OpenItem {
  item: Item;
  /** Its place as fields of an event, each followed by a comma. */
  place: string;
  index: number;
  /** Parts that are complete. */
  parts: Record<string, unknown>[];
  part: OpenPart | undefined;
}

interface OpenPart {
  kind: PartKind;
  place: string;
  text: string;
}

/** The output of a response, and the frames that report how it grows. */
export interface ResponseOutput {
  readonly items: readonly Item[];
  /** @param fields the event's own fields as JSON, without braces. */
  frame(type: string, fields: string): void;
  /** Returns the frames added since the last call. */
  take(): string;
  open(type: string, fields: Partial<Item>): OpenItem;
  /** Adds text to the open part; begins a part if none of this kind is open. */
  write(open: OpenItem, kind: PartKind, text: string): void;
  endPart(open: OpenItem): void;
  /** @param fields what has changed since the item was opened. */
  close(open: OpenItem, fields: Partial<Item>): void;
}

interface PartEvents {
  part: string;
  text: string;
  indexField: string;
  textField: string;
  /** More fields of the text events. */
  more: string;
  create(text: string): Record<string, unknown>;
}

const PARTS: Readonly<Record<PartKind, PartEvents>> = {
  summary: {
    part: "response.reasoning_summary_part",
    text: "response.reasoning_summary_text",
    indexField: "summary_index",
    textField: "text",
    more: "",
    create: (text) => ({ type: "summary_text", text }),
  },
  text: {
    part: "response.content_part",
    text: "response.output_text",
    indexField: "content_index",
    textField: "text",
    more: ',"logprobs":[]',
    create: (text) => ({ type: "output_text", annotations: [], logprobs: [], text }),
  },
  refusal: {
    part: "response.content_part",
    text: "response.refusal",
    indexField: "content_index",
    textField: "refusal",
    more: "",
    create: (refusal) => ({ type: "refusal", refusal }),
  },
};

/** @param startingAfter events up to this number are counted but not written. */
export function createOutput(responseId: string, startingAfter: number): ResponseOutput {
  const items: Item[] = [];
  let sequence = 0;
  let frames = "";

  function frame(type: string, fields: string): void {
    const number = sequence++;
    if (number <= startingAfter) return;
    frames += `event: ${type}\ndata: {"type":"${type}","sequence_number":${number},${fields}}\n\n`;
  }

  function endPart(open: OpenItem): void {
    if (open.part === undefined) return;
    const { kind, place, text } = open.part;
    const events = PARTS[kind];
    const part = events.create(text);
    frame(
      `${events.text}.done`,
      `${place}"${events.textField}":${JSON.stringify(text)}${events.more}`,
    );
    frame(`${events.part}.done`, `${place}"part":${JSON.stringify(part)}`);
    open.parts.push(part);
    open.part = undefined;
  }

  function beginPart(open: OpenItem, kind: PartKind): OpenPart {
    endPart(open);
    const events = PARTS[kind];
    const place = `${open.place}"${events.indexField}":${open.parts.length},`;
    frame(`${events.part}.added`, `${place}"part":${JSON.stringify(events.create(""))}`);
    return open.part = { kind, place, text: "" };
  }

  return {
    items,
    frame,
    take() {
      const taken = frames;
      frames = "";
      return taken;
    },
    open(type, fields) {
      const index = items.length;
      const item: Item = { id: itemId(type, responseId, index), type, ...fields };
      items.push(item);
      frame(
        "response.output_item.added",
        `"output_index":${index},"item":${JSON.stringify(item)}`,
      );
      const place = `"item_id":"${item.id}","output_index":${index},`;
      return { item, place, index, parts: [], part: undefined };
    },
    write(open, kind, text) {
      const part = open.part?.kind === kind ? open.part : beginPart(open, kind);
      if (text === "") return;
      part.text += text;
      const { text: type, more } = PARTS[kind];
      frame(`${type}.delta`, `${part.place}"delta":${JSON.stringify(text)}${more}`);
    },
    endPart,
    close(open, fields) {
      const item: Item = { ...open.item, ...fields };
      items[open.index] = item;
      frame(
        "response.output_item.done",
        `"output_index":${open.index},"item":${JSON.stringify(item)}`,
      );
    },
  };
}
