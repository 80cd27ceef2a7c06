/**
 * The built-in demo model (`demo:`): a small, honest stand-in behind the protocol of a real
 * provider, so that everything can be tried with no account and no network.
 *
 * @module
 */
import { type Clock, sleep } from "../../clock.ts";
import { type Solution, solve } from "./solver.ts";

const FIRST_TOKEN_MS = 150;
const TOKEN_MS = 25;
const SIGNATURE = "(Answered by the built-in demo model.)";
const HOW_TO_SET_UP =
  "To get real answers, set default_api_url, model_provider_api_key and default_model in config.yaml.";
const UNKNOWN: Solution = {
  task: "This is the built-in demo model, not a language model.",
  work: "It works out sums, counts letters and words, and tests for primes, and nothing else.",
  check: "Read as any one of these, the question makes no sense to it.",
  answer:
    `This is the built-in demo model: it works out sums, counts letters and words, and tests for primes, and can't answer this. ${HOW_TO_SET_UP}`,
  short: "no answer",
};

/** A value of JSON whose fields are still to be checked. */
type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Words, numbers and signs, each with the space before it. */
const TOKEN_REGEXP = / ?[\p{L}\p{M}]+| ?\p{N}{1,3}| ?[^\s\p{L}\p{M}\p{N}]|\s+/gu;

const tokenize = (text: string): string[] => text.match(TOKEN_REGEXP) ?? [];

function textOf(message: Fields): string {
  const { content } = message;
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: unknown) =>
    isFields(part) && typeof part.text === "string" ? part.text : ""
  ).join("\n");
}

function hasImage({ content }: Fields): boolean {
  return Array.isArray(content) &&
    content.some((part: unknown) =>
      isFields(part) && typeof part.type === "string" && part.type.includes("image")
    );
}

function isStep(message: Fields): boolean {
  if (message.role !== "assistant") return false;
  const step = parse(textOf(message));
  return isFields(step) && "title" in step && "content" in step;
}

/** Words of a strategy's own to the model, which are no question. */
const INSTRUCTION_REGEXP =
  /^\s*(?:please\s+)?(?:continue|go on|proceed|wait\b|next step|(?:re|double-?)?check (?:the|your)|(?:now )?(?:provide|give)\b.*\bfinal answer)/i;

/** Finds the question, and how many steps have been made towards its answer. */
function readConversation(messages: Fields[]) {
  let end = messages.length;
  let done = 0;
  for (let i = end - 1; i >= 0; i--) {
    const message = messages[i]!;
    if (isStep(message)) {
      done++;
      end = i;
    } else if (message.role === "assistant") break;
  }
  const asked = messages.slice(0, end).filter(({ role }) => role === "user");
  const question = asked.findLast((message) => !INSTRUCTION_REGEXP.test(textOf(message))) ??
    asked.at(-1) ?? {};
  return { question, done };
}

const STEP_KEYS = ["title", "content", "next_action"];

/** The JSON Schema that the answer is to follow, where one is given. */
function schemaOf({ response_format: format }: Fields): Fields | undefined {
  if (!isFields(format)) return undefined;
  const holder = isFields(format.json_schema) ? format.json_schema : format;
  return isFields(holder.schema) ? holder.schema : undefined;
}

function wantsStep(body: Fields, messages: Fields[], done: number): boolean {
  const properties = schemaOf(body)?.properties;
  if (isFields(properties) && STEP_KEYS.every((key) => key in properties)) return true;
  const last = messages.at(-1);
  const isLastCall = done > 0 && last?.role === "user" && /final answer/i.test(textOf(last));
  const system = messages.findLast(isSystem);
  return !isLastCall && system !== undefined &&
    STEP_KEYS.every((key) => textOf(system).includes(`"${key}"`));
}

const isSystem = ({ role }: Fields) => role === "system" || role === "developer";

