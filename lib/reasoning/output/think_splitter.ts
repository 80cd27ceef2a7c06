import { type BareClose, createBareCloseFinder } from "./bare_close.ts";

export interface SplitText {
  reasoning: string;
  content: string;
  /** All earlier content, and this text after it, was thinking without an opening tag. */
  thought?: string;
}

export type ThinkSplitter = ReturnType<typeof createThinkSplitter>;

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
 * Separates tagged thinking from the answer. Only the beginning of a text is a thinking block; a
 * tag in the middle of an answer is part of the answer. Whitespace after a tag is dropped.
 *
 * @param isOpen whether the text is expected to begin with thinking without an opening tag.
 */
export function createThinkSplitter(isOpen = false) {
  let state: "start" | "afterOpening" | "inside" | "afterClosing" | "answer" = "start";
  let held = "";
  /** Whitespace before the text, which is not searched again with each push. */
  let space = "";
  let closingTag = "";
  const finder = createBareCloseFinder();
  let hasContent = false;
  let wasOpen: boolean | undefined;
  /** Text that was passed on as thinking because it was expected. */
  let expected = "";

  function push(text: string): SplitText {
    held += text;
    if (state === "start") {
      const trimmed = held.trimStart();
      space += held.slice(0, held.length - trimmed.length);
      held = trimmed;
      const name = openingName(held);
      if (name === undefined) {
        if (mayOpen(held)) return nothing();
        if (!isOpen) {
          held = space + held;
          space = "";
          return answer();
        }
        closingTag = "</think>";
        wasOpen = true;
      } else {
        closingTag = `</${name}>`;
        held = held.slice(`<${name}>`.length);
      }
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
      expected = "";
      return { reasoning, content: held === "" ? "" : answer().content };
    }
    // Hold back what could be the beginning of a closing tag.
    const last = held.lastIndexOf("<");
    const mayClose = last >= 0 && closingTag.startsWith(held.slice(last).toLowerCase());
    const reasoning = mayClose ? held.slice(0, last) : held;
    held = held.slice(reasoning.length);
    if (wasOpen) expected += reasoning;
    return { reasoning, content: "" };
  }

  function answer(): SplitText {
    // Only an answer that began without a tag can have one at the end of its thinking.
    const mayClose = state === "start" || state === "answer";
    state = "answer";
    const text = held;
    held = "";
    if (!mayClose || closingTag !== "" || finder.isOver()) return { reasoning: "", content: text };
    return found(finder.push(text));
  }

  function found({ before, after }: BareClose): SplitText {
    const text = space + before;
    space = "";
    if (after === undefined) {
      if (!hasContent && text.trim() === "") {
        space = text;
        return nothing();
      }
      hasContent = true;
      return { reasoning: "", content: text };
    }
    wasOpen = true;
    if (after === "") state = "afterClosing";
    return hasContent
      ? { reasoning: "", content: after, thought: text }
      : { reasoning: text, content: after };
  }

  return {
    push,
    /**
     * Ends the text; returns what was held back. A text that was expected to begin with thinking, but
     * is complete without a closing tag, is content.
     *
     * @param isCut whether the text is incomplete.
     */
    end(isCut = false): SplitText {
      if (state === "answer" && closingTag === "") {
        const { reasoning, content, ...thought } = found(finder.end());
        const rest = space;
        space = "";
        return { reasoning, content: content + rest, ...thought };
      }
      const rest = space + held;
      space = held = "";
      if (state === "inside") {
        if (!wasOpen || isCut) return { reasoning: rest, content: "" };
        wasOpen = false;
        state = "answer";
        const content = expected + rest;
        expected = "";
        return { reasoning: rest, content };
      }
      if (state === "start") {
        state = "answer";
        return { reasoning: "", content: rest };
      }
      return nothing();
    },
    /** Whether all text that follows is content. */
    done: () => state === "answer" && (closingTag !== "" || finder.isOver()),
    /** Whether the text began with thinking without an opening tag; undefined if not known. */
    wasOpen: () => wasOpen,
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
