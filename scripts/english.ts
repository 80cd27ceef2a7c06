/**
 * Reports phrases that a reader has to decode, and undocumented parts of the public surface, which
 * it reads from standard input.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Files and folders whose text is checked. */
const TEXTS = ["README.md", "docs", "lib"];
const TEXT_REGEXP = /\.(?:ts|js|css|html|md)$/;

/** Phrases as regular expressions; a space also matches a line break in a comment. */
const PHRASES: Readonly<Record<string, string>> = {
  "(?:is|are|was|were|be|been|being) told": "receives, is called with, is reported",
  "told (?:of|by|that|why)": "receives, is called with",
  "tells (?:of|what|which|whether|how|why|it)": "says, reports, returns",
  "heeds?": "uses, respects",
  "anew": "again",
  "whoever": "name the person or thing: the caller, the client",
  "(?:comes?|came|coming) to": "the result, becomes",
  "(?<!there )(?:is|are) none(?! of)": "is not …, is missing, is invalid",
  "(?:is|are) no (?-i:[A-Z]\\w*)": "invalid …, is not …",
  "(?:gives?|gave|given) back": "returns",
  "(?:stands?|stood) in": "replaces, is in",
  "(?:goes?|went|gone) on": "continues",
  "of (?:its|their) own accord": "without being asked, automatically",
  "seen to": "handled by",
  "made good": "repaired, retried",
  "(?:breaks?|broke|broken) off": "is incomplete, fails",
  "leavers?": "disconnecting clients",
  "the books": "accounting",
  "the one (?:clock|source)": "leave it out, because the type says it",
  "in as far as": "as far as, if",
};

/** Lines like `lib/cli/main.ts:7: "is told": …`. */
export function decodedPhrases(path: string, text: string): string[] {
  return Object.entries(PHRASES).flatMap(([phrase, plain]) => {
    const words = phrase.replaceAll(" ", "(?: |\\s+(?:\\*|//)?\\s*)");
    return Array.from(text.matchAll(new RegExp(`\\b${words}\\b`, "gi")), ({ 0: found, index }) => {
      const line = text.slice(0, index).split("\n").length;
      return `${path}:${line}: "${found.replace(/[\s*/]+/g, " ")}": write "${plain}"`;
    });
  });
}

const GENERATED = ["bundle", "node_modules"];

function filesBelow(path: string): string[] {
  if (TEXT_REGEXP.test(path)) return [path];
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(`${ROOT}${path}`)];
  } catch {
    return [];
  }
  return entries
    .filter(({ name, isDirectory }) =>
      !GENERATED.includes(name) && (isDirectory || TEXT_REGEXP.test(name))
    )
    .flatMap(({ name }) => filesBelow(`${path}/${name}`));
}

interface Documented {
  name: string;
  location: { line: number };
  declarationKind?: string;
  jsDoc?: { doc?: string };
  tsType?: { kind: string };
  def?: { properties?: Documented[]; methods?: Documented[] };
}

/** Exports and functions need a comment; for a field, name and type may say everything. */
function undocumented(declaration: Documented, path: string): string[] {
  const { name, location, jsDoc, def } = declaration;
  const functions = def?.properties?.filter(({ tsType }) => tsType?.kind === "fnOrConstructor");
  return [
    ...jsDoc === undefined ? [`${path}:${location.line}: "${name}" has no doc comment`] : [],
    ...[...functions ?? [], ...def?.methods ?? []].flatMap((member) => undocumented(member, path)),
  ];
}

/** @param json output of `deno doc --json`. */
function undocumentedExports(json: string): string[] {
  const { nodes } = JSON.parse(json);
  return Object.entries<{ symbols: { name: string; declarations: Documented[] }[] }>(nodes)
    .flatMap(([url, { symbols }]) =>
      symbols.flatMap(({ name, declarations }) =>
        declarations
          .filter(({ declarationKind }) => declarationKind === "export")
          .flatMap((declaration) =>
            undocumented({ ...declaration, name }, fileURLToPath(url).slice(ROOT.length))
          )
      )
    );
}

if (import.meta.main) {
  const phrases = TEXTS.flatMap(filesBelow)
    .flatMap((path) => decodedPhrases(path, Deno.readTextFileSync(`${ROOT}${path}`)));
  const faults = [
    ...phrases,
    ...undocumentedExports(await new Response(Deno.stdin.readable).text()),
  ];
  for (const fault of faults) console.error(fault);
  console.error(`${phrases.length} phrases, ${faults.length - phrases.length} undocumented`);
  if (faults.length > 0) Deno.exit(1);
}
