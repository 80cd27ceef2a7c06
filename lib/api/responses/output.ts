import type { Item } from "./body.ts";
import { itemId } from "./items.ts";

type Fields = Record<string, unknown>;
type PartKind = "summary" | "text" | "refusal";

/** An item that is still being written. */
export interface OpenItem {
  item: Item;
  /** Its place, as fields of an event. */
  place: { item_id: string; output_index: number };
  /** Parts that are complete. */
  parts: Fields[];
  part: OpenPart | undefined;
}

interface OpenPart {
  kind: PartKind;
  place: Fields;
  text: string;
}

/** The output of a response, and the frames that report how it grows. */
export interface ResponseOutput {
  readonly items: readonly Item[];
  frame(type: string, fields: Fields): void;
  /** Returns the frames added since the last call. */
  take(): string;
  open(type: string, fields: Fields): OpenItem;
  /** Adds text to the open part; begins a part if none of this kind is open. */
  write(open: OpenItem, kind: PartKind, text: string): void;
  endPart(open: OpenItem): void;
  /** @param fields what has changed since the item was opened. */
  close(open: OpenItem, fields: Fields): void;
}

interface PartEvents {
  part: string;
  text: string;
  indexField: string;
  textField: string;
  /** More fields of the text events. */
  more: Fields;
  create(text: string): Fields;
}

const PARTS: Readonly<Record<PartKind, PartEvents>> = {
  summary: {
    part: "response.reasoning_summary_part",
    text: "response.reasoning_summary_text",
    indexField: "summary_index",
    textField: "text",
    more: {},
    create: (text) => ({ type: "summary_text", text }),
  },
  text: {
    part: "response.content_part",
    text: "response.output_text",
    indexField: "content_index",
    textField: "text",
    more: { logprobs: [] },
    create: (text) => ({ type: "output_text", annotations: [], logprobs: [], text }),
  },
  refusal: {
    part: "response.content_part",
    text: "response.refusal",
    indexField: "content_index",
    textField: "refusal",
    more: {},
    create: (refusal) => ({ type: "refusal", refusal }),
  },
};

/** @param startingAfter events up to this number are counted but not written. */
export function createOutput(responseId: string, startingAfter: number): ResponseOutput {
  const items: Item[] = [];
  let sequence = 0;
  let frames = "";

  function frame(type: string, fields: Fields): void {
    const sequence_number = sequence++;
    if (sequence_number <= startingAfter) return;
    frames += `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number, ...fields })}\n\n`;
  }

  function endPart(open: OpenItem): void {
    if (open.part === undefined) return;
    const { kind, place, text } = open.part;
    const events = PARTS[kind];
    const part = events.create(text);
    frame(`${events.text}.done`, { ...place, [events.textField]: text, ...events.more });
    frame(`${events.part}.done`, { ...place, part });
    open.parts.push(part);
    open.part = undefined;
  }

  function beginPart(open: OpenItem, kind: PartKind): OpenPart {
    endPart(open);
    const events = PARTS[kind];
    const place = { ...open.place, [events.indexField]: open.parts.length };
    frame(`${events.part}.added`, { ...place, part: events.create("") });
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
      const output_index = items.length;
      const id = itemId(type, responseId, output_index);
      const item: Item = { id, type, ...fields };
      items.push(item);
      frame("response.output_item.added", { output_index, item });
      return { item, place: { item_id: id, output_index }, parts: [], part: undefined };
    },
    write(open, kind, delta) {
      const part = open.part?.kind === kind ? open.part : beginPart(open, kind);
      if (delta === "") return;
      part.text += delta;
      frame(`${PARTS[kind].text}.delta`, { ...part.place, delta, ...PARTS[kind].more });
    },
    endPart,
    close({ item, place: { output_index } }, fields) {
      const closed: Item = { ...item, ...fields };
      items[output_index] = closed;
      frame("response.output_item.done", { output_index, item: closed });
    },
  };
}
