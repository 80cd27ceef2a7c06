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
const LONGEST_TAG = "</reasoning>".length;

/** Returns the name of the tag that a text begins with. */
function openingName(text: string): string | undefined {
  const start = text.slice(0, LONGEST_TAG).toLowerCase();
  return NAMES.find((name) => start.startsWith(`<${name}>`));
}

/** Whether more text could still complete an opening tag. */
function mayOpen(text: string): boolean {
  const start = text.slice(0, LONGEST_TAG + 1).toLowerCase();
  return NAMES.some((name) => `<${name}>`.startsWith(start));
}

/**
 * Creates a splitter. Only a text that begins with an opening tag has a thinking block; a tag in
 * the middle of an answer is part of the answer. Whitespace after a tag is dropped.
 */
export function createThinkSplitter(): ThinkSplitter {
  let state: "start" | "afterOpening" | "inside" | "afterClosing" | "answer" = "start";
  let held = "";
  /** Whitespace before the text, which is not searched again with each push. */
  let space = "";
  let closingTag = "";

  function push(text: string): SplitText {
    held += text;
    if (state === "start") {
      const trimmed = held.trimStart();
      space += held.slice(0, held.length - trimmed.length);
      held = trimmed;
      const name = openingName(held);
      if (name === undefined) {
        if (mayOpen(held)) return nothing();
        held = space + held;
        return answer();
      }
      closingTag = `</${name}>`;
      held = held.slice(`<${name}>`.length);
      space = "";
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
    const end = indexOfTag(held, closingTag);
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
      const rest = space + held;
      space = held = "";
      if (state === "inside") return { reasoning: rest, content: "" };
      return { reasoning: "", content: state === "start" ? rest : "" };
    },
    done: () => state === "answer",
  };
}

/** Returns the index of a tag, in upper or lower case. */
function indexOfTag(text: string, tag: string): number {
  for (let at = text.indexOf("<"); at >= 0; at = text.indexOf("<", at + 1)) {
    if (text.slice(at, at + tag.length).toLowerCase() === tag) return at;
  }
  return -1;
}

function nothing(): SplitText {
  return { reasoning: "", content: "" };
}
