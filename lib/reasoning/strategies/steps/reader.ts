/**
 * The tolerant incremental reader of one reasoning step, as a model writes it: ideally
 * `{"title", "content", "next_action": "continue" | "final_answer"}`, in practice also with
 * code fences and prose around it, other names for the keys, a wrapper, several objects, a cut,
 * or no JSON at all. Text goes on as soon as it is certain; nothing is ever read twice.
 *
 * @module
 */
import {
  createPairJoiner,
  createProseReader,
  createSourceReader,
  createStringReader,
  skipSpace,
  type ValueReader,
} from "../../json/string_reader.ts";

/** The next characters of one of a step's two texts. */
export interface StepPart {
  /** Which text goes on; no title comes after content. */
  part: "title" | "content";
  /** The characters; never empty, and never half a surrogate pair. */
  text: string;
}

/** A whole step. */
export interface Step {
  /** The first title that is not empty; `""` where there is none. */
  title: string;
  /** The whole content. */
  content: string;
  /** What the model wants to do next; its last word counts. */
  nextAction: "continue" | "final_answer";
  /** Whether the text held a JSON step at all: an object with at least one key of a step. */
  isJson: boolean;
}

/** Reads one step. */
export interface StepReader {
  /**
   * Takes the next piece of the model's text.
   *
   * @returns the title and content that became certain, title first; at most one part of each
   */
  push(text: string): StepPart[];
  /** Ends the text: returns what was still held back, and the step. Nothing is pushed after. */
  end(): { parts: StepPart[]; step: Step };
}

/** What a member of an object means to the step. */
type Role = "title" | "content" | "action" | "final" | "none";

/** A state: reads on from `at` (always inside `text`) and returns where the next one begins. */
type State = (text: string, at: number) => number;

const KEYS: Readonly<Record<Exclude<Role, "none">, string>> = {
  title: "title steptitle heading name",
  content: "content reasoning thought thinking explanation text description " +
    "stepcontent analysis details answer",
  action: "nextaction action next status",
  final: "final isfinal finalanswer",
};
const ROLES: ReadonlyMap<string, Role> = new Map(
  (Object.keys(KEYS) as (keyof typeof KEYS)[]).flatMap((role) =>
    KEYS[role].split(" ").map((key) => [key, role] as const)
  ),
);

/** A word of `next_action` that ends the reasoning. */
const FINAL_REGEXP = /(?<![a-z])(?:final|done|finish|complete|stop|end)/i;

/**
 * Makes a reader of one step.
 *
 * The parts of one kind, joined, are exactly the step's text of that kind, with one exception: a
 * title that comes only after content is in `step.title` and in no part. A lone surrogate becomes
 * U+FFFD.
 *
 * - Objects and arrays under unknown keys are looked into; content that is itself an object, an
 *   array, a number or a boolean is given as its source.
 * - A second title becomes a bold line of the content; each further content is a paragraph.
 * - Up to 256 characters of prose before the object, code fences, and all text after it are
 *   dropped. Longer prose is content. In prose, only an object whose first key is a step's counts.
 * - Text without an object is the content, trimmed.
 * - Of a cut object, what was read is the step. Where there was an object with neither title nor
 *   content, complete or with values that nobody asked for, the content is the text as it came.
 */
