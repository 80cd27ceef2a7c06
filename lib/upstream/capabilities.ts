import type { UpstreamError } from "./errors.ts";
import { isSystemMessage, type JsonFormat, type Target, type UpstreamMessage } from "./target.ts";

/** What an upstream model supports, and how it wants to be called. */
export interface Capabilities {
  /** Types of response formats that may work for the schema, the strictest first. */
  formats: readonly ResponseFormatType[];
  /** An answer has followed the schema. */
  followsSchema: boolean;
  /** Has reasoned without being told to. */
  reasons: boolean;
  /** Supports `stream_options`. */
  streamOptions: boolean;
  /** Name of the field for the maximum number of generated tokens. */
  maxTokens: "max_tokens" | "max_completion_tokens" | "none";
  /** Supports more than one system message. */
  manySystemMessages: boolean;
  /** Supports the role `developer`. */
  developerRole: boolean;
  /** Requires the reasoning of tool calls with their results. */
  toolReasoning: boolean;
}

/** The parts of a request body that an upstream may reject. */
export interface UpstreamBody extends Record<string, unknown> {
  messages: readonly UpstreamMessage[];
  response_format?: { type: ResponseFormatType; [field: string]: unknown };
}

export type ResponseFormatType = "json_schema" | "json_object";

/**
 * What one request knows of upstream models. A lesson applies to the rest of the request at once,
 * and to later requests of the same owner once a request that heeds it has succeeded. It never
 * applies to other owners, and one about formats only to the same schema: the cause may be a
 * mistake of the client.
 */
export interface RequestCapabilities {
  get(target: Target, json?: JsonFormat): Readonly<Capabilities>;
  /**
   * Learns from a rejection.
   *
   * @param sent the capabilities that the rejected body was built for.
   * @returns whether a body for the new capabilities may succeed.
   */
  learn(
    target: Target,
    json: JsonFormat | undefined,
    error: UpstreamError,
    sent: Readonly<Capabilities>,
    body: UpstreamBody,
  ): boolean;
  /**
   * Called when an upstream has begun to answer.
   *
   * @param sent the capabilities that the body was built for.
   */
  accepted(target: Target, json: JsonFormat | undefined, sent: Readonly<Capabilities>): void;
  /** Called when a model has reasoned. */
  reasoned(target: Target): void;
  /** Called when an answer has followed its format. */
  followed(target: Target, json: JsonFormat): void;
  /** Called when an answer has ignored the format that was sent. */
  ignored(target: Target, json: JsonFormat): void;
}

/** Returns the strictest format that the upstream supports. */
export function formatTypeFor(
  capabilities: Readonly<Capabilities>,
  hasSchema: boolean,
): ResponseFormatType | undefined {
  return capabilities.formats.find((type) => hasSchema || type === "json_object");
}

const FORMAT_REGEXP =
  /response_?format|json_?schema|json_?object|json[ _](mode|validate)|structured|guided|grammar|schema/i;
const NO_REASON_REGEXP = /^[\w ]{0,30}(invalid|bad) request\W*$|^\W*$/i;
const UNKNOWN_FIELD_REGEXP =
  /unsupported|not supported|unknown|unrecognized|unexpected|extra|not permitted|not allowed|invalid param|instead/i;
const SYSTEM_REGEXP =
  /(multiple|single|one|only|first|second|begin|start|additional)\W.*\bsystem\b|\bsystem\b.*\b(multiple|single|one|only|first|begin|start|alternat)|roles must alternate/i;

/** Assumed of an upstream until it shows otherwise. */
function defaultCapabilities({ upstream }: Target): Capabilities {
  return {
    formats: ["json_schema", "json_object"],
    followsSchema: false,
    reasons: false,
    streamOptions: true,
    maxTokens: upstream.base_url.includes("//api.openai.com")
      ? "max_completion_tokens"
      : "max_tokens",
    manySystemMessages: true,
    developerRole: true,
    toolReasoning: false,
  };
}

/** Returns the capabilities that a rejection disproves. */
function corrections(
  target: Target,
  said: string,
  sent: Readonly<Capabilities>,
  body: UpstreamBody,
): Partial<Capabilities> | undefined {
  const { messages } = body;
  if ("stream_options" in body && /stream_?options|include_usage/i.test(said)) {
    return { streamOptions: false };
  }
  // "Use the other" or "unknown parameter" is about the name; a range is about the number.
  if (
    sent.maxTokens in body && new RegExp(`(?<!_)\\b${sent.maxTokens}\\b`).test(said) &&
    UNKNOWN_FIELD_REGEXP.test(said)
  ) {
    if (sent.maxTokens !== defaultCapabilities(target).maxTokens) return { maxTokens: "none" };
    return { maxTokens: sent.maxTokens === "max_tokens" ? "max_completion_tokens" : "max_tokens" };
  }
  if (
    messages.some((message) => message.tool_calls !== undefined) && /reasoning_content/i.test(said)
  ) {
    // Some reject a tool's result without it, others reject the field itself.
    return { toolReasoning: !UNKNOWN_FIELD_REGEXP.test(said) };
  }
  if (messages.some(({ role }) => role === "developer") && /developer/i.test(said)) {
    return { developerRole: false };
  }
  if (messages.filter(isSystemMessage).length > 1 && SYSTEM_REGEXP.test(said)) {
    return { manySystemMessages: false };
  }
  // A rejection without a reason is most often about the newest feature in the request.
  const format = body.response_format?.type;
  if (format !== undefined && (FORMAT_REGEXP.test(said) || NO_REASON_REGEXP.test(said))) {
    return withoutFormat(sent, format);
  }
}

