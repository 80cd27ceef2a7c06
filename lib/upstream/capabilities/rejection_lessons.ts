/**
 * Learns from rejections. Each lesson recognizes one by its message and by what was sent, and returns
 * the change with which the same request may succeed. docs/providers.md lists the changes.
 */
import { isSystemMessage, type Target } from "../target.ts";
import {
  type Capabilities,
  defaultCapabilities,
  type Limit,
  type UpstreamBody,
  withoutFormat,
} from "./capabilities.ts";

/** A rejected request. */
export interface Rejection {
  target: Target;
  /** What the upstream said, with its codes. */
  message: string;
  body: UpstreamBody;
  /** The capabilities that the body was built for. */
  sent: Readonly<Capabilities>;
}

type Change = Partial<Capabilities>;

/** Returns undefined if the rejection is about something else. */
type Lesson = (rejection: Rejection) => Change | undefined;

/** In the order of precedence. */
const LESSONS: readonly Lesson[] = [
  samples,
  developerRole,
  alternatingRoles,
  systemMessages,
  toolState,
  toolReasoning,
  toolHistory,
  streams,
  maxTokens,
  formatsWithTools,
  messageFields,
  textParts,
  nullContent,
  fields,
  formats,
  anythingElse,
];

/** Returns the capabilities that a rejection disproves, or undefined if it teaches nothing. */
export function lessonOf(rejection: Rejection): Change | undefined {
  for (const lesson of LESSONS) {
    const change = lesson(rejection);
    if (change !== undefined) return change;
  }
}

