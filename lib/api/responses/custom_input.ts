import { tryParse } from "../../json.ts";
import { splitPair } from "../../text.ts";

/** The start of the arguments `{"input": "…"}` of a call of a custom tool. */
const START = /^\s*\{\s*"input"\s*:\s*"/;

/** Characters in which the start is searched; a model writes far fewer. */
const MAX_START = 200;

/** An escape sequence of a JSON string that is not yet complete. */
const OPEN_ESCAPE = /^\\(u[0-9a-f]{0,3})?$/i;

/**
 * Creates a reader that takes the text out of the arguments of a custom tool's call as they arrive.
 * Arguments of another form are read at the end.
 */
export function createCustomInput() {
  let json = "";
  /** The part of the JSON that was not read yet. */
  let tail = "";
  let state: "before" | "inside" | "after" | "other form" = "before";
  let text = "";
  /** The end of the text that was not returned yet. */
  let held = "";

  function read(): string {
    let delta = "";
    while (state === "inside" && tail !== "") {
      const plain = tail.search(/["\\]/);
      let length = plain < 0 ? tail.length : plain;
      if (length > 0) delta += tail.slice(0, length);
      else if (tail.startsWith('"')) {
        state = "after";
        length = 1;
      } else {
        const sequence = tail.slice(0, tail[1] === "u" ? 6 : 2);
        if (OPEN_ESCAPE.test(sequence)) break;
        delta += tryParse(`"${sequence}"`) ?? sequence;
        length = sequence.length;
      }
      tail = tail.slice(length);
    }
    text += delta;
    return delta;
  }

  return {
    /** Returns the next characters of the text. */
    push(piece: string): string {
      json += piece;
      if (state === "after" || state === "other form") return "";
      tail += piece;
      if (state === "before") {
        const start = START.exec(tail.slice(0, MAX_START));
        if (start === null) {
          if (tail.length >= MAX_START) state = "other form";
          return "";
        }
        tail = tail.slice(start[0].length);
        state = "inside";
      }
      const [delta, half] = splitPair(held + read());
      held = half;
      return delta;
    },
    /** Returns the whole text, which begins with everything that was returned before. */
    whole(): string {
      const whole = state === "inside" || state === "after" ? text : textOf(json);
      return whole.toWellFormed();
    },
  };
}

/** Returns the only string in the arguments. Otherwise they are the text itself, without JSON. */
function textOf(json: string): string {
  const texts = Object.values(tryParse(json) ?? {}).filter((value) => typeof value === "string");
  return texts.length === 1 ? texts[0]! : json;
}
