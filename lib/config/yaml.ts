/**
 * A YAML text's value, or what keeps it from having one.
 *
 * @module
 */
import { parse, YamlSyntaxError } from "@std/yaml";
import type { Fault } from "./faults/fault.ts";
import { openSource } from "./faults/yaml_position.ts";

/** Longest file that is read, in characters: far more than any, and little enough to parse. */
const MAX_LENGTH = 1_048_576;

/** What a text came to. */
export interface YamlReading {
  /** Its value; undefined where there is none. */
  value: unknown;
  /** What is wrong with it as YAML. */
  faults: Fault[];
}

/** Reads a text. Two equal keys are a fault, but its value is given all the same. */
export async function readYaml(text: string): Promise<YamlReading> {
  if (text.length > MAX_LENGTH) {
    const message = `is longer than ${MAX_LENGTH} characters; is it the right file?`;
    return { value: undefined, faults: [{ path: [], message }] };
  }
  try {
    return { value: parse(text, { schema: "core" }), faults: [] };
  } catch (error) {
    return {
      value: valueWithDuplicates(text),
      faults: await syntaxFaults(text, error),
    };
  }
}

function valueWithDuplicates(text: string): unknown {
  try {
    return parse(text, { schema: "core", allowDuplicateKeys: true });
  } catch {
    return undefined;
  }
}

async function syntaxFaults(text: string, error: unknown): Promise<Fault[]> {
  const faults = (await openSource(text)).faults();
  if (faults.length > 0) return faults;
  // The two parsers disagree; the first one's own message quotes the file, which may hold keys.
  const position = error instanceof YamlSyntaxError
    ? { line: error.line, column: error.column }
    : {};
  const message = "is not valid YAML: it can't be read here; look for an unknown tag or alias";
  return [{ path: [], ...position, message }];
}
