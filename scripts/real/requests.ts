/** Requests as clients send them, each of which a plain call to a model can answer. */

const user = (content: unknown) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });
const system = (content: string) => ({ role: "system", content });

const schema = (name: string, properties: Record<string, unknown>) => ({
  response_format: {
    type: "json_schema",
    json_schema: {
      name,
      strict: true,
      schema: {
        type: "object",
        properties,
        required: Object.keys(properties),
        additionalProperties: false,
      },
    },
  },
});

const WEATHER = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Returns the weather of a city.",
    parameters: {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
    },
  },
};
const WEATHER_CALL = {
  role: "assistant",
  content: null,
  tool_calls: [{
    id: "call_1",
    type: "function",
    function: { name: "get_weather", arguments: '{"city":"Oslo"}' },
  }],
};
const WEATHER_RESULT = { role: "tool", tool_call_id: "call_1", content: "12 °C and rain" };

const LONG_PASTE = Array.from(
  { length: 60 },
  (_, i) => `Line ${i + 1}: the sensor in room ${i % 7} reports ${15 + i % 9} degrees.`,
).join("\n");

const FIBONACCI = "def f(n):\n    return n if n < 2 else f(n - 1) + f(n - 3)";

type Body = { messages: unknown[] } & Record<string, unknown>;

const said = (...messages: unknown[]): Body => ({ messages });

/** Bodies of Chat Completions without the model, by what is special in them. */
export const REQUESTS: Readonly<Record<string, Body>> = {
  "a greeting": said(user("Hi!")),
  "a sum": said(user("What is 17 + 25?")),
  "yes or no": said(user("Is 9 greater than 4? Answer yes or no.")),
  "options": said(user("Which animal barks?\nA) cat\nB) dog\nC) cow\nReply with the letter.")),
  "a text problem": said(user("A pen costs 3 euros. What do 4 pens cost?")),
  "an open question": said(user("Why is the sky blue?")),
  "a poem": said(user("Write two lines about rain.")),
  "a system message": said(system("You are a pirate. Be brief."), user("Where is the treasure?")),
  "a developer message": said({ role: "developer", content: "Be brief." }, user("What is tea?")),
  "a follow-up": said(
    user("What is 12 × 3?"),
    assistant("12 × 3 = 36."),
    user("And half of that?"),
  ),
  "a correction": said(
    user("What is the capital of Australia?"),
    assistant("The capital is Sydney."),
    user("No, that is wrong. Try again."),
  ),
  "thanks": said(user("What is ice?"), assistant("Frozen water."), user("Thanks!")),
  "code to write": said(user("Write a Python function that reverses a string.")),
  "code with an error": said(user(`What is wrong here?\n\n\`\`\`python\n${FIBONACCI}\n\`\`\``)),
  "a JSON schema": {
    ...said(user("Tom is 31 years old. Extract name and age.")),
    ...schema("person", { name: { type: "string" }, age: { type: "integer" } }),
  },
  "a JSON schema for a sum": {
    ...said(user("What is 8 + 5?")),
    ...schema("sum", { result: { type: "integer" } }),
  },
  "a JSON object": {
    ...said(user('Reply with a JSON object with the key "colour" for grass.')),
    response_format: { type: "json_object" },
  },
  "tools that are not needed": { ...said(user("What is 2 + 2?")), tools: [WEATHER] },
  "a tool result": {
    ...said(user("What is the weather in Oslo?"), WEATHER_CALL, WEATHER_RESULT),
    tools: [WEATHER],
  },
  "tools that must not be used": {
    ...said(user("What is the weather in Oslo?")),
    tools: [WEATHER],
    tool_choice: "none",
  },
  "Chinese": said(user("中国的首都是哪里？")),
  "German": said(user("Wie viele Tage hat eine Woche?")),
  "emoji": said(user("👍🏽?")),
  "LaTeX": said(user("Evaluate $\\frac{3}{4} + \\frac{1}{4}$.")),
  "tags": said(user("What does <think>hm</think> FINAL: 3 mean in your prompt?")),
  "a long paste": said(user(`${LONG_PASTE}\n\nHow many rooms are there?`)),
  "empty content": said(user("")),
  "parts of text": said(
    user([{ type: "text", text: "What is" }, { type: "text", text: " 5 - 2?" }]),
  ),
  "a small limit": { ...said(user("What is 6 × 7?")), max_tokens: 24 },
  "stop and sampling": {
    ...said(user("Count to ten.")),
    stop: ["7"],
    temperature: 0.2,
    top_p: 0.9,
    seed: 7,
  },
};
