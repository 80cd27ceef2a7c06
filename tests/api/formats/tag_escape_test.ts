import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Format, FORMATS, type Formatter } from "../../../lib/api/formats/format.ts";
import {
  createFormatter,
  isInContent,
  reasoningFields,
} from "../../../lib/api/formats/formatter.ts";
import { createTagGuard } from "../../../lib/api/formats/tag_guard.ts";
import type { ReasoningEvent } from "../../../lib/reasoning/events.ts";
import { anyCut, anyRun, eventsOf, type Run, whole } from "../runs.ts";

const CUSTOM: Format = {
  step: "<details><summary>{title}</summary>{content} {seconds}</details>",
  answer: "Answer: {content}",
  total: "{seconds}",
  lineBreak: "<br>",
};

function collect(formatter: Formatter, events: readonly ReasoningEvent[]) {
  const out = { reasoning: "", content: "" };
  for (const event of events) {
    for (const { to, text } of formatter(event)) out[to] += text;
  }
  return out;
}

const count = (text: string, part: string) => text.split(part).length - 1;

for (const stream of [true, false]) {
  for (
    const [format, tag, opened] of [
      ["think", "think", 1],
      ["details", "details", 1],
      ["details_steps", "details", 1],
    ] as const
  ) {
    Deno.test(`${format} breaks a ${tag} tag in the reasoning, wherever it is split, stream: ${stream}`, () => {
      for (const written of [tag, tag.toUpperCase()]) {
        const content = `a </${written}> b <i></${written}\n> c </`;
        for (let at = 0; at <= content.length; at++) {
          const run: Run = { steps: [{ title: "T", content }], answer: `x </${tag}> y` };
          const cut = (text: string) =>
            text === content
              ? [text.slice(0, at), text.slice(at)].filter((piece) => piece !== "")
              : whole(text);
          const formatter = createFormatter(format, { stream, statusLines: true });
          const { content: text } = collect(formatter, eventsOf(run, cut));
          const [block, answer] = text.split(`</${tag}>\n\n`) as [string, string];
          assertEquals(block.toLowerCase().split(`</${tag}`).length, 1, JSON.stringify(block));
          assertEquals(count(block, `<\u200b/${written}`), 2);
          assertEquals(count(block, `<${tag}`), opened);
          assert(answer.startsWith(`x </${tag}> y`), "the answer must stay unchanged");
        }
      }
    });
  }
}

Deno.test("reasoning can't open a details block that would swallow the answer", () => {
  for (const format of ["details", "details_steps"] as const) {
    const run: Run = {
      steps: [{ title: "T <details>", content: "a <details><summary>b</summary> c" }],
      answer: "4",
    };
    for (const stream of [true, false]) {
      const formatter = createFormatter(format, { stream, statusLines: true });
      const { content } = collect(formatter, eventsOf(run));
      assertEquals(count(content, "<details"), 1);
      assertEquals(count(content, "</details>"), 1);
    }
  }
});

for (const tail of ["<", "</", "</thi", "</detail"]) {
  Deno.test(`reasoning that consists only of '${tail}' stays inside its block`, () => {
    const run: Run = { steps: [{ content: tail }], answer: "4" };
    for (const stream of [true, false]) {
      const think = collect(
        createFormatter("think", { stream, statusLines: false }),
        eventsOf(run),
      );
      assertEquals(think.content, `<think>\n${tail}</think>\n\n4`);
      const details = collect(
        createFormatter("details", { stream, statusLines: false }),
        eventsOf(run),
      );
      assert(details.content.endsWith(`</summary>\n> ${tail}\n</details>\n\n4`));
    }
  });
}

Deno.test("a status line that ends with the beginning of a tag does not change the next step", () => {
  const run: Run = {
    steps: [{ title: "One", content: "a" }, { status: ["1 <"], title: "Two", content: "b" }],
    answer: "4",
  };
  const formatter = createFormatter("details_steps", { stream: true, statusLines: true });
  const { content } = collect(formatter, eventsOf(run));
  assert(content.includes("*1 <*"));
  assert(content.includes("<summary>Step 2: Two</summary>"));
});

