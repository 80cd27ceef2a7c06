import type { z } from "zod";
import { contentText } from "../upstream/target.ts";
import { callsTools, lastQuestion, withoutOldThinking } from "./conversation.ts";
import { isThinking } from "./effort.ts";
import { modifierOptions } from "./modifiers.ts";
import { templateOf } from "./overrides.ts";
import { fill } from "./prompts.ts";
import {
  type ReasoningModel,
  type ReasoningRequest,
  RequestError,
  type ThinkingEffort,
} from "./request.ts";
import { strategies } from "./strategies/mod.ts";
import type { Strategy, StrategyTable } from "./strategy.ts";

/** Everything about a run that is decided before it starts. */
export interface RunPlan {
  model: ReasoningModel;
  /** The request, with the conversation as it is sent upstream. */
  request: ReasoningRequest;
  /** Name of the strategy that runs. */
  name: string;
  strategy: Strategy;
  prompt: (name: string, values?: Readonly<Record<string, string>>) => string;
  /** Validated options with defaults filled in. */
  options: Record<string, unknown>;
  /** Undefined if one plain call answers, whatever the strategy. */
  effort: ThinkingEffort | undefined;
  /** Whether every call repeats the question. */
  re2: boolean;
  /** Maximum number of follow-ups. */
  followUps: number;
  /** Number of thinking calls that start together at first. */
  firstWave: number;
  /** Kinds of tools that the server runs for its calls. */
  tools: readonly string[];
}

/** Length of the part of a text in which a utility request is recognized, in characters. */
const UTILITY_PREFIX = 2_000;

export interface PlanOptions {
  /** Maximum of a request's options that set a number of samples. Default: no limit. */
  maxSamples?: number;
  table?: StrategyTable;
}

/**
 * Decides what a request runs on a published model.
 *
 * @throws {RequestError} if the request names an unknown strategy or an invalid option.
 */
export function planRun(
  model: ReasoningModel,
  request: ReasoningRequest,
  { maxSamples = Infinity, table = strategies }: PlanOptions = {},
): RunPlan {
  const isUtility = isUtilityRequest(model, request);
  const isPlain = isUtility || continuesAnswer(request);
  const requested = isPlain
    ? "direct"
    : request.strategy ?? (request.isPro ? model.proStrategy : model.strategy);
  if (!Object.hasOwn(table, requested)) throw unknownStrategy(requested, table);
  const entry = table[requested]!;
  const effort = request.effort ?? model.effort;
  const isRouter = "route" in entry;
  const name = isRouter ? entry.route(request, effort, model.routes) : requested;
  // Routers lead to strategies only.
  const strategy = table[name] as Strategy;

  if ((request.choices ?? 1) > maxSamples) throw tooMany("n", maxSamples);
  const own = name === model.strategy ? model.options : undefined;
  const { re2, wait, tools, ...changes } = request.options ?? {};
  const isChanged = request.options !== undefined;
  const options = own !== undefined && !isChanged
    ? own
    : parse(strategy.options, { ...own, ...changes }, name);
  for (const option of strategy.sampleOptions ?? []) {
    if (Object.hasOwn(changes, option) && Number(options[option]) > maxSamples) {
      throw tooMany(`reasoning.${option}`, maxSamples);
    }
  }
  const modifiers = !isChanged ? model.modifiers : parse(modifierOptions, {
    re2: re2 === undefined ? model.modifiers.re2 : re2,
    wait: wait === undefined ? model.modifiers.wait : wait,
  }, name);

  // A router answers each turn of a loop with one call.
  const isLoop = callsTools(request.messages);
  const thinks = !isPlain && isThinking(effort);
  const hasFollowUps = strategy.followUps !== undefined;
  if (thinks && !hasFollowUps && !isRouter && wait !== undefined && modifiers.wait) {
    const message = `Invalid value for 'reasoning.wait': '${name}' has no follow-ups.`;
    throw new RequestError("reasoning.wait", message);
  }
  return {
    model,
    request: { ...request, messages: upstreamMessages(model, request) },
    name,
    strategy,
    prompt: (prompt, values = {}) => fill(templateOf(model, name, prompt, table), values),
    options,
    effort: thinks && name !== "direct" ? effort : undefined,
    re2: thinks && modifiers.re2,
    firstWave: thinks ? strategy.firstWave?.(options as never, effort) ?? 0 : 0,
    tools: isUtility ? [] : toolsOf(model, tools),
    followUps: thinks && hasFollowUps
      ? modifiers.wait ?? (isRouter && isLoop ? 0 : strategy.followUps!(effort))
      : 0,
  };
}

