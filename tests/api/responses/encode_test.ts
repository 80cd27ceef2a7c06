import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { ApiError } from "../../../lib/api/errors.ts";
import { readResponsesBody } from "../../../lib/api/responses/body.ts";
import { type ResponseObject, responseObject } from "../../../lib/api/responses/object.ts";
import {
  createResponseWriter,
  type ResponseWriterOptions,
} from "../../../lib/api/responses/encode.ts";
import { eventsOfUse, type ShownTools } from "../../../lib/api/responses/tool_uses.ts";
import type { ClientTools } from "../../../lib/api/responses/tools.ts";
import type { ReasoningEvent } from "../../../lib/reasoning/events.ts";
import { anyCut, anyRun, eventsOf, type Run, USAGE } from "../runs.ts";
import { createResponseStreamChecker } from "../../spec/response_stream_checker.ts";
import { validate } from "../../spec/validate.ts";

const HEAD = responseObject(readResponsesBody({ input: "Hi" }), {
  createdAt: 1_700_000_000,
  model: "o1",
  effort: "medium",
});
const HOW = {
  summaries: true,
  statusLines: true,
  sealSummary: (summary: string) => Promise.resolve(`sealed ${summary.length}`),
  date: () => 1_700_000_005_000,
};

// deno-lint-ignore no-explicit-any -- the checker validates it
type Json = any;

/** Returns the text of each write of a stream. */
async function write(
  events: readonly ReasoningEvent[],
  options: Partial<ResponseWriterOptions> = {},
): Promise<string[]> {
  const writer = createResponseWriter({ head: HEAD, ...HOW, ...options });
  const writes = [writer.start()];
  for (const event of events) writes.push(await writer.push(event));
  return writes;
}

/** Parses a stream's events after the checker has accepted each write. */
function read(writes: readonly string[], startingAfter = -1): Json[] {
  const checker = createResponseStreamChecker(startingAfter);
  writes.forEach(checker.push);
  checker.end();
  return writes.join("").split("\n\n").filter((frame) => frame !== "")
    .map((frame) => JSON.parse(frame.slice(frame.indexOf("\ndata: ") + 7)));
}

async function collect(
  events: readonly ReasoningEvent[],
  options: Partial<ResponseWriterOptions> = {},
): Promise<ResponseObject> {
  const writer = createResponseWriter({ head: HEAD, ...HOW, ...options });
  for (const event of events) await writer.push(event);
  return writer.whole();
}

const seal = (text: string) => Promise.resolve(`sealed ${text.length}`);

const anyOptions = () =>
  fc.record({
    summaries: fc.boolean(),
    statusLines: fc.boolean(),
    seal: fc.constantFrom(undefined, seal),
  });