export function createStepReader(): StepReader {
  const writer = createStepWriter();
  const prose = createProseReader(
    (key) => roleOf(key) !== "none",
    writer.content,
  );

  let state: State = readProse;
  /** The brackets that are open; a list, since models nest deeper than a call stack */
  let open: string[] = [];
  /** Reads the string or source that is open */
  let reader: ValueReader;
  let role: Role = "none";
  /** The key, or the value that decides the next action, so far */
  let collected: string[] = [];
  let nextAction: Step["nextAction"] = "continue";
  const seen = { step: false, text: false, unasked: false, whole: false };
  /** All of the input, as long as nothing of it is written */
  let input: string[] = [];

  function readProse(text: string, at: number): number {
    const next = prose.read(text, at);
    const begun = prose.begun();
    if (begun !== undefined) {
      writer.close();
      open = ["{"];
      if ("quote" in begun) openKey(begun.quote);
      else openValue(begun.key);
    }
    return next;
  }

  function openKey(quote: string): void {
    reader = createStringReader(quote, false);
    collected = [];
    state = readKey;
  }

  function openValue(key: string): void {
    role = roleOf(key);
    seen.step ||= role !== "none";
    seen.text ||= role === "title" || role === "content";
    collected = [];
    state = readValue;
  }

  /** Between the members of an object or the elements of an array. */
  function readInside(text: string, at: number): number {
    const char = text.charAt(at);
    if (char === '"' || char === "'") {
      if (open.at(-1) === "{") {
        openKey(char);
      } else {
        role = "none";
        reader = createStringReader(char, false);
        state = readText;
      }
    } else if (char === "{" || char === "[") {
      open.push(char);
    } else if (char === "}" || char === "]") {
      open.pop();
      if (open.length === 0) {
        seen.whole = true;
        state = readProse;
      }
    }
    return at + 1;
  }

  function readKey(text: string, at: number): number {
    const next = reader.read(text, at, collected);
    if (reader.closed()) state = readColon;
    return next;
  }

  function readColon(text: string, at: number): number {
    if (text.charAt(at) !== ":") {
      state = readInside;
      return at;
    }
    openValue(collected.join(""));
    return at + 1;
  }

  function readValue(text: string, from: number): number {
    const at = skipSpace(text, from);
    const char = text.charAt(at);
    if (char === "") return at;
    if (char === '"' || char === "'") {
      reader = createStringReader(char, true);
      state = readText;
      return at + 1;
    }
    if (role === "content" && "{[".includes(char)) {
      reader = createSourceReader();
      state = readText;
    } else state = "{[,}]".includes(char) ? readInside : readScalar;
    return at;
  }

  function readText(text: string, at: number): number {
    const pieces: string[] = [];
    const next = reader.read(text, at, pieces);
    accept(pieces.join(""));
    if (reader.closed()) closeValue();
    return next;
  }

  /** Held until it is whole, since `null` says nothing. */
  function readScalar(text: string, at: number): number {
    let to = at;
    while (to < text.length && !',}]"'.includes(text.charAt(to))) to++;
    collected.push(text.slice(at, to));
    if (to < text.length) closeScalar();
    return to;
  }

  function closeScalar(): void {
    const scalar = collected.join("").trim();
    collected = [];
    if (!"null".startsWith(scalar)) accept(scalar);
    closeValue();
  }

  function accept(text: string): void {
    if (text === "") return;
    if (role === "title") writer.title(text);
    else if (role === "content") writer.content(text);
    else if (role === "none") seen.unasked = true;
    else collected.push(text);
  }

  function closeValue(): void {
    if (role === "action" || role === "final") {
      const value = collected.join("").trim();
      const final = role === "action" ? FINAL_REGEXP.test(value) : value.toLowerCase() === "true";
      nextAction = final ? "final_answer" : "continue";
    }
    collected = [];
    writer.close();
    state = readInside;
  }

  function close(): void {
    if (state === readProse) prose.close();
    else if (state === readScalar) closeScalar();
    else if (state === readText) closeValue();
    if (!seen.text && (seen.whole || seen.unasked) && !writer.written()) {
      writer.content(input.join("").trim());
    }
    writer.close();
  }

  return {
    push(text) {
      if (!writer.written()) input.push(text);
      let at = 0;
      while (at < text.length) at = state(text, at);
      if (writer.written()) input = [];
      return writer.drain();
    },
    end() {
      close();
      const parts = writer.drain();
      return {
        parts,
        step: { ...writer.texts(), nextAction, isJson: seen.step },
      };
    },
  };
}

function roleOf(key: string): Role {
  return ROLES.get(key.toLowerCase().replace(/[_\- ]/g, "")) ?? "none";
}

/** Collects the two texts of a step and hands out what is new of them. */
function createStepWriter() {
  const join = createPairJoiner();
  const fresh = { title: [] as string[], content: [] as string[] };
  const whole = { title: [] as string[], content: [] as string[] };
  const late: string[] = [];
  let titled = false;
  let written = false;
  /** Where the text of the value that is open goes */
  let aim: "none" | "title" | "late" | "bold" | "content" = "none";

  function put(text: string | undefined): void {
    const certain = join(text);
    if (certain === "") return;
    if (aim === "late") late.push(certain);
    else fresh[aim === "title" ? "title" : "content"].push(certain);
  }

  /** Whether any content is there, so that a title would come too late. */
  function shown(): boolean {
    return fresh.content.length > 0 || whole.content.length > 0;
  }

  function begin(next: typeof aim): void {
    aim = next;
    written = true;
    if ((next === "bold" || next === "content") && shown()) put("\n\n");
    if (next === "bold") put("**");
  }

  return {
    /** The next characters of a title; not empty. */
    title(text: string): void {
      if (aim === "none") begin(titled ? "bold" : shown() ? "late" : "title");
      titled = true;
      put(text);
    },
    /** The next characters of a content; not empty. */
    content(text: string): void {
      if (aim === "none") begin("content");
      put(text);
    },
    /** Ends the value that is open. */
    close(): void {
      if (aim === "bold") put("**");
      put(undefined);
      aim = "none";
    },
    /** Whether any text has come at all. */
    written: () => written,
    /** What has become certain since the last time. */
    drain(): StepPart[] {
      const parts: StepPart[] = [];
      for (const part of ["title", "content"] as const) {
        if (fresh[part].length === 0) continue;
        const text = fresh[part].join("");
        fresh[part] = [];
        whole[part].push(text);
        parts.push({ part, text });
      }
      return parts;
    },
    /** The whole texts; what was not drained is missing. */
    texts: () => ({
      title: [...whole.title, ...late].join(""),
      content: whole.content.join(""),
    }),
  };
}
