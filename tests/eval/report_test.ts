import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { renderReport } from "../../lib/eval/report/report.ts";
import type { Result } from "../../lib/eval/results.ts";
import { summarize, type Summary } from "../../lib/eval/report/summary.ts";
import { renderTable, tableCells } from "../../lib/eval/report/table.ts";

function resultsOf(model: string, right: boolean[], latency: number, cost?: number): Result[] {
  return right.map((correct, i) => ({
    id: `p${i}`,
    digest: "d",
    model,
    trial: 1,
    target: "configured",
    scoring: "extract",
    gold: "1",
    correct,
    content: "1",
    measured: {
      calls: 1,
      prompt_tokens: 1234,
      completion_tokens: 500,
      reasoning_tokens: 400,
      latency_ms: latency,
      ...(cost === undefined ? {} : { cost }),
    },
  }));
}

function summaries(models: Record<string, [boolean[], number, number?]>): Summary[] {
  const results = Object.entries(models).flatMap(([model, [right, latency, cost]]) =>
    resultsOf(model, right, latency, cost)
  );
  const names = Object.keys(models);
  return summarize(results, { models: names, baseline: names[0]!, seed: 1 });
}

const ten = (right: number) => Array.from({ length: 10 }, (_, i) => i < right);

Deno.test("the table is aligned and explains its figures", () => {
  const both = summaries({ direct: [ten(4), 900, 0.0001], "o1-vote": [ten(8), 12_345, 0.002] });
  const text = renderTable(both, "direct");
  const lines = text.split("\n");
  assertStringIncludes(lines[2]!, "4/10");
  assertStringIncludes(lines[3]!, "[49.0, 94.3]");
  assertStringIncludes(lines[3]!, "+40.0 [+10.0, +70.0]           4, 0");
  assertStringIncludes(lines[3]!, "12.3 s");
  assertStringIncludes(lines[3]!, "0.002");
  assertStringIncludes(text, "total cost: 0.021 USD");
  for (const right of ["correct", "accuracy", "p50"]) {
    const end = lines[0]!.indexOf(right) + right.length;
    assert(/\S$/.test(lines[2]!.slice(0, end)) && /\S$/.test(lines[3]!.slice(0, end)), right);
  }
  assert(!tableCells(summaries({ direct: [ten(4), 900] }))[0]!.includes("USD"));
});

Deno.test("a table wider than the terminal is split into blocks, each with the models", () => {
  const both = summaries({ direct: [ten(4), 900, 0.0001], "o1-vote": [ten(8), 12_345, 0.002] });
  const wide = renderTable(both, "direct").split("\n\n");
  assertEquals(wide.length, 2);
  const narrow = renderTable(both, "direct", 80).split("\n\n");
  assertEquals([narrow.length > 2, narrow.at(-1)], [true, wide[1]]);
  const blocks = narrow.slice(0, -1).map((block) => block.split("\n"));
  for (const [head, , direct, vote] of blocks) {
    assert(head!.length <= 80 && vote!.length <= 80);
    assert(head!.startsWith("model") && direct!.startsWith("direct "), direct);
    assert(vote!.startsWith("o1-vote "), vote);
  }
  const heads = blocks.flatMap(([head]) => head!.split(/  +/).slice(1));
  assertEquals(heads, wide[0]!.split("\n")[0]!.split(/  +/).slice(1));
  // No terminal is too narrow for one column beside the model.
  assert(renderTable(both, "direct", 1).includes("first reasoning"));
});

Deno.test("errors are listed by code, with the first message", () => {
  const failed = resultsOf("direct", ten(0), 900).slice(0, 2).map((result, i) => {
    const { correct: _, ...rest } = result;
    return { ...rest, error: { code: "model_not_found", message: `no such\u001b[2J model ${i}` } };
  });
  const [summary] = summarize(failed, { models: ["direct"], baseline: "direct", seed: 1 });
  assertStringIncludes(
    renderTable([summary!], "direct"),
    "errors of direct: model_not_found 2 (no such[2J model 0)",
  );
});

Deno.test("a model without results has a row", () => {
  const [, none] = summaries({ direct: [ten(4), 900], late: [[], 0] });
  assertEquals([none!.asked, none!.accuracy, none!.difference], [0, undefined, undefined]);
  assertStringIncludes(renderTable([none!], "direct"), "0/0");
});

