import type { UpstreamError } from "../errors/upstream_error.ts";
import type { JsonFormat, Target } from "../target.ts";
import {
  type Capabilities,
  defaultCapabilities,
  formatTypeFor,
  type UpstreamBody,
  withoutFormat,
} from "./capabilities.ts";
import { lessonOf } from "./rejection_lessons.ts";

/**
 * Capabilities of upstream models, as learned by one request. A lesson applies to the rest of the
 * request at once, and to later requests of the same owner once a request that follows it has
 * succeeded. It never applies to other owners, and one about formats only to the same schema,
 * because the cause may be a mistake of the client.
 */
export type RequestCapabilities = ReturnType<typeof createRequestCapabilities>;

/** Lessons by what they are about: a model, or a model and a schema. */
type Lessons = Map<string, Partial<Capabilities>>;

/** Maximum number of lessons of an owner; the oldest are forgotten. */
const MAX_LESSONS = 500;

/** Longer subjects, which contain the schema, are not remembered. */
const MAX_SUBJECT_LENGTH = 20_000;

/** Returns the tokens of a model's context, if they are known without a lesson. */
type ContextOf = (target: Target) => number | undefined;

/**
 * Creates the memory of confirmed lessons, which lasts as long as the process. The result returns what
 * a new request of the owner knows.
 */
export function createCapabilityMemory(
  contextOf: ContextOf,
): (owner: string) => RequestCapabilities {
  const remembered = new Map<string, Lessons>();
  const defaultsOf = (target: Target): Capabilities => ({
    ...defaultCapabilities(target),
    contextTokens: contextOf(target),
  });

  return (owner) => {
    const lessons = remembered.get(owner) ?? new Map();
    remembered.set(owner, lessons);
    return createRequestCapabilities(lessons, defaultsOf);
  };
}

function createRequestCapabilities(
  remembered: Lessons,
  defaultsOf: (target: Target) => Readonly<Capabilities>,
) {
  /** Lessons of this request that no success has confirmed yet, from rejections and answers. */
  const fromRejections: Lessons = new Map();
  const fromAnswers: Lessons = new Map();

  const modelOf = ({ upstream, model }: Target) => `${upstream.base_url}\n${model}\n`;
  const formatOf = (target: Target, { schema }: JsonFormat) =>
    modelOf(target) + JSON.stringify(schema ?? null);
  const subjectsOf = (target: Target, json: JsonFormat | undefined) =>
    json === undefined ? [modelOf(target)] : [modelOf(target), formatOf(target, json)];

  function get(target: Target, json?: JsonFormat): Readonly<Capabilities> {
    const defaults = defaultsOf(target);
    if (remembered.size + fromRejections.size + fromAnswers.size === 0) return defaults;
    const capabilities = { ...defaults };
    const subjects = subjectsOf(target, json);
    for (const source of [remembered, fromRejections, fromAnswers]) {
      for (const subject of subjects) Object.assign(capabilities, source.get(subject));
    }
    return capabilities;
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
    ): boolean {
      const { code, overflow, upstreamStatus = 0, upstreamMessage = "" } = error;
      if (overflow !== undefined) remember(modelOf(target), { contextTokens: overflow.maximum });
      const isAboutBody = upstreamStatus === 400 || upstreamStatus === 422 || upstreamStatus >= 500;
      if (code !== "upstream_rejected" || !isAboutBody) return false;
      const change = lessonOf({ target, message: upstreamMessage, sent, body });
      if (change === undefined) return false;
      const isAboutFormat = json !== undefined && change.formats !== undefined;
      add(fromRejections, isAboutFormat ? formatOf(target, json) : modelOf(target), change);
      return true;
    },
    /**
     * Called when an upstream has begun to answer.
     *
     * @param sent the capabilities that the body was built for.
     */
    accepted(target: Target, json: JsonFormat | undefined, sent: Readonly<Capabilities>): void {
      if (fromRejections.size === 0) return;
      for (const subject of subjectsOf(target, json)) {
        const lesson = Object.entries(fromRejections.get(subject) ?? {});
        // A parallel call may have learned it after this one was sent.
        const isFollowed = lesson.every(([name, value]) =>
          sent[name as keyof Capabilities] === value
        );
        if (isFollowed) confirm(fromRejections, subject);
      }
    },
    /** Called when calls have shown something about a model. */
    observed: (target: Target, facts: Partial<Capabilities>) => remember(modelOf(target), facts),
    /** Called when an upstream has given fewer samples than it was asked for. */
    gaveSamples(target: Target, samples: number): void {
      const { limits } = get(target);
      remember(modelOf(target), { limits: { ...limits, n: { max: Math.max(1, samples) } } });
    },
    /** Called when a text has shown whether it began with thinking without an opening tag. */
    openedThinking(target: Target, opened: boolean): void {
      const isSet = target.upstream.opens_thinking !== undefined;
      remember(modelOf(target), {
        ...(opened && { reasons: true }),
        ...(!isSet && { opensThinking: opened }),
      });
    },
    /** Called when an answer has followed its format. */
    followed(target: Target, json: JsonFormat): void {
      const subject = formatOf(target, json);
      confirm(fromAnswers, subject);
      remember(subject, { followsSchema: get(target, json).formats.includes("json_schema") });
    },
    /** Called when an answer has ignored the format that was sent. */
    ignored(target: Target, json: JsonFormat): void {
      const subject = formatOf(target, json);
      const capabilities = get(target, json);
      // Later answers are checked before they are shown, even if nothing else is learned.
      remember(subject, { followsSchema: false });
      add(
        fromAnswers,
        subject,
        withoutFormat(capabilities, formatTypeFor(capabilities, json.schema !== undefined, false)),
      );
    },
  };
}
