import { splitPair } from "../../../text.ts";

/** The next characters of one of a step's two texts. */
export interface StepPart {
  /** The title never continues after content. */
  part: "title" | "content";
  /** Never empty; never half a surrogate pair. */
  text: string;
}

export type StepWriter = ReturnType<typeof createStepWriter>;

/** Creates a collector of a step's title and content. */
export function createStepWriter() {
  const fresh = { title: "", content: "" };
  const taken = { title: "", content: "" };
  /** A title that came after content; it is too late to show. */
  let lateTitle = "";
  let hasTitle = false;
  let isEmpty = true;
  let open: "title" | "lateTitle" | "boldTitle" | "paragraph" | undefined;
  /** The first half of a surrogate pair at the end of the last text. */
  let half = "";

  function put(text: string): void {
    const [whole, rest] = splitPair(half + text);
    half = rest;
    if (open === "lateTitle") lateTitle += whole;
    else if (open === "title") fresh.title += whole;
    else fresh.content += whole;
  }

  const hasContent = () => fresh.content !== "" || taken.content !== "";

  function begin(next: NonNullable<typeof open>): void {
    open = next;
    isEmpty = false;
    if ((next === "boldTitle" || next === "paragraph") && hasContent()) put("\n\n");
    if (next === "boldTitle") put("**");
  }

  return {
    /** Adds to the open title, or opens one. A second title becomes a bold paragraph. */
    title(text: string): void {
      if (open === undefined) begin(hasTitle ? "boldTitle" : hasContent() ? "lateTitle" : "title");
      hasTitle = true;
      put(text);
    },
    /** Adds to the open content, or opens a paragraph. */
    content(text: string): void {
      if (open === undefined) begin("paragraph");
      put(text);
    },
    /** Ends the open title or paragraph. */
    close(): void {
      if (open === "boldTitle") put("**");
      if (half !== "") {
        half = "";
        put("\ufffd");
      }
      open = undefined;
    },
    isEmpty: () => isEmpty,
    /** Returns what was added since the last call; at most one part of each kind, title first. */
    takeParts(): StepPart[] {
      const parts: StepPart[] = [];
      for (const part of ["title", "content"] as const) {
        const text = fresh[part];
        if (text === "") continue;
        parts.push({ part, text });
        taken[part] += text;
        fresh[part] = "";
      }
      return parts;
    },
    /** Returns the whole texts that have been taken. */
    texts: () => ({ title: taken.title + lateTitle, content: taken.content }),
  };
}
