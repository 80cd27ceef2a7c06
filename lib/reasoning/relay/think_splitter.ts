/**
 * Tells tagged thinking from the answer in a model's text, as it streams.
 *
 * @module
 */

/** What a piece of text held. */
export interface SplitText {
  /** Thinking. */
  reasoning: string;
  /** Answer. */
  content: string;
}

/** A streaming splitter. */
export interface ThinkSplitter {
  /** Takes the next characters. */
  push(text: string): SplitText;
  /** Ends the text; what was held back comes out. */
  end(): SplitText;
  /** Whether all that follows is answer. */
  done(): boolean;
}

const NAMES = "think|thinking|thought|reasoning";
const OPEN = new RegExp(`^\\s*<(${NAMES})>`, "i");

/** Whether more text could still make an opening tag of this start. */
function mayOpen(text: string): boolean {
  // Most texts begin with something else.
  if (!/^\s*(?:<|$)/.test(text)) return false;
  const start = text.trimStart().toLowerCase();
  return NAMES.split("|").some((name) => `<${name}>`.startsWith(start));
}

/**
 * Creates a splitter. Only a text that begins with an opening tag has a thinking block: a tag
 * in the middle of an answer is part of the answer.
 */
export function createThinkSplitter(): ThinkSplitter {
  // "margin" is the white space behind a tag, which belongs to neither side.
  let state: "start" | "margin" | "inside" | "gap" | "answer" = "start";
  let held = "";
  let close = "";
  let closing = /(?:)/;

  function push(text: string): SplitText {
    if (state === "answer") return { reasoning: "", content: text };
    held += text;
    if (state === "start") {
      const open = OPEN.exec(held);
      if (open === null) {
        return mayOpen(held) ? { reasoning: "", content: "" } : answer();
      }
      close = `</${open[1]!.toLowerCase()}>`;
      closing = new RegExp(close, "i");
      held = held.slice(open[0].length);
      state = "margin";
    }
    if (state === "margin") {
      held = held.trimStart();
      if (held === "") return { reasoning: "", content: "" };
      state = "inside";
    }
    return state === "inside" ? inside() : gap();
  }

  function inside(): SplitText {
    // Not by lower case: that changes the length of some texts.
    const at = held.search(closing);
    if (at >= 0) {
      const reasoning = held.slice(0, at);
      held = held.slice(at + close.length);
      state = "gap";
      return { reasoning, content: gap().content };
    }
    // A closing tag may be cut; hold back no more than could be its beginning.
    const from = held.lastIndexOf("<");
    const keep = from >= 0 && close.startsWith(held.slice(from).toLowerCase()) ? from : held.length;
    const reasoning = held.slice(0, keep);
    held = held.slice(keep);
    return { reasoning, content: "" };
  }

  function gap(): SplitText {
    held = held.trimStart();
    return held === "" ? { reasoning: "", content: "" } : answer();
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
      return state === "inside"
        ? { reasoning: rest, content: "" }
        : { reasoning: "", content: state === "start" ? rest : "" };
    },
    done() {
      return state === "answer";
    },
  };
}