function stepsOf({ task, work, check, answer }: Solution) {
  return [
    { title: "Understanding the question", content: task },
    { title: "Working it out", content: work },
    { title: "Checking it another way", content: check },
    { title: "Conclusion", content: answer },
  ];
}

/** Fills a JSON Schema with the answer, as well as its types allow. */
function fill(root: Fields, { answer, short, value, truth }: Solution) {
  const number = Number.isFinite(value) ? value ?? 0 : 0;
  const values = new Map<unknown, unknown>([
    ["string", `${answer} ${SIGNATURE}`],
    ["number", number],
    ["integer", Math.round(number)],
    ["boolean", truth ?? false],
    ["array", []],
  ]);
  // A schema can refer to itself, and so grow without end.
  let left = 500;

  function next(schema: unknown, depth: number): unknown {
    if (!isFields(schema) || depth > 16 || left-- <= 0) return null;
    if ("const" in schema) return schema.const;
    if (Array.isArray(schema.enum)) {
      const choices: unknown[] = schema.enum;
      return choices.find((choice) => choice === short || choice === value) ?? choices[0] ?? null;
    }
    if (typeof schema.$ref === "string") {
      let inner: unknown = root;
      for (const key of schema.$ref.split("/").slice(1)) {
        inner = isFields(inner) ? inner[key] : undefined;
      }
      return next(inner, depth + 1);
    }
    const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf;
    if (Array.isArray(choices)) return next(choices[0], depth + 1);
    const { type = schema.properties ? "object" : "string" } = schema;
    const name: unknown = Array.isArray(type) ? type[0] : type;
    if (name !== "object") return values.get(name) ?? null;
    const properties = isFields(schema.properties) ? schema.properties : {};
    const required: unknown[] = Array.isArray(schema.required)
      ? schema.required
      : Object.keys(properties);
    const names = required.filter((name) => typeof name === "string");
    return Object.fromEntries(
      names.map((name) => [name, next(properties[name] ?? {}, depth + 1)]),
    );
  }
  return next(root, 0);
}

/** What the demo model says to a request. */
function reply(body: Fields, messages: Fields[]): string {
  const { question, done } = readConversation(messages);
  let solution = solve(textOf(question)) ?? UNKNOWN;
  if (hasImage(question)) {
    const answer = `The demo model can't see images. ${solution.answer}`;
    solution = { ...solution, answer };
  }
  const steps = stepsOf(solution);
  if (wantsStep(body, messages, done)) {
    const index = Math.min(done, steps.length - 1);
    const isLast = index === steps.length - 1;
    const action = isLast ? "final_answer" : "continue";
    return JSON.stringify({ ...steps[index], next_action: action });
  }
  const format = isFields(body.response_format) && body.response_format.type;
  if (format === "json_schema" || format === "json_object") {
    const properties = {
      answer: { type: "string" },
      ...(solution.value !== undefined && { value: { type: "number" } }),
    };
    return JSON.stringify(fill(schemaOf(body) ?? { properties }, solution));
  }
  const system = messages.filter(isSystem).map(textOf).join("\n");
  const prose = steps.map(({ content }) => content).join("\n\n");
  return (system.includes("<think>") ? `<think>\n${prose}\n</think>\n\n` : "") +
    `${solution.answer}\n\n${SIGNATURE}` +
    (system.includes("FINAL:") ? `\nFINAL: ${solution.short}` : "");
}

/** The reply within the request's limits. */
function complete(body: Fields, messages: Fields[]) {
  let text = reply(body, messages);
  const stops: unknown[] = [body.stop].flat();
  for (const stop of stops) {
    const at = typeof stop === "string" && stop ? text.indexOf(stop) : -1;
    if (at >= 0) text = text.slice(0, at);
  }
  const all = tokenize(text);
  const limit = body.max_completion_tokens ?? body.max_tokens;
  const tokens = typeof limit === "number" ? all.slice(0, limit) : all;
  const prompt = messages.flatMap((message) => tokenize(textOf(message)));
  const usage = {
    prompt_tokens: prompt.length,
    completion_tokens: tokens.length,
    total_tokens: prompt.length + tokens.length,
  };
  const reason = tokens.length < all.length ? "length" : "stop";
  return { tokens, reason, usage };
}

