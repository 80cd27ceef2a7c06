/**
 * Server-sent events, as upstreams write them.
 *
 * @see {@link https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream}
 * @module
 */

/** One event of a stream. */
export interface SseEvent {
  /** The event's name; empty where none was given. */
  event: string;
  /** The data lines, joined by line feeds. */
  data: string;
}

/** An incremental parser of an event stream. */
export interface SseParser {
  /**
   * Takes the next characters.
   *
   * @returns the events that they complete.
   * @throws {RangeError} when a line passes the limit.
   */
  push(text: string): SseEvent[];
  /** Ends the stream; an event that lacks its blank line counts as complete. */
  end(): SseEvent[];
}

/**
 * Creates a parser that holds no more than one line and one event. Line ends may be LF, CRLF
 * or CR; a byte order mark at the start, comments and unknown fields are dropped.
 *
 * @param maxLineLength the longest line, and the longest event, in characters.
 */
export function createSseParser(maxLineLength: number): SseParser {
  // An unfinished line is kept in pieces, so that a long one costs no copy at each read.
  let pieces: string[] = [];
  let held = 0;
  let event = "";
  let data: string[] = [];
  let dataLength = 0;
  let skipLineFeed = false;
  let atStart = true;

  function limit(length: number): void {
    if (length > maxLineLength) {
      throw new RangeError(
        `Cannot read event: a line is longer than ${maxLineLength} characters`,
      );
    }
  }

  function line(text: string, out: SseEvent[]): void {
    limit(text.length);
    if (text === "") {
      if (data.length > 0) {
        out.push({
          event,
          data: data.length === 1 ? data[0]! : data.join("\n"),
        });
      }
      event = "";
      data = [];
      dataLength = 0;
      return;
    }
    const colon = text.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? text : text.slice(0, colon);
    if (field !== "data" && field !== "event") return;
    const start = colon < 0 ? text.length : text[colon + 1] === " " ? colon + 2 : colon + 1;
    const value = text.slice(start);
    if (field === "event") event = value;
    else {
      data.push(value);
      // The line feed that joins it counts too: empty lines must not pile up unseen.
      dataLength += value.length + 1;
      limit(dataLength - 1);
    }
  }

  function normalise(text: string): string {
    if (text === "") return text;
    const from = atStart && text.startsWith("\ufeff") || skipLineFeed && text.startsWith("\n")
      ? 1
      : 0;
    atStart = false;
    skipLineFeed = text.endsWith("\r");
    const rest = from === 0 ? text : text.slice(1);
    return rest.includes("\r") ? rest.replace(/\r\n?/g, "\n") : rest;
  }

  return {
    push(chunk) {
      const out: SseEvent[] = [];
      const text = normalise(chunk);
      let start = 0;
      for (
        let at = text.indexOf("\n");
        at >= 0;
        at = text.indexOf("\n", start)
      ) {
        let whole = text.slice(start, at);
        if (pieces.length > 0) {
          pieces.push(whole);
          whole = pieces.join("");
          pieces = [];
          held = 0;
        }
        line(whole, out);
        start = at + 1;
      }
      if (start < text.length) {
        pieces.push(start === 0 ? text : text.slice(start));
        held += text.length - start;
        limit(held);
      }
      return out;
    },
    end() {
      const out: SseEvent[] = [];
      if (pieces.length > 0) line(pieces.join(""), out);
      pieces = [];
      line("", out);
      return out;
    },
  };
}
