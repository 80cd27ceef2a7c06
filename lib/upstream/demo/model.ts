import { type Clock, sleep } from "../../clock.ts";
import { isObject, type JsonObject, tryParse } from "../../json.ts";
import type { Fetch } from "../attempt.ts";
import { contentText, isSystemMessage, type UpstreamMessage } from "../target.ts";
import { type Solution, solve } from "./solver.ts";

const FIRST_TOKEN_MS = 150;
const TOKEN_MS = 25;
const SIGNATURE = "(Answered by the built-in demo model.)";
const CAN = "does arithmetic, counts letters and tests for primes";
const UNSOLVED: Solution = {
  task: "This is the built-in demo model, not a language model.",
  work: `It ${CAN}, and nothing else.`,
  check: "The question is about something else.",
  answer:
    `This is the built-in demo model: it ${CAN}, and can't answer this. To get real answers, ` +
    "set default_api_url, model_provider_api_key and default_model in config.yaml.",
  short: "no answer",
};

/** The part of a body that is read. */
interface ChatBody {
  messages: UpstreamMessage[];
  stream?: boolean;
  max_tokens?: number;
  stop?: string | string[] | null;
  response_format?: { type: string; schema?: unknown; json_schema?: { schema?: unknown } };
}

/** Words, numbers and signs, with the space before each. */
const TOKEN_REGEXP = / ?[\p{L}\p{M}]+| ?\p{N}{1,3}| ?\S|\s+/gu;

const tokenize = (text: string): string[] => text.match(TOKEN_REGEXP) ?? [];
const textOf = (message: UpstreamMessage | undefined) => contentText(message?.content);

function hasImage(content: unknown): boolean {
  return Array.isArray(content) &&
    content.some((part) => typeof part?.type === "string" && part.type.includes("image"));
}

function isStep(message: UpstreamMessage): boolean {
  const step = message.role === "assistant" && tryParse(textOf(message));
  return isObject(step) && "title" in step && "content" in step;
}

/** Instructions that a strategy adds after the question. */
const INSTRUCTION_REGEXP =
  /^\s*(?:please\s+)?(?:continue|go on|proceed|wait\b|next step|(?:re|double-?)?check (?:the|your)|(?:now )?(?:provide|give)\b.*\bfinal answer)/i;

/** Returns the question and the number of steps that follow it. */
function readConversation(messages: UpstreamMessage[]) {
  const answer = messages.findLastIndex((message) =>
    message.role === "assistant" && !isStep(message)
  );
  const steps = messages.flatMap((message, i) => i > answer && isStep(message) ? [i] : []);
  const asked = messages.slice(0, steps[0]).filter(({ role }) => role === "user");
  const question = asked.findLast((message) => !INSTRUCTION_REGEXP.test(textOf(message)));
  return { question: question ?? asked.at(-1), done: steps.length };
}

const STEP_KEYS = ["title", "content", "next_action"];

