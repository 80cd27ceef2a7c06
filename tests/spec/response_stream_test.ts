import { assertThrows } from "@std/assert";
import { createResponseStreamChecker } from "./response_stream_checker.ts";
import { InvalidWireError } from "./validate.ts";

const RESPONSE = {
  id: "resp_1",
  object: "response",
  created_at: 1765591383,
  completed_at: null,
  status: "in_progress",
  error: null,
  incomplete_details: null,
  instructions: null,
  model: "o1",
  tools: [],
  output: [] as unknown[],
  parallel_tool_calls: true,
  metadata: {},
  tool_choice: "auto",
  temperature: 1,
  top_p: 1,
  usage: null,
};
const ITEM = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  status: "in_progress",
  content: [],
};
const PART = { type: "output_text", annotations: [], logprobs: [], text: "" };
const DONE_ITEM = { ...ITEM, status: "completed", content: [{ ...PART, text: "4" }] };
const ALL = { ...RESPONSE, status: "completed", completed_at: 1765591384, output: [DONE_ITEM] };
const AT = { item_id: "msg_1", output_index: 0, content_index: 0 };
const ERROR = { code: null, message: "m", param: null };
const FAILED = {
  ...RESPONSE,
  status: "failed",
  error: { code: "server_error", message: "m" },
};

/** A valid stream. */
const EVENTS: [type: string, fields: Record<string, unknown>][] = [
  ["response.created", { response: RESPONSE }],
  ["response.in_progress", { response: RESPONSE }],
  ["response.output_item.added", { output_index: 0, item: ITEM }],
  ["response.content_part.added", { ...AT, part: PART }],
  ["response.output_text.delta", { ...AT, delta: "4", logprobs: [] }],
  ["response.output_text.done", { ...AT, text: "4", logprobs: [] }],
  ["response.content_part.done", { ...AT, part: { ...PART, text: "4" } }],
  ["response.output_item.done", { output_index: 0, item: DONE_ITEM }],
  ["response.completed", { response: ALL }],
];

type Events = typeof EVENTS;

function checkEvents(events: Events, numbers = (index: number) => index): void {
  const checker = createResponseStreamChecker();
  checker.push(": keepalive\n\n");
  events.forEach(([type, fields], index) => {
    const json = { type, sequence_number: numbers(index), ...fields };
    checker.push(`event: ${type}\ndata: ${JSON.stringify(json)}\n\n`);
  });
  checker.end();
}

/** The valid stream with one event replaced. */
const replaced = (at: number, ...events: Events): Events => EVENTS.toSpliced(at, 1, ...events);

Deno.test("a valid stream of a response is accepted", () => {
  checkEvents(EVENTS);
  checkEvents([...EVENTS.slice(0, 2), ["error", ERROR], ["response.failed", { response: FAILED }]]);
});

for (
  const [name, events] of [
    ["no end", EVENTS.slice(0, -1)],
    ["an event after the end", [...EVENTS, EVENTS[1]!]],
    ["no created", EVENTS.slice(1)],
    ["no item added", EVENTS.toSpliced(2, 1)],
    ["no part added", EVENTS.toSpliced(3, 1)],
    ["no text done", EVENTS.toSpliced(5, 1)],
    ["no part done", EVENTS.toSpliced(6, 1)],
    ["no item done", EVENTS.toSpliced(7, 1)],
    ["an unknown event", replaced(1, ["response.thinking", { response: RESPONSE }])],
    [
      "another response",
      replaced(1, ["response.in_progress", { response: { ...RESPONSE, id: "r" } }]),
    ],
    [
      "another item's delta",
      replaced(4, ["response.output_text.delta", {
        ...AT,
        item_id: "m",
        delta: "4",
        logprobs: [],
      }]),
    ],
    [
      "another text",
      replaced(4, ["response.output_text.delta", { ...AT, delta: "5", logprobs: [] }]),
    ],
    [
      "an empty delta",
      replaced(4, ["response.output_text.delta", { ...AT, delta: "", logprobs: [] }], EVENTS[4]!),
    ],
    [
      "a changed id",
      replaced(7, ["response.output_item.done", {
        output_index: 0,
        item: { ...DONE_ITEM, id: "m" },
      }]),
    ],
    [
      "an unfinished item",
      replaced(7, ["response.output_item.done", {
        output_index: 0,
        item: { ...DONE_ITEM, status: "in_progress" },
      }]),
    ],
    ["another output", replaced(8, ["response.completed", { response: { ...ALL, output: [] } }])],
    ["another status", replaced(8, ["response.incomplete", { response: ALL }])],
    ["an error before its end", replaced(7, ["error", ERROR], ...EVENTS.slice(7, 8))],
    ["a failure without an error", [...EVENTS.slice(0, 2), ["response.failed", {
      response: FAILED,
    }]]],
  ] as [string, Events][]
) {
  Deno.test(`a response's stream with ${name} is invalid`, () => {
    assertThrows(() => checkEvents(events), InvalidWireError);
  });
}

Deno.test("a response's stream with a gap, or with an event in two writes, is invalid", () => {
  assertThrows(
    () => checkEvents(EVENTS, (index) => index < 4 ? index : index + 1),
    InvalidWireError,
  );
  assertThrows(() => checkEvents(EVENTS, (index) => index + 1), InvalidWireError);
  const json = JSON.stringify({ type: "response.created", sequence_number: 0, response: RESPONSE });
  const frame = `event: response.created\ndata: ${json}\n\n`;
  const checker = createResponseStreamChecker();
  assertThrows(() => checker.push(frame.slice(0, 100)), InvalidWireError);
});
