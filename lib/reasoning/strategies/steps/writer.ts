/** The next characters of one of a step's two texts. */
export interface StepPart {
  /** The title never continues after content. */
  part: "title" | "content";
  /** Never empty; never half a surrogate pair. */
  text: string;
}

/** Collects the title and content of a step and returns what is new. */
export interface StepWriter {
  /** Adds to the title that is open, or opens one. A second title becomes a bold paragraph. */
  title(text: string): void;
  /** Adds to the content that is open, or opens a paragraph. */
  content(text: string): void;
  /** Ends the title or paragraph that is open. */
  close(): void;
  isEmpty(): boolean;
  /** Returns what was added since the last call; at most one part of each kind, title first. */
  takeParts(): StepPart[];
  /** The whole texts that have been taken. */
  texts(): { title: string; content: string };
}

export function createStepWriter(): StepWriter {
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
    const last = text.charCodeAt(text.length - 1);
    const whole = last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text;
    const certain = (half + whole).toWellFormed();
    half = text.slice(whole.length);
    if (open === "lateTitle") lateTitle += certain;
    else fresh[open === "title" ? "title" : "content"] += certain;
  }

  const hasContent = () => fresh.content !== "" || taken.content !== "";

  function begin(next: NonNullable<typeof open>): void {
    open = next;
    isEmpty = false;
    if ((next === "boldTitle" || next === "paragraph") && hasContent()) put("\n\n");
    if (next === "boldTitle") put("**");
  }

  return {
    title(text) {
      if (open === undefined) begin(hasTitle ? "boldTitle" : hasContent() ? "lateTitle" : "title");
      hasTitle = true;
      put(text);
    },
    content(text) {
      if (open === undefined) begin("paragraph");
      put(text);
    },
    close() {
      if (open === "boldTitle") put("**");
      // A half that stays alone becomes U+FFFD.
      if (half !== "") put("");
      open = undefined;
    },
    isEmpty: () => isEmpty,
    takeParts() {
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
    texts: () => ({ title: taken.title + lateTitle, content: taken.content }),
  };
}
