import { waitFor } from "../wait.ts";

// deno-lint-ignore no-explicit-any -- every response is validated elsewhere
export type Event = any;

/** Parses the events of a stream. */
export function parseEvents(text: string): Event[] {
  const frames = text.replace(/^: [^\n]*\n/gm, "").split("\n\n");
  return frames.filter((frame) => frame.startsWith("event: "))
    .map((frame) => JSON.parse(frame.slice(frame.indexOf("\ndata: ") + 7)));
}

/** Joins the deltas of a type. */
export function joined(events: readonly Event[], type: string): string {
  return events.filter((event) => event.type === `response.${type}.delta`)
    .map(({ delta }) => delta).join("");
}

export function readEvents(response: Response): {
  /** Reads until an event has this type or satisfies the predicate; returns all events so far. */
  until(wanted: string | ((event: Event) => boolean)): Promise<Event[]>;
  /** Reads to the end; returns all events. */
  rest(): Promise<Event[]>;
  cancel(): Promise<void>;
} {
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let text = "";
  async function until(wanted: (event: Event) => boolean): Promise<Event[]> {
    for (;;) {
      const events = parseEvents(text);
      if (events.some(wanted)) return events;
      const { done, value } = await waitFor(
        () => `an event of the stream that satisfies ${wanted}, after ${text}`,
        reader.read(),
      );
      if (done) return events;
      text += decoder.decode(value, { stream: true });
    }
  }
  return {
    until: (wanted) =>
      until(typeof wanted === "string" ? ({ type }) => type === `response.${wanted}` : wanted),
    rest: () => until(() => false),
    cancel: () => reader.cancel(),
  };
}