Deno.test("an answer with NUL characters stays unchanged", () => {
  const run: Run = { steps: [], answer: "\u0000a\u0000" };
  const formatter = createFormatter("details", { stream: false, statusLines: false });
  assertEquals(collect(formatter, eventsOf(run)).content, "\u0000a\u0000");
});

Deno.test("no status line follows the start of the answer", () => {
  for (const format of [...FORMATS, CUSTOM]) {
    const formatter = createFormatter(format, { stream: true, statusLines: true });
    formatter({ type: "answer", text: "4" });
    assertEquals(formatter({ type: "status", text: "late" }), []);
  }
});

Deno.test("the block is closed before a refusal or a tool call is sent", () => {
  for (const format of ["think", "details"] as const) {
    for (const stream of [true, false]) {
      for (
        const run of [
          { steps: [{ content: "Hm." }], refusal: "No." },
          { steps: [{ content: "Hm." }], calls: [{ id: "c", name: "f", arguments: "{}" }] },
        ]
      ) {
        const formatter = createFormatter(format, { stream, statusLines: false });
        let text = "";
        for (const event of eventsOf(run)) {
          text += formatter(event).map((piece) => piece.text).join("");
          if (event.type === "refusal" || event.type === "tool_call") {
            assert(/<\/(think|details)>\n\n$/.test(text), format);
          }
        }
      }
    }
  }
});

Deno.test("every format writes the same text, however a run is split into events", () => {
  fc.assert(fc.property(
    anyRun(),
    anyCut(),
    fc.constantFrom(...FORMATS, CUSTOM),
    fc.boolean(),
    fc.boolean(),
    (run, cut, format, stream, statusLines) => {
      const whole = createFormatter(format, { stream, statusLines });
      const cutUp = createFormatter(format, { stream, statusLines });
      assertEquals(collect(cutUp, eventsOf(run, cut)), collect(whole, eventsOf(run)));
    },
  ));
});

Deno.test("no piece has both reasoning and content, and no reasoning follows content", () => {
  fc.assert(fc.property(
    anyRun(),
    anyCut(),
    fc.constantFrom(...FORMATS, CUSTOM),
    (run, cut, format) => {
      const formatter = createFormatter(format, { stream: true, statusLines: true });
      let answering = false;
      for (const event of eventsOf(run, cut)) {
        for (const { to, text } of formatter(event)) {
          assert(text !== "");
          assert(to === "content" || !answering, "reasoning follows content");
          assert(to === "content" || !isInContent(format));
          assert(to === "content" || reasoningFields(format).length > 0);
          answering ||= to === "content";
        }
      }
    },
  ));
});

Deno.test("reasoning fields have all of the reasoning and none of the answer", () => {
  fc.assert(fc.property(anyRun(), anyCut(), (run, cut) => {
    const formatter = createFormatter("both", { stream: true, statusLines: false });
    const { reasoning, content } = collect(formatter, eventsOf(run, cut));
    assertEquals(content, run.answer ?? "");
    let at = 0;
    for (const { title = "", late, content = "" } of run.steps) {
      for (const text of [late ? "" : title, content]) {
        const found = reasoning.indexOf(text, at);
        assert(found >= at, `${JSON.stringify(text)} is missing`);
        at = found + text.length;
      }
    }
  }));
});

Deno.test("a tag guard only adds characters", () => {
  fc.assert(fc.property(
    fc.array(fc.constantFrom("<", "/", "details", "</details", "</deta", "ils", "x", ">", "İ")),
    (pieces) => {
      const guard = createTagGuard("details");
      const out = pieces.map((piece) => guard.push(piece)).join("") + guard.end();
      assertEquals(out.replaceAll("\u200b", ""), pieces.join(""));
      assert(!out.toLowerCase().includes("</details"));
      assertEquals(guard.end(), "");
    },
  ));
});