/** Words about something that is not supported at all. */
const REFUSED_REGEXP =
  /(not|n't|un|\bno)[ -]?(be )?(support|enabl|allow|expect|known|recogni|permit|accept|such)|extra|forbidden|incorrect|invalid (param|field|arg|role)|instead/i;

/** Words about a number that is too high or too low. */
const RANGE_REGEXP =
  /range|between|too (large|big|high|low|small)|at (most|least)|exceed|(low|high|less|great|small|larg)er than|less than|[<>≤≥]/i;

/** Whether a message matches all patterns, in any order. */
function says(message: string, ...patterns: readonly RegExp[]): boolean {
  return patterns.every((pattern) => pattern.test(message));
}

function developerRole({ message, body: { messages } }: Rejection): Change | undefined {
  const isSent = messages.some(({ role }) => role === "developer");
  return isSent && /developer|\brole\b/i.test(message) ? { developerRole: false } : undefined;
}

/** A template that has two roles only reports a system message as a wrong turn. */
function alternatingRoles({ message, body: { messages }, sent }: Rejection): Change | undefined {
  const isAboutTurns =
    /roles? must alternate|must alternate|alternat\w+ (between )?.?user|only user,?( and)? assistant|consecutive (user|messages)|role '?\w+'? after role/i;
  if (!isAboutTurns.test(message)) return undefined;
  if (!sent.alternatingRoles && !takesTurns(messages)) {
    return { alternatingRoles: true };
  }
  const hasSystem = messages.some(isSystemMessage);
  return hasSystem ? { alternatingRoles: true, systemMessages: "none" } : undefined;
}

/** Roles of the message that may follow each role. */
const FOLLOWING: Readonly<Record<string, readonly string[]>> = {
  start: ["user"],
  user: ["assistant"],
  assistant: ["user", "tool"],
  tool: ["tool", "assistant"],
};

function takesTurns(messages: UpstreamBody["messages"]): boolean {
  const roles = messages.filter((message) => !isSystemMessage(message)).map(({ role }) => role);
  return roles.every((role, index) => FOLLOWING[roles[index - 1] ?? "start"]?.includes(role));
}

function systemMessages({ message, body: { messages }, sent }: Rejection): Change | undefined {
  const last = messages.findLastIndex(isSystemMessage);
  if (last < 0) return undefined;
  const isAboutPlace = says(
    message,
    /\bsystem\b/i,
    /\b(multiple|single|one|only|first|second|begin\w*|start|additional|alternat\w*)\b/i,
  );
  if (last > 0 && sent.systemMessages === "anywhere" && isAboutPlace) {
    return { systemMessages: "first" };
  }
  const isAboutRole = says(message, /\bsystem\b|developer instruction|\brole\b/i, REFUSED_REGEXP);
  return sent.systemMessages !== "none" && isAboutRole ? { systemMessages: "none" } : undefined;
}

function toolState({ message, body: { messages }, sent }: Rejection): Change | undefined {
  const isAboutState = /thought_?signature|reasoning.(details|opaque)|(reasoning|thinking).blocks?/i
    .test(message);
  return isAboutState && !sent.toolState && hasToolCalls(messages)
    ? { toolState: true }
    : undefined;
}

function toolReasoning({ message, body: { messages }, sent }: Rejection): Change | undefined {
  if (!hasToolCalls(messages) || !/reasoning_content/i.test(message)) return undefined;
  // Some reject a tool's result without it, others reject the field itself.
  const wanted = !REFUSED_REGEXP.test(message);
  return wanted === sent.toolReasoning ? undefined : { toolReasoning: wanted };
}

function toolHistory({ message, body: { messages, tools }, sent }: Rejection): Change | undefined {
  const isSent = tools === undefined && sent.toolHistory &&
    (hasToolCalls(messages) || messages.some(({ role }) => role === "tool"));
  const isNeeded = says(
    message,
    /tool/i,
    /must|defin|requir|specif|without|missing|param|not be empty/i,
  );
  return isSent && isNeeded ? { toolHistory: false } : undefined;
}

function streams({ message, body, sent }: Rejection): Change | undefined {
  if (sent.streams !== "optional") return undefined;
  const isNeeded =
    /non-?stream|only.{0,20}stream|stream.{0,3}=.{0,3}false|must be stream|requires? stream/i;
  const isUnsupported =
    /'?stream'? (does not|is not|isn't)|with stream|stream(ing)? (mode )?(is )?(not|un)[ -]?support|(not|n't) support stream/i;
  if (body.stream === true) return isUnsupported.test(message) ? { streams: "never" } : undefined;
  return isNeeded.test(message) ? { streams: "always" } : undefined;
}

/** "Use the other" or "unknown parameter" is about the name; a range is about the number. */
function maxTokens({ target, message, body, sent }: Rejection): Change | undefined {
  const name = sent.maxTokens;
  const value = body[name];
  if (typeof value !== "number") return undefined;
  const isNamed = namesIn(message).some((word) => word.name === name);
  if (!isNamed && !/max_?(imum )?(new_?|output_?|completion_?)?tokens/i.test(message)) {
    return undefined;
  }
  const limit = limitIn(message, value);
  // A lower number can only be a minimum, which some upstreams have.
  const isCredible = limit !== undefined && (limit.max ?? MIN_LIMIT) >= MIN_LIMIT;
  if (isCredible && RANGE_REGEXP.test(message)) return withLimit(sent, "max_tokens", limit);
  if (!REFUSED_REGEXP.test(message) || name !== defaultCapabilities(target).maxTokens) {
    return { maxTokens: "none" };
  }
  return { maxTokens: name === "max_tokens" ? "max_completion_tokens" : "max_tokens" };
}

const MIN_LIMIT = 16;

function formatsWithTools({ message, body, sent }: Rejection): Change | undefined {
  const isSent = body.response_format !== undefined && body.tools !== undefined;
  const isAboutBoth = says(
    message,
    /tool|function/i,
    /json|mime|format|grammar|schema|structured/i,
  );
  return isSent && sent.formatsWithTools && isAboutBoth ? { formatsWithTools: false } : undefined;
}

/** Maximum number of rejected fields that are remembered: clients choose their names. */
const MAX_REJECTED = 100;

function added(names: readonly string[], ...rejected: readonly string[]): string[] {
  return [...names, ...rejected].slice(-MAX_REJECTED);
}

/** Fields without which a message has another meaning. */
const MESSAGE_FIELDS = new Set(["role", "content", "tool_calls", "tool_call_id"]);

function messageFields({ message, body: { messages }, sent }: Rejection): Change | undefined {
  if (!/messages/i.test(message) || !REFUSED_REGEXP.test(message)) return undefined;
  const rejected = namesIn(message).filter(({ name, isQuoted }) =>
    isQuoted && !MESSAGE_FIELDS.has(name) && messages.some((sent) => Object.hasOwn(sent, name))
  ).map(({ name }) => name);
  if (rejected.length === 0) return undefined;
  return { rejectedMessageFields: added(sent.rejectedMessageFields, ...rejected) };
}

function textParts({ message, body: { messages }, sent }: Rejection): Change | undefined {
  const isSent = sent.textParts && messages.some(({ content }) => Array.isArray(content));
  const isAboutType = says(
    message,
    /sequence|array|list|content/i,
    /expected|must|should|valid|unmarshal/i,
    /\bstr/i,
  );
  return isSent && isAboutType ? { textParts: false } : undefined;
}

function nullContent({ message, body: { messages }, sent }: Rejection): Change | undefined {
  const isSent = sent.nullContent && messages.some(({ content }) => content === null);
  const isAboutNull = says(
    message,
    /content/i,
    /null|none|nil|must|should|required|missing|string/i,
  );
  return isSent && isAboutNull ? { nullContent: false } : undefined;
}

/** Fields that other lessons are about, or without which the request has another meaning. */
const OTHER_FIELDS = new Set(["model", "messages", "stream", "tools", "response_format"]);

/** Fields whose names occur in other sentences too. */
const ORDINARY_WORDS = new Set(["stop", "user", "n", "seed", "store", "metadata", "prediction"]);

function fields({ message, body, sent }: Rejection): Change | undefined {
  const rejected = namesIn(message).filter(({ name, isQuoted }) =>
    Object.hasOwn(body, name) && !OTHER_FIELDS.has(name) && name !== sent.maxTokens &&
    (isQuoted || !ORDINARY_WORDS.has(name))
  ).map(({ name }) => name);
  const [name] = rejected;
  if (name === undefined) return undefined;
  // Of two fields that exclude each other, each is accepted alone.
  if (/cannot both|not both|only one/i.test(message)) {
    return { rejectedFields: added(sent.rejectedFields, rejected.at(-1)!) };
  }
  const value = body[name];
  const limit = typeof value === "number" && RANGE_REGEXP.test(message)
    ? limitIn(message, value)
    : undefined;
  if (rejected.length === 1 && limit !== undefined) return withLimit(sent, name, limit);
  return { rejectedFields: added(sent.rejectedFields, ...rejected) };
}

function formats({ message, body, sent }: Rejection): Change | undefined {
  const isAboutFormat =
    /response_?format|json_?schema|json_?object|json[ _](mode|validate)|structured|guided|grammar|schema/i;
  // A rejection without a reason is most often about the newest feature in the request.
  const isWithoutReason = /^[\w ]{0,30}(invalid|bad) request\W*$|^\W*$/i;
  const format = body.response_format?.type;
  return format !== undefined && (isAboutFormat.test(message) || isWithoutReason.test(message))
    ? withoutFormat(sent, format)
    : undefined;
}

/** Words about the number of samples. */
const SAMPLES_REGEXP =
  /(?:^|[\s"'`([])n["'`)\]]?\s{0,3}(?:[=!<>:]|must|should|has|is\b|can|greater|larger)|\b(?:only one|only a single|only 1|multiple|more than one) (?:completion |chat )?(?:choice|completion|sample|generation)/i;

/** Some reject samples together with a stream, or with something else that they support alone. */
function samples({ message, body: { n }, sent }: Rejection): Change | undefined {
  if (typeof n !== "number" || n < 2 || !SAMPLES_REGEXP.test(message)) return undefined;
  const max = RANGE_REGEXP.test(message) ? limitIn(message, n)?.max ?? 1 : 1;
  return max > 1
    ? withLimit(sent, "n", { max })
    : { rejectedFields: added(sent.rejectedFields, "n") };
}

/** Several samples are never necessary, so what else a rejection may mean is found without them. */
function anythingElse({ body, sent }: Rejection): Change | undefined {
  return Number(body.n) > 1 ? { rejectedFields: added(sent.rejectedFields, "n") } : undefined;
}

function hasToolCalls(messages: UpstreamBody["messages"]): boolean {
  return messages.some(({ tool_calls }) => tool_calls !== undefined);
}

/** Names that upstreams use for the fields of the body. */
const ALIASES = new Map([["stop_sequences", "stop"]]);

/** The words of a message that may name a field, and whether they are marked as a name. */
function namesIn(message: string): { name: string; isQuoted: boolean }[] {
  const text = message.replace(/did you mean.*/i, "");
  const names = new Map<string, boolean>();
  for (const { 0: word, index } of text.matchAll(/[a-z_]\w*/gi)) {
    const name = ALIASES.get(word) ?? snakeCase(word);
    const before = text.charAt(index - 1);
    const after = text.charAt(index + word.length);
    const isQuoted = after === ":" || /["'`.([]/.test(before) && /["'`:.)\],]|^$/.test(after);
    names.set(name, isQuoted || (names.get(name) ?? false));
  }
  return [...names].map(([name, isQuoted]) => ({ name, isQuoted }));
}

/** Some upstreams call `presence_penalty` presencePenalty. */
function snakeCase(word: string): string {
  return word.replace(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Returns the bound on the side of the value that was sent, if the message names one. */
function limitIn(message: string, value: number): Limit | undefined {
  const numbers = [...message.matchAll(/(?<![\w.])\d{1,9}(\.\d{1,4})?(?![\w.]*\w)/g)]
    .map(([text]) => Number(text));
  const isExclusive = /exclusive|(lower|less|smaller) than (?!or equal)|(?<![<≤])< \d/i.test(
    message,
  );
  const step = isExclusive && Number.isInteger(value) ? 1 : 0;
  const max = Math.max(...numbers.filter((number) => number - step < value));
  const min = Math.min(...numbers.filter((number) => number > value));
  if (/at least|minimum|>=|greater than or/i.test(message) && min !== Infinity) return { min };
  if (max > 0) return { max: max - step };
  return min === Infinity ? undefined : { min };
}

function withLimit({ limits }: Capabilities, name: string, limit: Limit): Change {
  return { limits: { ...limits, [name]: { ...limits[name], ...limit } } };
}

/**
 * Returns the limit to try instead of `maxTokens`, or "none", if the prompt fits into the context and
 * the limit does not. Applies to this prompt only.
 */
export function roomIn(message: string, maxTokens: number): number | "none" | undefined {
  const context =
    /(?:context (?:length|window|size)(?: is| of)?|must be <=|: \d{1,9} \+ \d{1,9} >)\D{0,20}(\d{1,9})/i
      .exec(message)?.[1];
  const prompt =
    /(at least )?(\d{1,9}) (?:input tokens|prompt tokens|`inputs`|in the (?:messages|prompt))|: (\d{1,9}) \+ \d{1,9} >/i
      .exec(message);
  const room = Number(context) - Number(prompt?.[2] ?? prompt?.[3]);
  if (!(room >= MIN_LIMIT && room < maxTokens)) return undefined;
  return prompt?.[1] === undefined ? room : "none";
}