/** Server-sent events, each at its time; leaves no timer behind however it ends. */
function paced(
  events: { at: number; data: string }[],
  clock: Clock,
  signal: AbortSignal,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  const over = new AbortController();
  const start = clock.now();
  let next = 0;
  return new ReadableStream({
    type: "bytes",
    start(controller) {
      signal.addEventListener("abort", () => {
        controller.error(signal.reason);
        over.abort();
      }, { signal: over.signal });
    },
    async pull(controller) {
      const event = events[next++];
      if (event === undefined) {
        over.abort();
        controller.close();
        // A reader with a buffer of its own waits until that is given back.
        controller.byobRequest?.respond(0);
        return;
      }
      const wait = start + event.at - clock.now();
      if (wait > 0) await sleep(clock, wait, over.signal);
      controller.enqueue(encoder.encode(`data: ${event.data}\n\n`));
    },
    cancel: () => over.abort(),
  });
}

function refuse(message: string, param: string | null): Response {
  const error = { message, type: "invalid_request_error", param, code: null };
  return Response.json({ error }, { status: 400 });
}

/**
 * Creates a stand-in for `fetch` that answers Chat Completions requests from the demo model. The
 * URL and the model's name are not looked at. Streams are paced by the clock.
 *
 * @returns a function that rejects with the signal's reason once it is aborted, and answers a body
 * that is no request with 400.
 */
export function createDemoFetch(
  clock: Clock,
): (url: string, init: RequestInit) => Promise<Response> {
  return async (_url, init) => {
    const signal = init.signal ?? new AbortController().signal;
    signal.throwIfAborted();
    const body = parse(await new Response(init.body ?? null).text());
    signal.throwIfAborted();
    if (!isFields(body)) return refuse("The body must be a JSON object.", null);
    const { messages, stream, stream_options: options } = body;
    if (!Array.isArray(messages) || !messages[0] || !messages.every(isFields)) {
      return refuse("'messages' must be a list of messages.", "messages");
    }
    for (const name of ["max_tokens", "max_completion_tokens"]) {
      const limit = body[name] ?? 1;
      if (!Number.isInteger(limit) || Number(limit) < 1) {
        return refuse(`'${name}' must be a whole number above 0.`, name);
      }
    }
    const { tokens, reason, usage } = complete(body, messages);
    const head = {
      id: `chatcmpl-${crypto.randomUUID()}`,
      object: stream === true ? "chat.completion.chunk" : "chat.completion",
      created: Math.floor(clock.date() / 1000),
      model: typeof body.model === "string" ? body.model : "demo",
    };
    const logprobs = null;
    if (stream !== true) {
      const content = tokens.join("");
      const message = { role: "assistant", content, refusal: null };
      const choice = { index: 0, message, logprobs, finish_reason: reason };
      return Response.json({ ...head, choices: [choice], usage });
    }
    const hasUsage = isFields(options) && options.include_usage === true;
    function chunk(delta: Fields, finish_reason: string | null = null) {
      const choices = [{ index: 0, delta, logprobs, finish_reason }];
      return { ...head, choices, ...(hasUsage && { usage: null }) };
    }
    const chunks = [
      chunk({ role: "assistant", content: "", refusal: null }),
      ...tokens.map((content) => chunk({ content })),
      chunk({}, reason),
      ...(hasUsage ? [{ ...head, choices: [], usage }] : []),
    ];
    const data = [...chunks.map((each) => JSON.stringify(each)), "[DONE]"];
    const events = data.map((data, i) => ({
      data,
      at: i === 0 ? 0 : FIRST_TOKEN_MS + (Math.min(i, tokens.length) - 1) * TOKEN_MS,
    }));
    return new Response(paced(events, clock, signal), {
      headers: { "content-type": "text/event-stream" },
    });
  };
}
