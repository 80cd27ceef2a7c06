import { eventFrame } from "../sse_writer.ts";
import type { Item } from "./body.ts";
import { itemId } from "./items.ts";

type Fields = Record<string, unknown>;
type PartKind = keyof typeof PARTS;

/** An item that is still being written. */
export interface OpenItem {
  item: Item;
  /** Fields of an event that name the item: its id and its index. */
  place: { item_id: string; output_index: number };
  /** Parts that are complete. */
  parts: Fields[];
  part: { kind: PartKind; place: Fields; text: string; annotations: Fields[] } | undefined;
}

/** How the parts of items are reported; `more` are further fields of the events of their text. */
const PARTS = {
  summary: {
    part: "response.reasoning_summary_part",
    text: "response.reasoning_summary_text",
    indexField: "summary_index",
    textField: "text",
    more: {},
    create: (text: string) => ({ type: "summary_text", text }),
  },
  text: {
    part: "response.content_part",
    text: "response.output_text",
    indexField: "content_index",
    textField: "text",
    more: { logprobs: [] },
    create: (text: string) => ({ type: "output_text", annotations: [], logprobs: [], text }),
  },
  refusal: {
    part: "response.content_part",
    text: "response.refusal",
    indexField: "content_index",
    textField: "refusal",
    more: {},
    create: (refusal: string) => ({ type: "refusal", refusal }),
  },
};

export type Output = ReturnType<typeof createOutput>;

/**
 * Creates the output of a response, with the frames that report how it grows.
 *
 * @param startingAfter events up to this number are counted but not written.
 */
export function createOutput(responseId: string, startingAfter: number) {
  const items: Item[] = [];
  let sequence = 0;
  let frames = "";

  function frame(type: string, fields: Fields): void {
    const sequence_number = sequence++;
    if (sequence_number <= startingAfter) return;
    frames += eventFrame({ type, sequence_number, ...fields });
  }

  /** Returns the frames added since the last call. */
  function take(): string {
    const taken = frames;
    frames = "";
    return taken;
  }

  function open(type: string, fields: Fields): OpenItem {
    const output_index = items.length;
    const id = itemId(type, responseId, output_index);
    const item: Item = { id, type, ...fields };
    items.push(item);
    frame("response.output_item.added", { output_index, item });
    return { item, place: { item_id: id, output_index }, parts: [], part: undefined };
  }

  /** @param fields what has changed since the item was opened. */
  function close({ item, place: { output_index } }: OpenItem, fields: Fields): void {
    const closed: Item = { ...item, ...fields };
    items[output_index] = closed;
    frame("response.output_item.done", { output_index, item: closed });
  }

  /** Adds text to the open part; begins a part if none of this kind is open. */
  function write(open: OpenItem, kind: PartKind, delta: string): void {
    const { part, text, indexField, more, create } = PARTS[kind];
    if (open.part?.kind !== kind) {
      endPart(open);
      const place = { ...open.place, [indexField]: open.parts.length };
      frame(`${part}.added`, { ...place, part: create("") });
      open.part = { kind, place, text: "", annotations: [] };
    }
    if (delta === "") return;
    open.part.text += delta;
    frame(`${text}.delta`, { ...open.part.place, delta, ...more });
  }

  /** Adds an annotation to the open text; begins one if none is open. */
  function annotate(open: OpenItem, annotation: Fields): void {
    write(open, "text", "");
    const { place, annotations } = open.part!;
    const annotation_index = annotations.push(annotation) - 1;
    const type = "response.output_text.annotation.added";
    frame(type, { ...place, annotation_index, annotation });
  }

  function endPart(open: OpenItem | undefined): void {
    if (open?.part === undefined) return;
    const { kind, place, text, annotations } = open.part;
    const events = PARTS[kind];
    const part: Fields = events.create(text);
    if (annotations.length > 0) part.annotations = annotations;
    frame(`${events.text}.done`, { ...place, [events.textField]: text, ...events.more });
    frame(`${events.part}.done`, { ...place, part });
    open.parts.push(part);
    open.part = undefined;
  }

  return { items, frame, take, open, close, write, annotate, endPart };
}
