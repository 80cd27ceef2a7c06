import { assertEquals } from "@std/assert";
import { createTestApp, parseStream } from "../../support/app.ts";
import { startUpstream } from "../../support/upstream.ts";

/** Returns the structured progress of one request, without the texts. */
async function progressOf(yaml: string, contents: readonly string[]) {
  await using upstream = startUpstream(({ index }) => ({
    content: contents[Math.min(index, contents.length - 1)]!,
  }));
  const { chat } = await createTestApp({
    upstream: upstream.url,
    yaml: `upstreams: { u: { base_url: UPSTREAM } }\nmodels: { m: ${yaml} }`,
  });
  const response = await chat({ stream: true, reasoning: { events: true } });
  const { chunks, reasoning } = parseStream(await response.text());
  return { progress: chunks.filter(({ o1 }) => o1).map(({ o1 }) => o1), reasoning };
}

Deno.test("progress reports each candidate with its answer; the text does not", async () => {
  const { progress, reasoning } = await progressOf(
    "{ strategy: vote, upstream: u, model: x, options: { wave: 2, max_samples: 4 } }",
    ["Two and two make four.\n\nFINAL ANSWER: 4"],
  );
  const candidates = progress.filter(({ type }) => type === "candidate");
  assertEquals(candidates.map(({ index }) => index).sort(), [0, 1]);
  for (const { answer, text } of candidates) {
    assertEquals([answer, text], ["4", "Two and two make four.\n\nFINAL ANSWER: 4"]);
  }
  assertEquals(progress.at(-2), {
    type: "tally",
    counts: [{ answer: "4", votes: 2 }],
    total: 2,
    text: "2 of 2 agree on 4",
  });
  assertEquals(reasoning.match(/Two and two/g)?.length, 1);
});

Deno.test("progress reports status lines without a structured form", async () => {
  const { progress } = await progressOf(
    "{ strategy: moa, upstream: u, model: x, options: { proposers: 2, layers: 1 } }",
    ["A.", "B.", "C."],
  );
  assertEquals(progress.map(({ type }) => type).sort(), [
    "candidate",
    "candidate",
    "status",
    "step_end",
    "step_start",
    "usage",
  ]);
  assertEquals(progress.find(({ type }) => type === "status"), {
    type: "status",
    text: "2 of 2 answers are in.",
  });
  assertEquals(progress.find(({ type }) => type === "candidate").answer, null);
  assertEquals(progress.find(({ type }) => type === "step_start").titled, false);
});

Deno.test("progress reports the title of a step only if its text begins with it", async () => {
  const { progress } = await progressOf(
    "{ strategy: steps, upstream: u, model: x, options: { min_steps: 1 } }",
    ['{"title":"Add","content":"2 + 2 = 4","next_action":"final_answer"}', "It is 4."],
  );
  assertEquals(
    progress.filter(({ type }) => type.startsWith("step"))
      .map(({ type, index, titled, title }) => ({ type, index, titled, title })),
    [
      { type: "step_start", index: 1, titled: true, title: undefined },
      { type: "step_end", index: 1, titled: undefined, title: "Add" },
    ],
  );
});