/** Whether a chat app asks something for itself, such as a title, so that thinking is a waste. */
function isUtilityRequest({ directWhen }: ReasoningModel, request: ReasoningRequest): boolean {
  if (request.strategy !== undefined || request.effort !== undefined) return false;
  const question = lastQuestion(request.messages).slice(0, UTILITY_PREFIX);
  // Whatever its role: Open WebUI sends its system prompt as the user's to a model called o1-mini.
  const prompt = contentText(request.messages[0]?.content).slice(0, UTILITY_PREFIX);
  return directWhen.some(({ system, user }) => user.test(question) && system.test(prompt));
}

/** Whether the client has begun the answer, which only a plain call can continue. */
function continuesAnswer({ strategy, messages }: ReasoningRequest): boolean {
  const last = messages.at(-1);
  return strategy === undefined && last?.role === "assistant" && !last.tool_calls;
}

function unknownStrategy(name: string, table: StrategyTable): RequestError {
  const names = Object.keys(table).join(", ");
  return new RequestError(
    "reasoning.strategy",
    `Unknown strategy '${name.slice(0, 60)}'. Known strategies are: ${names}.`,
  );
}

/** Returns the model's tools, or those of them that the request wants. */
function toolsOf({ serverTools }: ReasoningModel, wanted: unknown): readonly string[] {
  if (wanted === undefined) return serverTools;
  const isSubset = Array.isArray(wanted) && wanted.every((name) => serverTools.includes(name));
  if (isSubset) return serverTools.filter((name) => wanted.includes(name));
  const problem = serverTools.length === 0
    ? "no tools are available"
    : `expected a list of the model's tools, which are ${JSON.stringify(serverTools)}`;
  throw new RequestError("reasoning.tools", `Invalid value for 'reasoning.tools': ${problem}.`);
}

function tooMany(param: string, maxSamples: number): RequestError {
  const message =
    `Invalid value for '${param}': expected at most ${maxSamples} (server.max_samples).`;
  return new RequestError(param, message);
}

function upstreamMessages({ systemPrompt }: ReasoningModel, { messages }: ReasoningRequest) {
  const conversation = withoutOldThinking(messages);
  if (systemPrompt !== undefined) conversation.unshift({ role: "system", content: systemPrompt });
  return conversation;
}

function parse<Schema extends z.ZodObject>(
  schema: Schema,
  value: unknown,
  strategy: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  if (issue.code === "unrecognized_keys") {
    const param = `reasoning.${issue.keys[0]!.slice(0, 60)}`;
    const names = Object.keys({ strategy, ...schema.shape, ...modifierOptions.shape, tools: "" })
      .join(", ");
    const message = `Unknown parameter: '${param}'. The strategy '${strategy}' knows: ${names}.`;
    throw new RequestError(param, message);
  }
  const path = ["reasoning", ...issue.path].join(".");
  throw new RequestError(path, `Invalid value for '${path}': ${expectedBy(issue)}.`);
}

function expectedBy(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `expected a ${issue.expected === "int" ? "whole number" : issue.expected}`;
    case "too_small":
      return `expected at least ${issue.minimum}`;
    case "too_big":
      return `expected at most ${issue.maximum}`;
    case "invalid_value":
      return `expected ${issue.values.join(" or ")}`;
    default:
      return issue.message;
  }
}
