/**
 * Streams of the Responses dialect, as tests read them.
 *
 * @module
 */

/** An event. */
// deno-lint-ignore no-explicit-any -- the checker of every answer has said what it is
export type Event = any;

/** The events in the text of a stream; what the checker has passed needs no second look. */
export function parseEvents(text: string): Event[] {
  return text.split("\n\n").filter((frame) => frame.startsWith("event: "))
    .map((frame) => JSON.parse(frame.slice(frame.indexOf("\ndata: ") + 7)));
}

/** The deltas of a type, joined. */
export function joined(events: readonly Event[], type: string): string {
  return events.filter((event) => event.type === `response.${type}.delta`)
    .map(({ delta }) => delta).join("");
}

/** Reads a stream piece by piece. */
export function readEvents(response: Response): {
  /** Reads on until an event is of this type, or satisfies the predicate; returns all so far. */
  until(wanted: string | ((event: Event) => boolean)): Promise<Event[]>;
  /** Reads on to the end. */
  rest(): Promise<Event[]>;
  /** Leaves. */
  cancel(): Promise<void>;
} {
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let text = "";
  async function until(wanted: (event: Event) => boolean): Promise<Event[]> {
    for (;;) {
      const events = parseEvents(text);
      if (events.some(wanted)) return events;
      const { done, value } = await reader.read();
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