Deno.test("any run becomes a valid stream whose deltas and last object contain the whole answer", async () => {
  await fc.assert(
    fc.asyncProperty(anyRun(), anyCut(), anyOptions(), async (run, cut, options) => {
      const events = eventsOf(run, cut);
      const stream = read(await write(events, options));
      const { response } = stream.at(-1);
      assertEquals<unknown>(response, JSON.parse(JSON.stringify(await collect(events, options))));
      const text = (type: string) =>
        stream.filter((event) => event.type === type).map(({ delta }) => delta).join("");
      const parts = response.output.flatMap(({ content }: Json) => content ?? []);
      const joined = (field: string) => parts.map((part: Json) => part[field] ?? "").join("");
      assertEquals(text("response.output_text.delta"), joined("text"));
      assertEquals(joined("text"), run.answer ?? "");
      assertEquals(text("response.refusal.delta"), run.refusal ?? "");
      const calls = response.output.filter(({ type }: Json) => type === "function_call");
      assertEquals(
        calls.map(({ call_id, name, arguments: json }: Json) => ({
          id: call_id,
          name,
          arguments: json,
        })),
        [...run.calls ?? []] as Json[],
      );
      const [reasoning] = response.output;
      if (run.steps.length > 0) {
        assertEquals(reasoning.type, "reasoning");
        assertEquals("encrypted_content" in reasoning, options.seal !== undefined);
        if (!options.summaries) assertEquals(reasoning.summary, []);
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("a stream that is resumed after any event contains exactly the events that followed it", async () => {
  await fc.assert(
    fc.asyncProperty(anyRun(), anyCut(), anyOptions(), fc.nat(), async (run, cut, options, n) => {
      const events = eventsOf(run, cut);
      const whole = (await write(events, options)).join("");
      const frames = whole.split("\n\n").slice(0, -1).map((frame) => `${frame}\n\n`);
      const startingAfter = n % (frames.length + 1);
      const tail = await write(events, { ...options, startingAfter });
      assertEquals(tail.join(""), frames.slice(startingAfter + 1).join(""));
      read(tail, startingAfter);
    }),
    { numRuns: 200 },
  );
});

Deno.test("a run that fails at any event becomes a valid stream", async () => {
  await fc.assert(
    fc.asyncProperty(anyRun(), anyCut(), anyOptions(), fc.nat(), async (run, cut, options, n) => {
      const events = eventsOf(run, cut).slice(0, -1);
      const writer = createResponseWriter({ head: HEAD, ...HOW, ...options });
      const writes = [writer.start()];
      for (const event of events.slice(0, n % (events.length + 1))) {
        writes.push(await writer.push(event));
      }
      writes.push(await writer.fail(new ApiError(502, "The upstream broke.", { code: "c" }), true));
      const stream = read(writes);
      const [error, { response }] = stream.slice(-2);
      assertEquals([error.code, error.error.code, error.message], [
        "c",
        "c",
        "The upstream broke.",
      ]);
      assertEquals(error.error.type, "invalid_request_error");
      assertEquals(response.error, { code: "server_error", message: "The upstream broke." });
      assertEquals<unknown>(response, JSON.parse(JSON.stringify(writer.whole())));
    }),
    { numRuns: 200 },
  );
});

Deno.test("a call that a failure cuts off is incomplete", async () => {
  const writer = createResponseWriter({ head: HEAD, ...HOW });
  const call: ReasoningEvent = {
    type: "tool_call",
    index: 0,
    id: "c0",
    name: "f",
    arguments: '{"a',
  };
  const writes = [writer.start(), await writer.push(call)];
  writes.push(await writer.fail(new ApiError(502, "The upstream broke."), true));
  const { response: { status, output } } = read(writes).at(-1);
  assertEquals([status, output.length, output[0].status], ["failed", 1, "incomplete"]);
  assertEquals(output[0].arguments, '{"a');
});

Deno.test("a status line after the answer does not start a reasoning item", async () => {
  const { output } = await collect([
    { type: "answer", text: "4" },
    { type: "status", text: "Almost done." },
    { type: "answer", text: "2" },
    { type: "finish", reason: "stop" },
  ]);
  assertEquals(output.map(({ type }) => type), ["message"]);
});

const RUN: Run = { steps: [{ title: "T", content: "c" }], answer: "4" };

Deno.test("thinking and an answer are sent in the order of OpenAI's API", async () => {
  const types = read(await write(eventsOf(RUN))).map(({ type }) => type.replace("response.", ""));
  assertEquals(types, [
    "created",
    "in_progress",
    "output_item.added",
    "reasoning_summary_part.added",
    "reasoning_summary_text.delta",
    "reasoning_summary_text.delta",
    "reasoning_summary_text.done",
    "reasoning_summary_part.done",
    "output_item.done",
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
    "completed",
  ]);
});

Deno.test("each step is a part of the summary, with its title and as a separate paragraph", async () => {
  const run: Run = {
    steps: [{ title: "One", content: "a" }, { content: "b", status: ["wait"] }, { title: "Two" }],
    status: ["nearly"],
    answer: "4",
  };
  const summary = async (statusLines: boolean) =>
    ((await collect(eventsOf(run), { statusLines })).output[0]!.summary as Json[])
      .map(({ text }) => text);
  assertEquals(await summary(false), ["**One**\n\na", "\n\nb", "\n\n**Two**"]);
  assertEquals(await summary(true), [
    "**One**\n\na",
    "\n\nwait",
    "\n\nb",
    "\n\n**Two**",
    "\n\nnearly",
  ]);
});

Deno.test("a response that was cut off is incomplete and has the reason", async () => {
  for (
    const [finish, reason] of [["length", "max_output_tokens"], [
      "content_filter",
      "content_filter",
    ]] as const
  ) {
    const response = await collect(eventsOf({ ...RUN, finish }));
    validate("Response", response);
    assertEquals([response.status, response.incomplete_details], ["incomplete", { reason }]);
    assertEquals(response.output.map(({ status }) => status), [undefined, "incomplete"]);
    assertEquals(response.completed_at, null);
  }
});

Deno.test("a response is stored once, before its last event", async () => {
  const kept: ResponseObject[] = [];
  const writer = createResponseWriter({
    head: HEAD,
    ...HOW,
    save: (response) => Promise.resolve(kept.push(response) > 0),
  });
  for (const event of eventsOf(RUN)) {
    assertEquals(kept.length, 0);
    await writer.push(event);
  }
  assertEquals(kept, [writer.whole()]);
  assertEquals([kept[0]!.status, kept[0]!.completed_at], ["completed", 1_700_000_005]);
});

Deno.test("a response that can't be stored fails, and no earlier event is missing", async () => {
  for (
    const run of [RUN, { ...RUN, answer: "", calls: [{ id: "c", name: "f", arguments: "{}" }] }]
  ) {
    for (const options of [{}, { seal }]) {
      const events = eventsOf(run);
      const save = () => Promise.reject(new Error("full"));
      const writer = createResponseWriter({ head: HEAD, ...HOW, ...options, save });
      const writes = [writer.start()];
      for (const event of events.slice(0, -1)) writes.push(await writer.push(event));
      await assertRejects(async () => await writer.push(events.at(-1)!), Error, "full");
      writes.push(await writer.fail(new ApiError(500, "Sorry"), true));
      const { response } = read(writes).at(-1);
      assertEquals([response.status, response.completed_at], ["failed", null]);
      assertEquals(response.output.at(-1).status, "completed");
    }
  }
});

Deno.test("usage has the field names of Responses and the sums over all upstream calls", async () => {
  const { usage } = await collect(eventsOf(RUN));
  assertEquals<Json>(usage, {
    input_tokens: 11,
    input_tokens_details: { cached_tokens: 3, cache_write_tokens: 0 },
    output_tokens: 40,
    output_tokens_details: { reasoning_tokens: 25 },
    total_tokens: 51,
    upstream: USAGE.upstream,
  });
});

Deno.test("a call without an id gets the same id each time", async () => {
  const events: ReasoningEvent[] = [
    { type: "tool_call", index: 0, name: "f", arguments: "{}" },
    { type: "finish", reason: "tool_calls" },
  ];
  const [first, again] = [await collect(events), await collect(events)];
  assert(String(first.output[0]!.call_id).startsWith("call_"));
  assertEquals(first.output, again.output);
});

const CLIENT_TOOLS: ClientTools = {
  patch: { type: "custom", name: "patch" },
  functions__exec: { type: "custom", name: "exec", namespace: "functions" },
  math__add: { type: "function", name: "add", namespace: "math" },
  tool_search: { type: "tool_search", name: "tool_search" },
};

/** A call in pieces of three characters. */
const callOf = (name: string, json: string, index = 0): ReasoningEvent[] => [
  { type: "tool_call", index, id: `call_${index}`, name, arguments: "" },
  ...json.match(/.{1,3}/gs)!.map((piece): ReasoningEvent => ({
    type: "tool_call",
    index,
    arguments: piece,
  })),
];
const CALLED: ReasoningEvent[] = [{ type: "usage", usage: USAGE }, {
  type: "finish",
  reason: "tool_calls",
}];

const CALLS: [name: string, call: [name: string, json: string], item: object, deltas: number][] = [
  [
    "a function",
    ["add", '{"a":1}'],
    { type: "function_call", name: "add", arguments: '{"a":1}' },
    3,
  ],
  [
    "a function of a namespace",
    ["math__add", '{"a":1}'],
    { type: "function_call", name: "add", namespace: "math", arguments: '{"a":1}' },
    3,
  ],
  [
    "a custom tool",
    ["patch", '{"input":"*** a\\n"}'],
    { type: "custom_tool_call", name: "patch", input: "*** a\n" },
    3,
  ],
  [
    "a custom tool of a namespace",
    ["functions__exec", '{"input":"x"}'],
    { type: "custom_tool_call", name: "exec", namespace: "functions", input: "x" },
    1,
  ],
  [
    "a custom tool whose arguments are the text itself",
    ["patch", "*** a"],
    { type: "custom_tool_call", name: "patch", input: "*** a" },
    1,
  ],
  [
    "a search for tools",
    ["tool_search", '{"query":"sum"}'],
    { type: "tool_search_call", execution: "client", arguments: { query: "sum" } },
    0,
  ],
  [
    "a search for tools with broken arguments",
    ["tool_search", '{"query":'],
    { type: "tool_search_call", execution: "client", arguments: {} },
    0,
  ],
];

for (const [name, call, item, deltas] of CALLS) {
  Deno.test(`writes a call of ${name} in the form that its client expects`, async () => {
    const events = [...callOf(...call), ...CALLED];
    const options = { clientTools: CLIENT_TOOLS };
    const stream = read(await write(events, options));
    const [written] = stream.at(-1).response.output;
    const { id: _id, ...fields } = written;
    assertEquals(fields, { call_id: "call_0", status: "completed", ...item });
    assertEquals((await collect(events, options)).output, [written]);
    assertEquals(stream.filter(({ type }) => type.endsWith(".delta")).length, deltas);
  });
}

Deno.test("writes parallel calls of several kinds", async () => {
  const events = [
    { type: "answer", text: "I look." } as const,
    ...callOf("tool_search", "{}", 0),
    ...callOf("patch", '{"input":"a"}', 1),
    ...callOf("add", "{}", 2),
    ...CALLED,
  ];
  const { output } = read(await write(events, { clientTools: CLIENT_TOOLS })).at(-1).response;
  const types = output.map(({ type }: Json) => type);
  assertEquals(types, ["message", "tool_search_call", "custom_tool_call", "function_call"]);
});

const FAILURES: [status: number, code: string, written: string][] = [
  [400, "context_length_exceeded", "context_length_exceeded"],
  [402, "insufficient_quota", "insufficient_quota"],
  [429, "rate_limit_exceeded", "rate_limit_exceeded"],
  [424, "upstream_auth_error", "invalid_prompt"],
  [502, "upstream_error", "server_error"],
];

for (const [status, code, written] of FAILURES) {
  Deno.test(`a response that fails with ${code} has the code ${written}`, async () => {
    const writer = createResponseWriter({ head: HEAD, ...HOW });
    const frames = [writer.start(), await writer.fail(new ApiError(status, "m", { code }), false)];
    const [error, failed] = read(frames).slice(-2);
    assertEquals([error.code, failed.response.error.code], [code, written]);
  });
}

Deno.test("a tool use that nobody waits for any more is incomplete, even when it is streamed again", async () => {
  const shownTools: ShownTools = {
    uses: { code: { type: "code_interpreter_call" }, web_search: { type: "web_search_call" } },
    lists: [],
  };
  const start = (id: string, name: string, args: string): ReasoningEvent => ({
    type: "tool_start",
    id,
    name,
    arguments: args,
  });
  const ends: ReasoningEvent[] = [{ type: "answer", text: "4" }, {
    type: "finish",
    reason: "stop",
  }];
  const events = [
    start("a", "code", "2 + 2, not JSON"),
    start("b", "web_search", "{}"),
    start("c", "fetch", "{}"),
    ...ends,
  ];
  const [, code, search] = read(await write(events, { shownTools })).at(-1).response.output;
  assertEquals([code.status, code.code, code.outputs], ["incomplete", "2 + 2, not JSON", null]);
  assertEquals([search.status, search.action.query], ["failed", ""]);
  const again = [...eventsOfUse(code, shownTools), ...eventsOfUse(search, shownTools), ...ends];
  const { output } = read(await write(again, { shownTools })).at(-1).response;
  assertEquals(output.slice(1, 3), [code, search]);
});