function wantsStep(schema: unknown, messages: UpstreamMessage[], done: number): boolean {
  const properties = isObject(schema) && schema.properties;
  if (isObject(properties) && STEP_KEYS.every((key) => key in properties)) return true;
  const last = messages.at(-1);
  if (done > 0 && last?.role === "user" && /final answer/i.test(textOf(last))) return false;
  const prompt = textOf(messages.findLast(isSystemMessage));
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
function fill(root: unknown, { answer, short, value = 0, truth = false }: Solution): unknown {
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
    if (!isObject(schema) || depth > 16 || left-- <= 0) return null;
    if ("const" in schema) return schema.const;
    if (Array.isArray(schema.enum)) {
      const choices: unknown[] = schema.enum;
      return choices.find((choice) => choice === short || choice === value) ?? choices[0] ?? null;
    }
    if (typeof schema.$ref === "string") {
      const inner = schema.$ref.split("/").slice(1)
        .reduce<unknown>((inner, key) => isObject(inner) ? inner[key] : undefined, root);
      return next(inner, depth + 1);
    }
    const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf;
    if (Array.isArray(choices)) return next(choices[0], depth + 1);
    const type: unknown = [schema.type ?? (schema.properties ? "object" : "string")].flat()[0];
    if (type !== "object") return values.get(type) ?? null;
    const properties = isObject(schema.properties) ? schema.properties : {};
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

/** Marks of thinking, or of its results, in the messages of strategies. */
const THINKING_REGEXP = /<think>|<notes>|<answer>|<solution>|\bcandidate|"next_action"/;

function reply({ messages, response_format: format }: ChatBody): string {
  const { question, done } = readConversation(messages);
  const thinks = format !== undefined || done > 0 ||
    messages.some((message) => THINKING_REGEXP.test(textOf(message)));
  const solution = { ...solve(textOf(question), thinks ? "careful" : "hasty") ?? UNSOLVED };
  if (hasImage(question?.content)) {
    solution.answer = `The demo model can't see images. ${solution.answer}`;
  }
  const steps = stepsOf(solution);
  const schema = format?.json_schema?.schema ?? format?.schema;
  if (wantsStep(schema, messages, done)) {
    const isLast = done >= steps.length - 1;
    const step = isLast ? steps.at(-1) : steps[done];
    return JSON.stringify({ ...step, next_action: isLast ? "final_answer" : "continue" });
  }
  if (format !== undefined && format.type !== "text") {
    const properties = {
      answer: { type: "string" },
      ...(solution.value !== undefined && { value: { type: "number" } }),
    };
    return JSON.stringify(fill(schema ?? { properties }, solution));
  }
  const system = messages.filter(isSystemMessage).map(textOf).join("\n");
  const thinking = steps.map(({ content }) => content).join("\n\n");
  return (system.includes("<think>") ? `<think>\n${thinking}\n</think>\n\n` : "") +
    `${solution.answer}\n\n${SIGNATURE}` +
    (system.includes("FINAL:") ? `\nFINAL: ${solution.short}` : "");
}

/** Returns the reply within the request's limits. */
function complete(body: ChatBody) {
  let text = reply(body);
  for (const stop of [body.stop ?? []].flat()) if (stop !== "") text = text.split(stop, 1)[0]!;
  const all = tokenize(text);
  const tokens = all.slice(0, body.max_tokens);
  const prompt = body.messages.flatMap((message) => tokenize(textOf(message)));
  const usage = {
    prompt_tokens: prompt.length,
    completion_tokens: tokens.length,
    total_tokens: prompt.length + tokens.length,
  };
  return { tokens, finish_reason: tokens.length < all.length ? "length" : "stop", usage };
}

/** Streams events, each at its time in milliseconds from now. */
function paced(
  events: [atMs: number, data: string][],
  clock: Clock,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const cancelled = new AbortController();
  const stop = AbortSignal.any([signal, cancelled.signal]);
  const start = clock.now();
  return new ReadableStream({
    async pull(controller) {
      stop.throwIfAborted();
      const event = events.shift();
      if (event === undefined) return controller.close();
      const delayMs = start + event[0] - clock.now();
      if (delayMs > 0) await sleep(clock, delayMs, stop);
      controller.enqueue(encoder.encode(`data: ${event[1]}\n\n`));
    },
    cancel: () => cancelled.abort(),
  }, { highWaterMark: 0 });
}

/**
 * Creates a `fetch` that answers the chat completions of this server by itself, for every URL and
 * model, so that everything can be tried without an account and a network.
 */
export function createDemoFetch(clock: Clock): Fetch {
  return async (_url, { body: json, signal }) => {
    signal?.throwIfAborted();
    const body: ChatBody = await new Response(json ?? null).json();
    const { tokens, finish_reason, usage } = complete(body);
    if (!body.stream) {
      const message = { role: "assistant", content: tokens.join("") };
      return Response.json({ choices: [{ index: 0, message, finish_reason }], usage });
    }
    const chunk = (delta: JsonObject, finish_reason: string | null = null) =>
      JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] });
    const lastMs = FIRST_TOKEN_MS + (tokens.length - 1) * TOKEN_MS;
    const events: [atMs: number, data: string][] = [
      [0, chunk({ role: "assistant", content: "" })],
      ...tokens.map((content, i): [number, string] => [
        FIRST_TOKEN_MS + i * TOKEN_MS,
        chunk({ content }),
      ]),
      [lastMs, chunk({}, finish_reason)],
      [lastMs, JSON.stringify({ choices: [], usage })],
      [lastMs, "[DONE]"],
    ];
    return new Response(paced(events, clock, signal ?? new AbortController().signal), {
      headers: { "content-type": "text/event-stream" },
    });
  };
}
