/**
 * The models that clients see: those of the file, or the usual ones where it names none.
 *
 * @module
 */
import { type Format, FORMATS, type TemplateFormat } from "../api/formats/format.ts";
import type { Caps, ReasoningModel } from "../reasoning/request.ts";
import { strategies } from "../reasoning/strategies/mod.ts";
import type { StrategyTable } from "../reasoning/strategy.ts";
import { modelSchema } from "./schema/models.ts";
import type { Config, ModelConfig } from "./schema/config.ts";
import { createTargetTable, type TargetTable } from "./target_table.ts";
import { defaultModel, publishedUpstream } from "./defaults.ts";

/** A model as clients see it. */
export interface PublishedModel {
  /** How it reasons, and over which upstreams. */
  reasoning: ReasoningModel;
  /** Where its reasoning goes if the request does not say. */
  format: Format;
}

/** What gives `o1` the original's limit of 25 steps, for files with its keys alone. */
const ORIGINAL_EFFORT = "xhigh";

/** Every model of a validated configuration, in order. */
export function publishedModels(config: Config): PublishedModel[] {
  const table = createTargetTable(config);
  const own = Object.entries(config.models);
  const models = own.length > 0 ? own : usualModels(config, table);
  return models.map(([id, model]) => publish(id, model, config, table));
}

/** The ids that are published where the file names none, over an upstream model of this name. */
export function usualIds(
  model: string | undefined,
  table: StrategyTable = strategies,
): string[] {
  const usual = Object.values(table).flatMap(({ publishedAs }) => publishedAs ?? []);
  // An upstream model that is itself called o1 stays behind ours of that name.
  return model === undefined || usual.includes(model) ? usual : [...usual, model];
}

function usualModels(
  config: Config,
  table: TargetTable,
): [string, ModelConfig][] {
  const upstream = publishedUpstream(table.defaults);
  const model = defaultModel(table.defaults, [upstream]) ?? "";
  const isOriginal = config.default_api_url !== undefined;
  const entry = (id: string, strategy: string): [string, ModelConfig] => [id, {
    ...modelSchema.parse({
      strategy,
      upstream,
      model,
      ...(isOriginal && id === "o1" ? { effort: ORIGINAL_EFFORT } : {}),
    }),
    prompts: {},
  }];
  const strategyOf = new Map(
    Object.entries(strategies).map(([name, { publishedAs }]) => [publishedAs, name]),
  );
  return usualIds(model).map((id) => entry(id, strategyOf.get(id) ?? "direct"));
}

function publish(
  id: string,
  model: ModelConfig,
  config: Config,
  table: TargetTable,
): PublishedModel {
  const targets = table.targets(model.upstream, model.model);
  const { calls, tokens, usd } = model.caps;
  const caps: Caps = { calls, tokens, ...(usd === undefined ? {} : { usd }) };
  return {
    reasoning: {
      id,
      strategy: model.strategy,
      options: strategies[model.strategy]!.options.parse(model.options),
      targets,
      roles: Object.fromEntries(
        Object.entries(model.roles).map(([role, other]) => [
          role,
          table.targets(other.upstream ?? model.upstream, other.model),
        ]),
      ),
      effort: model.effort,
      modifiers: model.modifiers,
      prompts: model.prompts,
      routes: config.routing.effort,
      directWhen: config.routing.direct_when.map((pattern) => new RegExp(pattern, "i")),
      ...(model.system_prompt ? { systemPrompt: model.system_prompt } : {}),
      caps,
      statusLines: config.stream_status_feedback,
    },
    format: formatOf(model, config),
  };
}

function formatOf(model: ModelConfig, config: Config): Format {
  const name = model.format;
  const builtIn = FORMATS.find((known) => known === name);
  if (builtIn !== undefined) return builtIn;
  const own = name === undefined ? undefined : config.formats[name];
  if (own !== undefined) {
    const { step, answer, total } = own;
    const format: TemplateFormat = {
      step,
      answer,
      ...(total === undefined ? {} : { total }),
    };
    return format;
  }
  if (config.use_regex_processing === undefined) return "both";
  return config.use_regex_processing ? "markdown" : "details_steps";
}
