/**
 * Separates tagged thinking from the answer in a streamed text.
 *
 * @module
 */

export interface SplitText {
  reasoning: string;
  content: string;
}

export interface ThinkSplitter {
  push(text: string): SplitText;
  /** Ends the text; returns what was held back. */
  end(): SplitText;
  /** Whether all text that follows is content. */
  done(): boolean;
}

const NAMES = ["think", "thinking", "thought", "reasoning"];
const OPEN_REGEXP = new RegExp(`^\\s*<(${NAMES.join("|")})>`, "i");

/** Whether more text could still complete an opening tag. */
function mayOpen(text: string): boolean {
  const start = text.trimStart().toLowerCase();
  return NAMES.some((name) => `<${name}>`.startsWith(start));
}

/**
 * Creates a splitter. Only a text that begins with an opening tag has a thinking block; a tag in
 * the middle of an answer is part of the answer. Whitespace after a tag is dropped.
 */
export function createThinkSplitter(): ThinkSplitter {
  let state: "start" | "afterOpening" | "inside" | "afterClosing" | "answer" = "start";
  let held = "";
  let closingTag = "";
  let closingRegexp = /(?:)/;

  function push(text: string): SplitText {
    held += text;
    if (state === "start") {
      const opening = OPEN_REGEXP.exec(held);
      if (opening === null) return mayOpen(held) ? nothing() : answer();
      closingTag = `</${opening[1]!.toLowerCase()}>`;
      closingRegexp = new RegExp(closingTag, "i");
      held = held.slice(opening[0].length);
      state = "afterOpening";
    }
    if (state === "afterOpening") {
      held = held.trimStart();
      if (held === "") return nothing();
      state = "inside";
    }
    if (state === "inside") return inside();
    if (state === "afterClosing") held = held.trimStart();
    return held === "" ? nothing() : answer();
  }

  function inside(): SplitText {
    // Not by lower case, which changes the length of some texts.
    const end = held.search(closingRegexp);
    if (end >= 0) {
      const reasoning = held.slice(0, end);
      held = held.slice(end + closingTag.length).trimStart();
      state = "afterClosing";
      return { reasoning, content: held === "" ? "" : answer().content };
    }
    // Hold back what could be the beginning of a closing tag.
    const last = held.lastIndexOf("<");
    const mayClose = last >= 0 && closingTag.startsWith(held.slice(last).toLowerCase());
    const reasoning = mayClose ? held.slice(0, last) : held;
    held = held.slice(reasoning.length);
    return { reasoning, content: "" };
  }

  function answer(): SplitText {
    state = "answer";
    const content = held;
    held = "";
    return { reasoning: "", content };
  }

  return {
    push,
    end() {
      const rest = held;
      held = "";
      if (state === "inside") return { reasoning: rest, content: "" };
      return { reasoning: "", content: state === "start" ? rest : "" };
    },
    done: () => state === "answer",
  };
}

function nothing(): SplitText {
  return { reasoning: "", content: "" };
}
