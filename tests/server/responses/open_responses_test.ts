/** The cases of the Open Responses compliance suite, and what it checks in each. */
import { assert, assertEquals, assertObjectMatch } from "@std/assert";
import { createTestApp } from "../../support/app.ts";
import { type Event, parseEvents } from "../../support/parsers/responses.ts";
import { pieces, type Reply, startUpstream } from "../../support/upstream.ts";

const KEYS = ("id object created_at completed_at status incomplete_details model " +
  "previous_response_id instructions output error tools tool_choice truncation " +
  "parallel_tool_calls text top_p presence_penalty frequency_penalty top_logprobs temperature " +
  "reasoning user usage max_output_tokens max_tool_calls store background service_tier metadata " +
  "safety_identifier prompt_cache_key").split(" ");

const EVENTS = new Set([
  ...("created queued in_progress completed failed incomplete output_item.added output_item.done " +
    "content_part.added content_part.done output_text.delta output_text.done refusal.delta " +
    "refusal.done function_call_arguments.delta function_call_arguments.done " +
    "reasoning_summary_part.added reasoning_summary_part.done reasoning_summary_text.delta " +
    "reasoning_summary_text.done reasoning_text.delta reasoning_text.done " +
    "output_text.annotation.added").split(" ").map((name) => `response.${name}`),
  "error",
]);

const WORDS: Reply = { reasoning: pieces("Let me think."), content: pieces("Hello there!") };
const CALL: Reply = {
  toolCalls: [{ id: "call_1", name: "get_weather", arguments: ['{"location":', '"Paris"}'] }],
};
const TOOL = {
  type: "function",
  name: "get_weather",
  description: "Gets the weather.",
  parameters: {
    type: "object",
    properties: { location: { type: "string" } },
    required: ["location"],
  },
};
const said = (role: string, content: unknown) => ({ type: "message", role, content });
const IMAGE = "data:image/png;base64,iVBORw0KGgo=";

const CASES: [name: string, body: Record<string, unknown>, reply: Reply][] = [
  ["a basic response", { input: [said("user", "Say hello.")] }, WORDS],
  ["a streamed response", { input: [said("user", "Count to 5.")], stream: true }, WORDS],
  [
    "a system prompt",
    { input: [said("system", "You are a pirate."), said("user", "Say hello.")] },
    WORDS,
  ],
  ["a tool call", { input: [said("user", "The weather in Paris?")], tools: [TOOL] }, CALL],
  [
    "a streamed tool call",
    { input: [said("user", "The weather in Paris?")], tools: [TOOL], stream: true },
    CALL,
  ],
  [
    "a picture",
    {
      input: [
        said("user", [
          { type: "input_text", text: "What do you see?" },
          { type: "input_image", image_url: IMAGE },
        ]),
      ],
    },
    WORDS,
  ],
  [
    "several turns",
    {
      input: [said("user", "I am Alice."), said("assistant", "Hello!"), said("user", "My name?")],
    },
    WORDS,
  ],
];

/** Reads a body as the suite does: its parser expects every write to consist of whole events. */
async function readWrites(response: Response): Promise<Event[]> {
  const events: Event[] = [];
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for await (const bytes of response.body!) {
    const text = decoder.decode(bytes);
    assert(text.startsWith("event: ") && text.endsWith("\n\n"), text);
    events.push(...parseEvents(text));
  }
  return events;
}

for (const model of ["plain", "o1"]) {
  for (const [name, body, reply] of CASES) {
    Deno.test(`Open Responses, ${name} of ${model}: the response has everything that the suite checks`, async () => {
      const final = '{"title":"T","content":"c","next_action":"final_answer"}';
      await using upstream = startUpstream((call) =>
        model === "o1" && call.index < 3 ? { content: pieces(final) } : reply
      );
      const app = await createTestApp({ upstream: upstream.url });
      const answer = await app.respond({ model, ...body });
      assertEquals(answer.status, 200);
      let response: Event;
      if (body.stream) {
        const events = await readWrites(answer);
        assertEquals(events.filter(({ type }) => !EVENTS.has(type)), []);
        assertEquals(events.at(-1).type, "response.completed");
        response = events.at(-1).response;
      } else response = await answer.json();
      for (const key of KEYS) assert(key in response, key);
      assertEquals([response.status, response.object], ["completed", "response"]);
      assert(response.output.length > 0);
      if ("tools" in body) {
        const call = response.output.find(({ type }: Event) => type === "function_call");
        assertEquals([call.name, call.arguments], ["get_weather", '{"location":"Paris"}']);
      }
    });
  }
}

for (
  const fields of [
    { text: { verbosity: "talkative" } },
    { prompt_cache_retention: "in-memory" },
    { safety_identifier: "u".repeat(65) },
  ]
) {
  const [name] = Object.keys(fields);
  Deno.test(`a value of ${name} that OpenAI does not have is sent on but not repeated`, async () => {
    await using upstream = startUpstream([WORDS]);
    const app = await createTestApp({ upstream: upstream.url });
    // The app checks its responses against OpenAI's document.
    const response = await app.respond({ model: "plain", input: "Hi", ...fields });
    const { status } = await response.json();
    assertEquals(status, "completed");
    const { text, ...others } = { text: undefined, ...fields };
    assertObjectMatch(upstream.calls[0]!.body, { ...text, ...others });
  });
}

Deno.test("an event larger than any buffer is one write", async () => {
  await using upstream = startUpstream([{ content: ["é".repeat(200_000)] }]);
  const app = await createTestApp({ upstream: upstream.url });
  const events = await readWrites(await app.respond({ model: "plain", stream: true }));
  assertEquals(events.at(-1).response.output[0].content[0].text.length, 200_000);
});
