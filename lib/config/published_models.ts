import { type Format, FORMATS } from "../api/formats/format.ts";
import type { ModelFacts } from "../api/models.ts";
import type { ReasoningModel } from "../reasoning/request.ts";
import { strategies } from "../reasoning/strategies/mod.ts";
import type { StrategyTable } from "../reasoning/strategy.ts";
import type { Config, ModelConfig } from "./schema/config.ts";
import { modelSchema } from "./schema/models.ts";
import { createTargetTable, type TargetTable } from "./target_table.ts";

/** A model as clients see it. */
export interface PublishedModel {
  reasoning: ReasoningModel;
  /** Format of the reasoning in requests that set none. */
  format: Format;
  /** What the list of models says about it, as far as it is configured. */
  facts: ModelFacts;
}

/** Effort of `o1` with the original's keys: it gives the original's limit of 25 steps. */
const ORIGINAL_EFFORT = "xhigh";

/** Returns every model of a validated configuration in order. */
export function publishedModels(config: Config, strategies: StrategyTable): PublishedModel[] {
  const table = createTargetTable(config);
  const configured = Object.entries(config.models);
  const models = configured.length > 0 ? configured : defaultModels(config, table, strategies);
  return models.map(([id, model]) => {
    const options = strategies[model.strategy]!.options.parse(model.options);
    return publish(id, { ...model, options }, config, table);
  });
}

/**
 * Returns the models that are published if the file configures none, as a map from id to strategy.
 *
 * @param upstreamModel name of the upstream model, which is published too. Ours come first, if it
 *   has the same name as one of them.
 */
export function defaultModelStrategies(
  upstreamModel: string | undefined,
  table: StrategyTable = strategies,
): Map<string, string> {
  const models = new Map<string, string>();
  for (const [strategy, { publishedAs: id }] of Object.entries(table)) {
    if (id !== undefined) models.set(id, strategy);
  }
  if (upstreamModel !== undefined && !models.has(upstreamModel)) {
    models.set(upstreamModel, "direct");
  }
  return models;
}

function defaultModels(
  config: Config,
  { defaults }: TargetTable,
  strategies: StrategyTable,
): [string, ModelConfig][] {
  const upstream = defaults.publishedUpstream;
  const model = defaults.model([upstream]) ?? "";
  const isOriginal = config.default_api_url !== undefined;
  return [...defaultModelStrategies(model, strategies)].map(([id, strategy]) => {
    const effort = isOriginal && id === "o1" ? ORIGINAL_EFFORT : undefined;
    return [id, { ...modelSchema.parse({ strategy, upstream, model, effort }), prompts: {} }];
  });
}

function publish(
  id: string,
  model: ModelConfig,
  config: Config,
  table: TargetTable,
): PublishedModel {
  const { strategy, effort, modifiers, prompts, system_prompt: systemPrompt } = model;
  const { context_length, input_modalities, output_modalities } = model;
  const roles = Object.entries(model.roles).map(([role, { upstream, model: upstreamModel }]) => [
    role,
    table.targets(upstream ?? model.upstream, upstreamModel),
  ]);
  return {
    reasoning: {
      id,
      strategy,
      options: model.options,
      targets: table.targets(model.upstream, model.model),
      roles: Object.fromEntries(roles),
      effort,
      modifiers,
      prompts,
      routes: config.routing.effort,
      proStrategy: config.routing.pro,
      directWhen: config.routing.direct_when.map((entry) => {
        const { user, system } = typeof entry === "string" ? { user: entry, system: "" } : entry;
        return { user: new RegExp(user, "i"), system: new RegExp(system, "i") };
      }),
      ...(systemPrompt ? { systemPrompt } : {}),
      caps: model.caps,
      toolsCharacters: config.thinking.tools_characters,
      serverTools: model.tools,
      maxToolCalls: model.max_tool_calls,
      ...(context_length === undefined ? {} : { contextTokens: context_length }),
      ...(Object.keys(model.body).length > 0 ? { body: model.body } : {}),
      statusLines: config.stream_status_feedback,
    },
    format: resolveFormat(model.format, config),
    facts: { context_length, input_modalities, output_modalities },
  };
}

function resolveFormat(name: string | undefined, config: Config): Format {
  const { formats, use_regex_processing: usesMarkdown } = config;
  if (name !== undefined) return FORMATS.find((format) => format === name) ?? formats[name]!;
  return usesMarkdown === undefined ? "both" : usesMarkdown ? "markdown" : "details_steps";
}
