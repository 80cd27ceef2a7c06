import { type Clock, sleep } from "../../clock.ts";
import { contentText } from "../target.ts";
import { tryParse } from "../wire/event_json.ts";
import { type Solution, solve } from "./solver.ts";

const FIRST_TOKEN_MS = 150;
const TOKEN_MS = 25;
const SIGNATURE = "(Answered by the built-in demo model.)";
const CAN = "does arithmetic, counts letters and tests for primes";
const UNSOLVED: Solution = {
  task: "This is the built-in demo model, not a language model.",
  work: `It ${CAN}, and nothing else.`,
  check: "The question is none of these.",
  answer:
    `This is the built-in demo model: it ${CAN}, and can't answer this. To get real answers, ` +
    "set default_api_url, model_provider_api_key and default_model in config.yaml.",
  short: "no answer",
};

/** An unchecked JSON object. */
type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Words, numbers and signs, with the space before each. */
const TOKEN_REGEXP = / ?[\p{L}\p{M}]+| ?\p{N}{1,3}| ?\S|\s+/gu;

const tokenize = (text: string): string[] => text.match(TOKEN_REGEXP) ?? [];
const textOf = (message: Fields | undefined) => contentText(message?.content);
const isSystem = ({ role }: Fields) => role === "system" || role === "developer";

function hasImage({ content }: Fields): boolean {
  return Array.isArray(content) &&
    content.some((part) => isFields(part) && String(part.type).includes("image"));
}

function isStep(message: Fields): boolean {
  const step = message.role === "assistant" && tryParse(textOf(message));
  return isFields(step) && "title" in step && "content" in step;
}

/** Instructions that a strategy adds after the question. */
const INSTRUCTION_REGEXP =
  /^\s*(?:please\s+)?(?:continue|go on|proceed|wait\b|next step|(?:re|double-?)?check (?:the|your)|(?:now )?(?:provide|give)\b.*\bfinal answer)/i;

/** Returns the question and the number of steps that follow it. */
function readConversation(messages: Fields[]): { question: Fields; done: number } {
  const answer = messages.findLastIndex((message) =>
    message.role === "assistant" && !isStep(message)
  );
  const steps = messages.flatMap((message, i) => i > answer && isStep(message) ? [i] : []);
  const asked = messages.slice(0, steps[0]).filter(({ role }) => role === "user");
  const question = asked.findLast((message) => !INSTRUCTION_REGEXP.test(textOf(message)));
  return { question: question ?? asked.at(-1) ?? {}, done: steps.length };
}

function schemaOf({ response_format: format }: Fields): Fields | undefined {
  if (!isFields(format)) return undefined;
  const { schema } = isFields(format.json_schema) ? format.json_schema : format;
  return isFields(schema) ? schema : undefined;
}

const STEP_KEYS = ["title", "content", "next_action"];

function wantsStep(body: Fields, messages: Fields[], done: number): boolean {
  const properties = schemaOf(body)?.properties;
  if (isFields(properties) && STEP_KEYS.every((key) => key in properties)) return true;
  const last = messages.at(-1);
  if (done > 0 && last?.role === "user" && /final answer/i.test(textOf(last))) return false;
  const prompt = textOf(messages.findLast(isSystem));
  return STEP_KEYS.every((key) => prompt.includes(`"${key}"`));
}

function stepsOf({ task, work, check, answer }: Solution) {
  return [
    { title: "Understanding the question", content: task },
    { title: "Working it out", content: work },
    { title: "Checking it another way", content: check },
    { title: "Conclusion", content: answer },
  ];
}

/** Fills a JSON Schema with the answer, as far as its types allow. */
function fill(root: Fields, { answer, short, value = 0, truth = false }: Solution): unknown {
  const values = new Map<unknown, unknown>([
    ["string", `${answer} ${SIGNATURE}`],
    ["number", value],
    ["integer", Math.round(value)],
    ["boolean", truth],
    ["array", []],
  ]);
  // A schema can refer to itself.
  let left = 500;

  function next(schema: unknown, depth: number): unknown {
    if (!isFields(schema) || depth > 16 || left-- <= 0) return null;
    if ("const" in schema) return schema.const;
    if (Array.isArray(schema.enum)) {
      const choices: unknown[] = schema.enum;
      return choices.find((choice) => choice === short || choice === value) ?? choices[0] ?? null;
    }
    if (typeof schema.$ref === "string") {
      const inner = schema.$ref.split("/").slice(1)
        .reduce<unknown>((inner, key) => isFields(inner) ? inner[key] : undefined, root);
      return next(inner, depth + 1);
    }
    const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf;
    if (Array.isArray(choices)) return next(choices[0], depth + 1);
    const type: unknown = [schema.type ?? (schema.properties ? "object" : "string")].flat()[0];
    if (type !== "object") return values.get(type) ?? null;
    const properties = isFields(schema.properties) ? schema.properties : {};
    const required: unknown[] = Array.isArray(schema.required)
      ? schema.required
      : Object.keys(properties);
    return Object.fromEntries(
      required.filter((name) => typeof name === "string")
        .map((name) => [name, next(properties[name] ?? {}, depth + 1)]),
    );
  }
  return next(root, 0);
}