Deno.test("the report loads nothing, and hostile text stays text", () => {
  const hostile = `<script src="https://evil.example/x.js">alert(1)</script>"'&\u0000`;
  const all = summaries({ direct: [ten(4), 900], [hostile]: [ten(8), 12_345] });
  all[1]!.error_codes = { '"><img src=x onerror=alert(1)>': 1 };
  all[1]!.errors = 1;
  const page = renderReport({
    summaries: all,
    baseline: "direct",
    problems: [{ id: hostile, question: hostile, answers: [hostile], digest: "d" }],
    results: all.map(({ model }) => ({
      ...resultsOf(model, [false], 1)[0]!,
      id: hostile,
      answer: hostile,
      content: `${hostile}\n${hostile}`,
    })),
    next: [hostile],
    settings: { models: hostile, "<b>": "</dd></dl>" },
    date: Date.UTC(2026, 0, 1),
    isComplete: false,
  });
  const tags = [...page.matchAll(/<\/?([a-z][a-z0-9]*)([^>]*)>/gi)];
  const allowed =
    "html head meta title style body main h1 h2 p div table thead tbody tr th td ul " +
    "br details summary pre li figure figcaption svg desc g line text path circle dl dt dd";
  const names = new Set(tags.map(([, name]) => name));
  assertEquals([...names].filter((name) => !allowed.split(" ").includes(name!)), []);
  for (const [tag, , attributes] of tags) {
    assert(!/\s(?:src|href|on\w+|style|srcset|action)=/i.test(attributes!), tag);
  }
  assert(!/url\(|@import|xlink|<!ENTITY/i.test(page));
  assertStringIncludes(page, "&lt;script src=&quot;https://evil.example");
  assert(!page.includes("\u0000"));
  assertStringIncludes(page, "The run was stopped before its end.");
  assertStringIncludes(page, "prefers-color-scheme: dark");
  const plots = page.match(/<svg [^>]*role="img" aria-labelledby="(\S+) (\S+)"/g) ?? [];
  assertEquals(plots.length, 2);
  for (const id of ["cost-title", "cost-desc", "latency-title", "latency-desc"]) {
    assertStringIncludes(page, ` id="${id}"`);
  }
  const open = tags.filter(([tag]) => !tag.startsWith("</") && !tag.endsWith("/>"));
  const close = tags.filter(([tag]) => tag.startsWith("</"));
  // Three meta elements stay open.
  assertEquals(open.length - 3, close.length);
});

Deno.test("plots accept any numbers: none, far apart, or zero", () => {
  const cases: Record<string, [boolean[], number, number?]>[] = [
    {},
    { direct: [[], 0] },
    { free: [ten(10), 0, 0], dear: [ten(0), 1e7, 12] },
    { one: [ten(5), 10, 0.00001], two: [ten(5), 10, 0.00001], three: [ten(5), 1e6, 3] },
  ];
  for (const models of cases) {
    const page = renderReport({
      summaries: summaries(models),
      baseline: "",
      problems: [],
      results: [],
      next: [],
      settings: {},
      date: 0,
      isComplete: true,
    });
    assert(!/NaN|Infinity|undefined/.test(page), JSON.stringify(models));
  }
});

Deno.test("the page lists every question with the answers of each model", () => {
  const problem = { id: "p0", question: "What is 1 + 1?", answers: ["2", "B"], digest: "d" };
  const own = { ...resultsOf("a", [true], 1)[0]!, answer: "2", content: "2" };
  const results: Result[] = [
    { ...own, trial: 2, correct: false, answer: "3", content: "3" },
    own,
    { ...own, model: "b", correct: undefined, error: { code: "timeout", message: "m" } },
    { ...own, model: "c", correct: false, answer: undefined, content: "I don't know" },
    { ...own, model: "c", trial: 2, content: "<b>\nFINAL: 2", finish: "length" },
  ];
  const page = renderReport({
    summaries: summarize(results, { models: ["a", "b", "c"], baseline: "a", seed: 1 }),
    baseline: "a",
    problems: [problem],
    results,
    next: ["Ask more questions."],
    settings: {},
    date: 0,
    isComplete: true,
  });
  const [, row] = /<tr>(<th scope="row">What[^]*?)<\/tr>/.exec(page)!;
  assertEquals(row!.replace(/<br>/g, " ").split(/<[^>]+>+/).filter(Boolean), [
    "What is 1 + 1?",
    "2 or B",
    "✓ 2 ✗ 3",
    "error: timeout",
    "✗ I don&#39;t know ",
    "✓ 2 (cut)",
    "&lt;b&gt;\nFINAL: 2",
  ]);
  assertStringIncludes(page, "<li>Ask more questions.</li>");
});
