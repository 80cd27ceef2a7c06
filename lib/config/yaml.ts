import { parse, YamlSyntaxError } from "@std/yaml";
import type { Fault } from "./faults/fault.ts";
import { isTabFault, openSource } from "./faults/yaml_position.ts";

/** In characters; no sensible configuration is longer. */
const MAX_LENGTH = 1_048_576;

/** A line that begins with a tab, which this parser accepts although it changes the structure. */
const TAB_REGEXP = /^[ -]*\t[ \t-]*[^\s#]/m;

/** Parses a text. With duplicate keys there are faults, but still a value. */
export async function readYaml(text: string): Promise<{ value: unknown; faults: Fault[] }> {
  if (text.length > MAX_LENGTH) {
    const message = `is longer than ${MAX_LENGTH} characters; is it the right file?`;
    return { value: undefined, faults: [{ path: [], message }] };
  }
  try {
    const value = parse(text, { schema: "core" });
    const faults = TAB_REGEXP.test(text)
      ? (await openSource(text)).faults().filter(isTabFault)
      : [];
    return { value: faults.length === 0 ? value : undefined, faults };
  } catch (error) {
    return { value: parseWithDuplicates(text), faults: await syntaxFaults(text, error) };
  }
}

function parseWithDuplicates(text: string): unknown {
  try {
    return parse(text, { schema: "core", allowDuplicateKeys: true });
  } catch {
    return undefined;
  }
}

async function syntaxFaults(text: string, error: unknown): Promise<Fault[]> {
  const faults = (await openSource(text)).faults();
  if (faults.length > 0) return faults;
  // Only @std/yaml rejects the text. Its message quotes the file, which may contain keys.
  const position = error instanceof YamlSyntaxError
    ? { line: error.line, column: error.column }
    : {};
  const message = "is not valid YAML: it can't be read here; look for an unknown tag or alias";
  return [{ path: [], ...position, message }];
}
