import type { Document, Node, ParsedNode, YAMLMap } from "yaml";
import { MERGE_KEY } from "../environment.ts";
import type { Fault, Path } from "./fault.ts";

/** A YAML text with the positions of its values. */
export type Source = Awaited<ReturnType<typeof openSource>>;

const TAB_MESSAGE = "YAML can't be indented with tabs; use spaces";

/** Messages for the parser's codes. They quote nothing of the file, as it may contain keys. */
const MESSAGES: Readonly<Record<string, string>> = {
  BAD_ALIAS: "an alias (*name) must follow its anchor (&name)",
  BAD_DQ_ESCAPE: "an unknown escape in double quotes; write \\\\ for a backslash",
  BAD_INDENT: "wrong indentation, or an unclosed bracket",
  BAD_SCALAR_START: "put a string that starts with @, ` or % in quotes",
  BLOCK_AS_IMPLICIT_KEY: "two colons in one line; put a string that contains ': ' in quotes",
  MISSING_CHAR: "a character is missing here, such as a closing quote or bracket, or a comma",
  MULTILINE_IMPLICIT_KEY: "expected 'key: value'; put a space after the colon",
  MULTIPLE_DOCS: "expected one document; remove the line '---'",
  RESOURCE_EXHAUSTION: "nested too deeply",
  TAB_AS_INDENT: TAB_MESSAGE,
  UNEXPECTED_TOKEN:
    "unexpected text here; put a value with special characters, such as ${NAME} in braces, in quotes",
};

/** Parses a text. Loads the parser, which is large, only when it is called. */
export async function openSource(text: string) {
  const yaml = await import("yaml");
  const counter = new yaml.LineCounter();
  const document = yaml.parseDocument(text, {
    lineCounter: counter,
    prettyErrors: false,
    logLevel: "error",
  });
  /** Returns the line and the column, from 1. */
  const position = (offset: number) => {
    const { line, col } = counter.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };

  /** Follows the path as far as the document goes. */
  function find(path: Path): { offset: number; node: Node | null; complete: boolean } {
    let node: Node | null = document.contents;
    let offset = node?.range?.[0] ?? 0;
    for (const segment of path) {
      const next = child(yaml, document, node, segment);
      if (next === undefined) return { offset, node, complete: false };
      ({ node, offset } = next);
    }
    return { offset, node, complete: true };
  }

  return {
    /** Returns where a value's key is, or else the key of the nearest value around it. */
    locate: (path: Path) => position(find(path).offset),
    /** Returns true for a scalar without quotes or tag, whose type follows from its text. */
    isPlain(path: Path): boolean {
      const { node, complete } = find(path);
      const target = yaml.isAlias(node) ? node.resolve(document) : node;
      return complete && yaml.isScalar(target) && target.type === "PLAIN" &&
        target.tag === undefined;
    },
    /** Returns the faults of the YAML syntax. */
    faults(): Fault[] {
      const duplicates = document.errors.filter(({ code }) => code === "DUPLICATE_KEY");
      // Errors after the first one are mostly its consequences.
      const first = document.errors.find(({ code }) => code === "TAB_AS_INDENT") ??
        document.errors.find(({ code }) => code !== "DUPLICATE_KEY");
      return [...duplicates, ...(first === undefined ? [] : [first])].map(({ code, pos }) => ({
        path: [],
        ...position(pos[0]),
        message: code === "DUPLICATE_KEY"
          ? duplicateKey(text.slice(pos[0]))
          : `is not valid YAML: ${
            MESSAGES[isAfterTab(text, pos[0]) ? "TAB_AS_INDENT" : code] ??
              "it can't be read from here on"
          }`,
      }));
    },
  };
}

function child(
  yaml: typeof import("yaml"),
  document: Document<ParsedNode>,
  parent: Node | null,
  segment: string | number,
): { offset: number; node: Node | null } | undefined {
  const node = yaml.isAlias(parent) ? parent.resolve(document) : parent;
  if (yaml.isMap(node)) {
    // The last of two equal keys counts.
    const pair = node.items.findLast(({ key }) =>
      yaml.isScalar(key) && String(key.value) === String(segment)
    );
    if (pair === undefined) return mergedChild(yaml, document, node, segment);
    if (!yaml.isNode(pair.key)) return undefined;
    const value = yaml.isNode(pair.value) ? pair.value : null;
    return { offset: pair.key.range?.[0] ?? 0, node: value };
  }
  const item = yaml.isSeq(node) ? node.items[Number(segment)] : undefined;
  return yaml.isNode(item) ? { offset: item.range?.[0] ?? 0, node: item } : undefined;
}

/** Finds a value that a merge key (`<<`) adds. Of several mappings, the first one counts. */
function mergedChild(
  yaml: typeof import("yaml"),
  document: Document<ParsedNode>,
  map: YAMLMap,
  segment: string | number,
): { offset: number; node: Node | null } | undefined {
  const merge = map.items.find(({ key }) => yaml.isScalar(key) && String(key.value) === MERGE_KEY);
  const value = yaml.isAlias(merge?.value) ? merge.value.resolve(document) : merge?.value;
  for (const source of yaml.isSeq(value) ? value.items : [value]) {
    if (!yaml.isNode(source)) continue;
    const found = child(yaml, document, source, segment);
    if (found !== undefined) return found;
  }
}

/** Whether a fault is a line that is indented with a tab. */
export function isTabFault({ message }: Fault): boolean {
  return message.endsWith(TAB_MESSAGE);
}

/** Whether only white space with a tab is before this offset in its line. */
function isAfterTab(text: string, offset: number): boolean {
  const line = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
  return /^\s*$/.test(line) && line.includes("\t");
}

function duplicateKey(rest: string): string {
  const key = /^["']?([\w-]+)/.exec(rest)?.[1];
  return `duplicate key${key === undefined ? "" : ` '${key}'`}; keep only one of them`;
}
