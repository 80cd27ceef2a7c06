/**
 * Texts that make a regular expression slow if any does: its own parts, repeated many times, with a
 * beginning that leads into the repetition and an end that fails.
 *
 * @module
 */
import { createRandom } from "../../../lib/random.ts";

/** Characters that an escape matches. */
const ESCAPES: Readonly<Record<string, readonly string[]>> = {
  s: [" ", "\n"],
  S: ["x"],
  d: ["1"],
  D: ["x"],
  w: ["a", "1"],
  W: ["-", " "],
  b: [],
  B: [],
  n: ["\n"],
  t: ["\t"],
  r: ["\r"],
  p: ["a", "字", "\0"],
  P: ["a", " "],
};

/** Parts of every text, beside those of the expression. */
const COMMON = ["a", "0", " ", "\n", "\0"];

/** A set of characters, an escape, the syntax around a group, a bound, or one character. */
const PART =
  /\[\^?(?:\\.|[^\]\\])*\]|\\(?:u[0-9a-f]{4}|x[0-9a-f]{2}|p\{[^}]*\}|.)|\(\?(?:[:=!]|<[=!]|<\w+>)|\{\d*,?\d*\}|[^]/gi;

/**
 * Returns the words and characters that an expression can match, and an example for each of its
 * parts in their order.
 */
function partsOf(source: string): { parts: string[]; inOrder: string[] } {
  const parts = new Set(COMMON);
  const inOrder: string[] = [];
  let word = "";
  const add = (chars: readonly string[]) => {
    for (const char of chars) parts.add(char);
    inOrder.push(...chars.slice(0, 1));
  };
  const endWord = () => {
    if (word !== "") add([word, word.at(-1)!]);
    word = "";
  };
  for (const [part] of source.matchAll(PART)) {
    if (part.length > 1 && part.startsWith("[")) {
      endWord();
      add(membersOf(part));
    } else if (/^\\[ux]../.test(part)) word += String.fromCharCode(parseInt(part.slice(2), 16));
    else if (part.startsWith("\\") && part.length > 1) {
      const chars = ESCAPES[part[1]!];
      if (chars === undefined) word += part[1];
      else {
        endWord();
        add(chars);
      }
    } else if (part.length > 1 || "()|*+?.^$".includes(part)) endWord();
    else word += part;
  }
  endWord();
  return { parts: [...parts], inOrder };
}

/** Returns some of the characters that a set such as `[a-z\d]` contains. */
function membersOf(set: string): string[] {
  const isNegated = set.startsWith("[^");
  const inner = set.slice(isNegated ? 2 : 1, -1);
  const members = [...inner.matchAll(/\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\\p\{[^}]*\}|\\?[^]/gi)]
    .flatMap(([member]) =>
      /^\\[ux]../.test(member)
        ? String.fromCharCode(parseInt(member.slice(2), 16))
        : member.length > 1
        ? ESCAPES[member[1]!] ?? member.slice(1)
        : member
    );
  return isNegated
    ? ["x", "~", ...members.slice(0, 2)]
    : [...members.slice(0, 6), ...members.slice(-2)];
}

/** Yields `count` texts of about `length` characters; always the same ones for a source. */
export function* adversarialTexts(
  source: string,
  count: number,
  length: number,
): Generator<string> {
  const { parts, inOrder } = partsOf(source);
  const random = createRandom(1);
  const some = (max: number) =>
    Array.from(
      { length: Math.floor(random() * (max + 1)) },
      () => parts[Math.floor(random() * parts.length)]!,
    ).join("");
  for (let i = 0; i < count; i++) {
    const isSingle = i < parts.length;
    const repeated = isSingle ? parts[i]! : some(3) || " ";
    const start = i % 2 === 0
      ? some(3)
      : inOrder.slice(0, Math.floor(random() * inOrder.length)).join("");
    const end = some(2) || "\0";
    const many = repeated.repeat(Math.ceil(length / repeated.length));
    yield isSingle ? `${many}\0` : start + many + end;
  }
}
