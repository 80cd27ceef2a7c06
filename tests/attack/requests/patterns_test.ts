/**
 * No regular expression of lib/ that reads a client's, a model's or an upstream's text takes more
 * than linear time, unless the text is short.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { optionPatterns } from "../../../lib/reasoning/answers/patterns.ts";
import { MAX_ERROR_LENGTH } from "../../../lib/upstream/errors/error_response.ts";
import { adversarialTexts } from "./adversarial_texts.ts";
import { cpuMs } from "../../support/measure/stall.ts";

const LIB = fileURLToPath(new URL("../../../lib/", import.meta.url));

/** Length of the texts, in characters: a quadratic expression takes seconds for one of them. */
const LENGTH = 30_000;

/** Number of texts for each expression. */
const TEXTS = 300;

/** Longest time for one text, in milliseconds of CPU. A linear expression takes less than 5. */
const MAX_MS = 100;

/** Longest texts of the files whose expressions may take quadratic time. */
const MAX_LENGTHS: Readonly<Record<string, number>> = {
  "upstream/capabilities/rejection_lessons.ts": 2 * MAX_ERROR_LENGTH + 1,
  "upstream/errors/error_response.ts": MAX_ERROR_LENGTH,
  // MAX_LENGTH
  "reasoning/answers/value.ts": 1_000,
  // MAX_PATTERN_LENGTH
  "reasoning/json/safe_pattern.ts": 200,
  // A number that the server has formatted.
  "upstream/demo/solver.ts": 4_000,
  "playground/page/chat/figures.ts": 20,
  // The operator's own text.
  "config/environment.ts": 2_000,
  "config/base_url.ts": 2_000,
  "store/open.ts": 2_000,
  "cli/ask/ask.ts": 2_000,
  "cli/usage/usage.ts": 2_000,
  "tools/web_search/search.ts": 2_000,
};

/** Expressions that are made at run time, by file; empty for those of the operator and of tests. */
const MADE: Readonly<Record<string, readonly RegExp[]>> = {
  "api/formats/tag_guard.ts": [/<(?=\/?details)/gi],
  "cli/help.ts": [],
  // Only compiled, to see whether it is valid.
  "config/schema/config.ts": [],
  // `routing.direct_when`, on the first 2,000 characters of a question.
  "config/published_models.ts": [],
  "reasoning/answers/judge.ts": [/\bcandidate_1\b/i],
  "reasoning/answers/patterns.ts": Object.values(optionPatterns("ABCD")),
  "reasoning/answers/value.ts": numberPatterns(),
  "reasoning/conversation.ts": [/<\/details>\s*/gi],
  // A client's pattern: see the tests of `safePattern`.
  "reasoning/json/safe_pattern.ts": [],
  // Of paths with names of one segment, between others and at the end, and of the rest of a path.
  "server/router.ts": [
    /^\/responses\/(?<id>[^/]+)\/cancel$/s,
    /^\/conversations\/(?<id>[^/]+)\/items\/(?<item>[^/]+)$/s,
    /^\/models\/(?<name>.+)$/s,
  ],
  // Only asks whether a value is an expression.
  "tools/code/console.ts": [],
};

function numberPatterns(): RegExp[] {
  const number = String.raw`[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?`;
  return [
    new RegExp(`^${number}$`, "i"),
    new RegExp(`^(${number})/(${number})$`, "i"),
    new RegExp(`^(${number})\\*10\\^(-?\\d+)$`, "i"),
  ];
}

/** Reports regular expressions as JSON, and the use of the constructor as its name. */
const FINDER: Deno.lint.Plugin = {
  name: "attack",
  rules: {
    expressions: {
      create(context) {
        return {
          Literal(node) {
            if ("regex" in node && node.regex !== undefined) {
              context.report({ node, message: JSON.stringify(node.regex) });
            }
          },
          Identifier(node) {
            if (node.name !== "RegExp" || node.parent.type === "TSTypeReference") return;
            context.report({ node, message: "RegExp" });
          },
        };
      },
    },
  },
};

function* filesBelow(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (name === "bundle" || name === "node_modules") continue;
    if (isDirectory) yield* filesBelow(`${folder}${name}/`);
    else if (/\.[tj]s$/.test(name) && !name.endsWith(".d.ts")) yield `${folder}${name}`;
  }
}

interface Expression {
  /** Relative to lib/. */
  file: string;
  expression: RegExp;
}

/** Returns the literal expressions of lib/ and those of {@linkcode MADE}. */
function allExpressions(): { expressions: Expression[]; makers: Set<string> } {
  const makers = new Set<string>();
  const expressions = [...filesBelow(LIB)].flatMap((path) => {
    const file = relative(LIB, path);
    return Deno.lint.runPlugin(FINDER, path, Deno.readTextFileSync(path)).flatMap(({ message }) => {
      if (message === "RegExp") {
        makers.add(file);
        return [];
      }
      const { pattern, flags } = JSON.parse(message);
      return [{ file, expression: new RegExp(pattern, flags) }];
    });
  });
  for (const [file, made] of Object.entries(MADE)) {
    expressions.push(...made.map((expression) => ({ file, expression })));
  }
  return { expressions, makers };
}

/** Returns the text for which an expression takes too long, if there is one. */
function slowText({ file, expression }: Expression): string | undefined {
  const { source, flags } = expression;
  const length = MAX_LENGTHS[file] ?? LENGTH;
  const search = new RegExp(source, flags.replace(/[gy]/g, "") + "g");
  const isSlow = (text: string, clock: () => number) => {
    const start = clock();
    text.replace(search, "");
    return clock() - start > MAX_MS;
  };
  // The clock on the wall is never behind, and reading it takes far less time.
  const wallMs = () => performance.now();
  for (const text of adversarialTexts(source, TEXTS, length)) {
    // The CPU time twice, since a garbage collection may fall into one.
    if (isSlow(text, wallMs) && isSlow(text, cpuMs) && isSlow(text, cpuMs)) return text;
  }
}

Deno.test("no regular expression takes more than linear time", () => {
  const { expressions, makers } = allExpressions();
  assertEquals([...makers].sort(), Object.keys(MADE).sort());
  const slow = expressions.flatMap((found) => {
    const text = slowText(found);
    if (text === undefined) return [];
    return [`${found.file} ${found.expression}: ${JSON.stringify(text.slice(0, 60))}…`];
  });
  assertEquals(slow, []);
});

/** Slow expressions, with a length that takes each of them 20 ms or more, but not for ever. */
const SLOW: readonly [source: string, length: number][] = [
  [String.raw`\/+$`, 10_000],
  ["^(?:a|a)*$", 24],
  [String.raw`\s*x`, 10_000],
  [String.raw`^[a-z]\s*=\s*([^=]+)$`, 10_000],
  [String.raw`\b[a-z][a-z0-9+.-]*:\/\/\S+`, 10_000],
  [String.raw`(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{24,}`, 10_000],
  ["```(?:json)?\\s*([^]*?)\\s*```", 1_000],
];

for (const [source, length] of SLOW) {
  Deno.test(`a slow expression is found: ${source}`, () => {
    const found = [...adversarialTexts(source, TEXTS, length)].some((text) => {
      const start = cpuMs();
      text.replace(new RegExp(source, "g"), "");
      return cpuMs() - start >= 20;
    });
    assertEquals(found, true);
  });
}
