export interface SseEvent {
  /** The event's name, or an empty string. */
  event: string;
  /** The data lines, joined by line feeds. */
  data: string;
}

/**
 * Creates a parser that holds at most one line and one event.
 *
 * @param maxLineLength longest line, and longest event, in characters.
 * @see {@link https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream}
 */
export function createSseParser(maxLineLength: number) {
  // An unfinished line is kept in pieces, so that a long one is not copied at each read.
  let pieces: string[] = [];
  let piecesLength = 0;
  let event = "";
  let data: string[] = [];
  let dataLength = 0;
  let skipLineFeed = false;
  let isStart = true;

  function checkLength(length: number): void {
    if (length > maxLineLength) {
      throw new RangeError(`Cannot read event: a line is longer than ${maxLineLength} characters`);
    }
  }

  function parseLine(line: string, events: SseEvent[]): void {
    checkLength(line.length);
    if (line === "") {
      if (data.length > 0) {
        events.push({ event, data: data.length === 1 ? data[0]! : data.join("\n") });
      }
      event = "";
      data = [];
      dataLength = 0;
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    if (field !== "data" && field !== "event") return;
    const start = colon < 0 ? line.length : line[colon + 1] === " " ? colon + 2 : colon + 1;
    const value = line.slice(start);
    if (field === "event") event = value;
    else {
      data.push(value);
      // The line feeds between lines count too, so that empty lines can't accumulate.
      dataLength += value.length + 1;
      checkLength(dataLength - 1);
    }
  }

  /** Turns CR and CRLF into LF and drops a byte order mark at the start. */
  function normalise(text: string): string {
    if (text === "") return text;
    const skip = isStart && text.startsWith("\ufeff") || skipLineFeed && text.startsWith("\n");
    isStart = false;
    skipLineFeed = text.endsWith("\r");
    const rest = skip ? text.slice(1) : text;
    return rest.includes("\r") ? rest.replace(/\r\n?/g, "\n") : rest;
  }

  return {
    /**
     * Returns the events that the chunk completes.
     *
     * @throws {RangeError} if a line or an event is too long.
     */
    push(chunk: string): SseEvent[] {
      const events: SseEvent[] = [];
      const text = normalise(chunk);
      let start = 0;
      for (let end; (end = text.indexOf("\n", start)) >= 0; start = end + 1) {
        let line = text.slice(start, end);
        if (pieces.length > 0) {
          line = pieces.join("") + line;
          pieces = [];
          piecesLength = 0;
        }
        parseLine(line, events);
      }
      if (start < text.length) {
        pieces.push(start === 0 ? text : text.slice(start));
        piecesLength += text.length - start;
        checkLength(piecesLength);
      }
      return events;
    },
    /** Ends the stream. An event without a final blank line is complete. */
    end(): SseEvent[] {
      const events: SseEvent[] = [];
      if (pieces.length > 0) parseLine(pieces.join(""), events);
      pieces = [];
      parseLine("", events);
      return events;
    },
  };
}