function reply(body: Fields, messages: Fields[]): string {
  const { question, done } = readConversation(messages);
  const solution = { ...solve(textOf(question)) ?? UNSOLVED };
  if (hasImage(question)) solution.answer = `The demo model can't see images. ${solution.answer}`;
  const steps = stepsOf(solution);
  if (wantsStep(body, messages, done)) {
    const isLast = done >= steps.length - 1;
    const step = isLast ? steps.at(-1) : steps[done];
    return JSON.stringify({ ...step, next_action: isLast ? "final_answer" : "continue" });
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
  const thinking = steps.map(({ content }) => content).join("\n\n");
  return (system.includes("<think>") ? `<think>\n${thinking}\n</think>\n\n` : "") +
    `${solution.answer}\n\n${SIGNATURE}` +
    (system.includes("FINAL:") ? `\nFINAL: ${solution.short}` : "");
}

/** Returns the reply within the request's limits. */
function complete(body: Fields, messages: Fields[]) {
  let text = reply(body, messages);
  for (const stop of [body.stop].flat()) {
    if (typeof stop === "string" && stop !== "") text = text.split(stop, 1)[0]!;
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
  return { tokens, finishReason: tokens.length < all.length ? "length" : "stop", usage };
}

/** Streams events at their times. */
function paced(
  events: { atMs: number; data: string }[],
  clock: Clock,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const cancelled = new AbortController();
  const stop = AbortSignal.any([signal, cancelled.signal]);
  const start = clock.now();
  const rest = events.values();
  return new ReadableStream({
    async pull(controller) {
      stop.throwIfAborted();
      const { value: event } = rest.next();
      if (event === undefined) return controller.close();
      const delayMs = start + event.atMs - clock.now();
      if (delayMs > 0) await sleep(clock, delayMs, stop);
      controller.enqueue(encoder.encode(`data: ${event.data}\n\n`));
    },
    cancel: () => cancelled.abort(),
  }, { highWaterMark: 0 });
}

function rejection(message: string, param: string | null): Response {
  const error = { message, type: "invalid_request_error", param, code: null };
  return Response.json({ error }, { status: 400 });
}

/**
 * Creates a `fetch` that answers Chat Completions requests by itself, for every URL and model, so
 * that everything can be tried without an account and a network. An invalid body gets a 400.
 */
export function createDemoFetch(
  clock: Clock,
): (url: string, init: RequestInit) => Promise<Response> {
  return async (_url, init) => {
    const signal = init.signal ?? new AbortController().signal;
    signal.throwIfAborted();
    const body = tryParse(await new Response(init.body ?? null).text());
    signal.throwIfAborted();
    if (!isFields(body)) return rejection("The body must be a JSON object.", null);
    const { messages, stream, stream_options: options } = body;
    if (!Array.isArray(messages) || !messages[0] || !messages.every(isFields)) {
      return rejection("'messages' must be a list of messages.", "messages");
    }
    for (const name of ["max_tokens", "max_completion_tokens"]) {
      const limit = body[name] ?? 1;
      if (!Number.isInteger(limit) || Number(limit) < 1) {
        return rejection(`'${name}' must be an integer greater than 0.`, name);
      }
    }
    const { tokens, finishReason, usage } = complete(body, messages);
    const head = {
      id: `chatcmpl-${crypto.randomUUID()}`,
      object: stream === true ? "chat.completion.chunk" : "chat.completion",
      created: Math.floor(clock.date() / 1000),
      model: typeof body.model === "string" ? body.model : "demo",
    };
    const logprobs = null;
    if (stream !== true) {
      const message = { role: "assistant", content: tokens.join(""), refusal: null };
      const choices = [{ index: 0, message, logprobs, finish_reason: finishReason }];
      return Response.json({ ...head, choices, usage });
    }
    const hasUsage = isFields(options) && options.include_usage === true;
    function chunk(delta: Fields, finish_reason: string | null = null) {
      const choices = [{ index: 0, delta, logprobs, finish_reason }];
      return { ...head, choices, ...(hasUsage && { usage: null }) };
    }
    const chunks = [
      chunk({ role: "assistant", content: "", refusal: null }),
      ...tokens.map((content) => chunk({ content })),
      chunk({}, finishReason),
      ...(hasUsage ? [{ ...head, choices: [], usage }] : []),
    ];
    const events = [...chunks.map((chunk) => JSON.stringify(chunk)), "[DONE]"].map((data, i) => ({
      data,
      atMs: i === 0 ? 0 : FIRST_TOKEN_MS + (Math.min(i, tokens.length) - 1) * TOKEN_MS,
    }));
    return new Response(paced(events, clock, signal), {
      headers: { "content-type": "text/event-stream" },
    });
  };
}