function withoutFormat(
  { formats }: Readonly<Capabilities>,
  format: ResponseFormatType | undefined,
): Partial<Capabilities> {
  return { formats: formats.filter((type) => type !== format) };
}

/** Lessons by what they are about: a model, or a model and a schema. */
type Lessons = Map<string, Partial<Capabilities>>;

/** Maximum number of lessons of an owner; the oldest are forgotten. */
const MAX_LESSONS = 500;

/** Longer subjects, which contain the schema, are not remembered. */
const MAX_SUBJECT_LENGTH = 20_000;

/** Creates what all requests know, for as long as the process lives. */
export function createCapabilityMemory(): { forRequest(owner: string): RequestCapabilities } {
  const remembered = new Map<string, Lessons>();
  return {
    forRequest(owner) {
      const lessons = remembered.get(owner) ?? new Map();
      remembered.set(owner, lessons);
      return createRequestCapabilities(lessons);
    },
  };
}

function createRequestCapabilities(remembered: Lessons): RequestCapabilities {
  /** Lessons of this request that no success has confirmed yet, from rejections and answers. */
  const fromRejections: Lessons = new Map();
  const fromAnswers: Lessons = new Map();

  const modelOf = ({ upstream, model }: Target) => `${upstream.base_url}\n${model}\n`;
  const formatOf = (target: Target, { schema }: JsonFormat) =>
    modelOf(target) + JSON.stringify(schema ?? null);
  const subjectsOf = (target: Target, json: JsonFormat | undefined) =>
    json === undefined ? [modelOf(target)] : [modelOf(target), formatOf(target, json)];

  function get(target: Target, json?: JsonFormat): Readonly<Capabilities> {
    const subjects = subjectsOf(target, json);
    const lessons = [remembered, fromRejections, fromAnswers].flatMap((known) =>
      subjects.map((subject) => known.get(subject))
    );
    return Object.assign(defaultCapabilities(target), ...lessons);
  }

  function add(lessons: Lessons, subject: string, change: Partial<Capabilities>): void {
    lessons.set(subject, { ...lessons.get(subject), ...change });
  }

  function remember(subject: string, lesson: Partial<Capabilities> | undefined): void {
    if (lesson === undefined || subject.length > MAX_SUBJECT_LENGTH) return;
    add(remembered, subject, lesson);
    if (remembered.size > MAX_LESSONS) remembered.delete(remembered.keys().next().value!);
  }

  /** Remembers what a success has confirmed. */
  function confirm(lessons: Lessons, subject: string): void {
    remember(subject, lessons.get(subject));
    lessons.delete(subject);
  }

  return {
    get,
    learn(target, json, error, sent, body) {
      const { code, upstreamStatus } = error;
      if (code !== "upstream_rejected" || upstreamStatus !== 400 && upstreamStatus !== 422) {
        return false;
      }
      const change = corrections(target, error.upstreamMessage ?? "", sent, body);
      if (change === undefined) return false;
      const isAboutFormat = json !== undefined && change.formats !== undefined;
      add(fromRejections, isAboutFormat ? formatOf(target, json) : modelOf(target), change);
      return change.toolReasoning === undefined || change.toolReasoning !== sent.toolReasoning;
    },
    accepted(target, json, sent) {
      if (fromRejections.size === 0) return;
      for (const subject of subjectsOf(target, json)) {
        const lesson = Object.entries(fromRejections.get(subject) ?? {});
        // A parallel call may have learned it after this one was sent.
        const isHeeded = lesson.every(([name, value]) =>
          sent[name as keyof Capabilities] === value
        );
        if (isHeeded) confirm(fromRejections, subject);
      }
    },
    reasoned: (target) => remember(modelOf(target), { reasons: true }),
    followed(target, json) {
      const subject = formatOf(target, json);
      confirm(fromAnswers, subject);
      remember(subject, { followsSchema: get(target, json).formats.includes("json_schema") });
    },
    ignored(target, json) {
      const subject = formatOf(target, json);
      const capabilities = get(target, json);
      // Later answers are checked before they are shown, even if nothing else is learned.
      remember(subject, { followsSchema: false });
      add(
        fromAnswers,
        subject,
        withoutFormat(capabilities, formatTypeFor(capabilities, json.schema !== undefined)),
      );
    },
  };
}
