/**
 * Finds mistyped placeholders in prompts. A prompt may hold other braces, as in JSON and LaTeX, so a
 * placeholder is only at fault if its name is similar to one whose value the prompt lacks.
 *
 * @module
 */
import type { FileFault, StrategyFile } from "../../reasoning/files/load.ts";
import { commonPrompts } from "../../reasoning/prompts.ts";
import type { Strategy, StrategyTable } from "../../reasoning/strategy.ts";
import type { Fault } from "../faults/fault.ts";
import { nearest } from "../faults/suggestion.ts";

type Prompts = Readonly<Record<string, string>>;

/** A call of a strategy's code with the name of a prompt, and the object of its values. */
const PROMPT_CALL = /\bprompt\(\s{0,99}["'`](\w{1,99})["'`]\s{0,99},\s{0,99}\{([^{}]{0,2000})\}/g;

/** A name in that object. */
const VALUE_NAME = /(?:^|,)\s{0,99}["']?(\w{1,99})["']?\s{0,99}(?=[:,]|$)/g;

/** A shorter name is one of a formula, as in `x^{n}`. */
const MIN_LENGTH = 3;

function placeholdersOf(prompts: Prompts, prompt: string): string[] {
  if (!Object.hasOwn(prompts, prompt)) return [];
  return Array.from(prompts[prompt]!.matchAll(/\{(\w+)\}/g), ([, name]) => name!);
}

/** @param names those whose values are filled in. */
function mistyped(used: readonly string[], names: readonly string[]) {
  const missing = names.filter((name) => !used.includes(name));
  const unknown = [...new Set(used)].filter((name) => !names.includes(name));
  return unknown.filter((name) => name.length >= MIN_LENGTH).flatMap((name) => {
    const meant = nearest(name, missing);
    if (meant === undefined) return [];
    return [{ name, message: `unknown placeholder '{${name}}'; did you mean '{${meant}}'?` }];
  });
}

/** Checks the prompts of models, in which the same names are filled in as in those that they replace. */
export function checkPlaceholders(
  models: Readonly<Record<string, { prompts: Readonly<Record<string, unknown>> }>>,
  table: StrategyTable,
): Fault[] {
  const builtIn = Object.values(table).flatMap((entry) =>
    "prompts" in entry ? [entry.prompts] : []
  );
  return Object.entries(models).flatMap(([id, { prompts }]) =>
    Object.entries(prompts).flatMap(([key, text]) => {
      if (typeof text !== "string") return [];
      // `vote.sample` replaces a prompt `sample`.
      const prompt = key.split(".").at(-1)!;
      const names = [commonPrompts, ...builtIn].flatMap((all) => placeholdersOf(all, prompt));
      return mistyped(placeholdersOf({ text }, "text"), names)
        .map(({ message }) => ({ path: ["models", id, "prompts", key], message }));
    })
  );
}

/** Checks the prompts of a strategy's file, as far as calls in its code list the values. */
export function checkFilePlaceholders({ prompts }: Strategy, { code }: StrategyFile): FileFault[] {
  const calls = Map.groupBy(code.matchAll(PROMPT_CALL), ([, prompt]) => prompt!);
  return [...calls].flatMap(([prompt, matches]) => {
    const names = matches.flatMap(([, , values]) =>
      Array.from(values!.matchAll(VALUE_NAME), ([, name]) => name!)
    );
    return mistyped(placeholdersOf(prompts, prompt), names).map(({ name, message }) => ({
      ...positionOf(code, `{${name}}`),
      message: `prompts.${prompt}: ${message}`,
    }));
  });
}

/** Returns nothing for a text that the code puts together. */
function positionOf(code: string, text: string): Pick<FileFault, "line" | "column"> {
  const before = code.split(text, 1)[0]!;
  if (before === code) return {};
  const lines = before.split("\n");
  return { line: lines.length, column: lines.at(-1)!.length + 1 };
}
