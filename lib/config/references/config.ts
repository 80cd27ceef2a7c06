/**
 * Checks across several keys of config.yaml. They run whatever else is wrong with the file, so that
 * one load reports every fault.
 */
import { FORMATS } from "../../api/formats/format.ts";
import type { z } from "zod";
import { EFFORT_ROUTES } from "../../reasoning/effort.ts";
import type { StrategyTable } from "../../reasoning/strategy.ts";
import { DEFAULT_UPSTREAM, resolveDefaults } from "../defaults.ts";
import type { Path } from "../faults/fault.ts";
import { suggestion } from "../faults/suggestion.ts";
import { defaultModelStrategies } from "../published_models.ts";
import { keys, usdLimits } from "./keys.ts";
import { anything, mapping, record, text } from "./lenient.ts";
import { checkNames, modelOf, upstreamsOf } from "./models.ts";

/** The names of all strategies, whose files may be faulty, and their paths. */
export const lenientStrategies = mapping({ strategies: record(text) });

/**
 * Returns the schema of all references.
 *
 * @param table the strategies that could be loaded.
 */
export function references(table: StrategyTable): z.ZodType {
  return settings(table).superRefine((config, ctx) => check(config, table, ctx));
}

const settings = (table: StrategyTable) =>
  mapping({
    default_api_url: text,
    default_model: text,
    upstreams: record(mapping({ base_url: text, price: anything })),
    models: record(modelOf(table)),
    formats: record(anything),
    keys,
    limits: mapping(usdLimits),
    tools: record(anything),
    routing: mapping({ effort: record(text), pro: text }),
    strategies: record(text),
  });

function check(
  config: z.output<ReturnType<typeof settings>>,
  table: StrategyTable,
  ctx: z.core.$RefinementCtx,
): void {
  const { default_api_url: url, upstreams, models, formats, keys } = config;
  const report = (path: Path, message: string, at?: Path) =>
    ctx.addIssue({ code: "custom", path: [...path], params: { at }, message });

  const defaults = resolveDefaults(config);
  if (url !== undefined && Object.hasOwn(upstreams, DEFAULT_UPSTREAM)) {
    const message = "is the name of the upstream at default_api_url; choose another";
    report(["upstreams", DEFAULT_UPSTREAM], message);
  }
  for (const name of FORMATS.filter((name) => Object.hasOwn(formats, name))) {
    report(["formats", name], "is the name of a built-in format; choose another");
  }

  const upstream = defaults.publishedUpstream;
  const upstreamModel = defaults.model([upstream]);
  const ownIds = Object.keys(models);
  if (ownIds.length === 0 && upstreamModel === undefined) {
    const isDefault = defaults.upstream === DEFAULT_UPSTREAM;
    const provider = isDefault ? "provider at default_api_url" : `upstream '${upstream}'`;
    report(
      ["default_model"],
      `is missing; name a model of the ${provider}, or publish your own models under 'models'`,
      isDefault ? ["default_api_url"] : ["upstreams", upstream],
    );
  }
  const strategyNames = [...new Set([...Object.keys(table), ...Object.keys(config.strategies)])];
  const checkStrategy = (path: Path, name: string | undefined, names = strategyNames) => {
    if (!name || names.includes(name)) return;
    report(path, `unknown strategy${suggestion(name, names)}`);
  };
  checkStrategy(["routing", "pro"], config.routing.pro);
  const routeNames = [
    ...strategyNames.filter((name) => !("route" in (table[name] ?? {}))),
    "vote_or_moa",
  ];
  for (const [effort, route] of Object.entries(config.routing.effort)) {
    checkStrategy(["routing", "effort", effort], route, routeNames);
  }
  const routes = Object.entries(config.routing.effort).filter(([, route]) => route !== undefined);
  const names = {
    defaults,
    formats: [...FORMATS, ...Object.keys(formats)],
    tools: config.tools,
    routes: { ...EFFORT_ROUTES, ...Object.fromEntries(routes) },
    strategies: table,
  };
  for (const [id, model] of Object.entries(models)) {
    checkStrategy(["models", id, "strategy"], model.strategy);
    checkNames(model, ["models", id], names, ctx);
  }

  const ids = ownIds.length > 0 ? ownIds : [...defaultModelStrategies(upstreamModel, table).keys()];
  for (const [index, { models }] of keys.entries()) {
    for (const [position, id] of models.entries()) {
      if (id === undefined || ids.includes(id)) continue;
      const message = `there is no model '${id}'${suggestion(id, ids)}`;
      report(["keys", index, "models", position], message);
    }
  }
  /** Reports the upstreams without a price that one of the models can use. */
  const checkPrices = (path: Path, allowed: readonly string[]) => {
    const used = ownIds.length === 0 ? [upstream] : allowed.flatMap((id) => {
      const model = models[id];
      return model === undefined ? [] : upstreamsOf(model, defaults);
    });
    for (const name of new Set(used)) {
      if (!defaults.baseUrls.has(name) || upstreams[name]?.price !== undefined) continue;
      const advice = Object.hasOwn(upstreams, name)
        ? `set upstreams.${name}.price`
        : "describe the upstream at default_api_url under 'upstreams', with its price";
      report(path, `can't be kept, because an upstream has no price; ${advice}`);
    }
  };
  for (const id of ownIds) {
    if (models[id]?.caps.usd !== undefined) checkPrices(["models", id, "caps", "usd"], [id]);
  }
  const holders = keys.map((key, index) => [["keys", index], key, key.models] as const);
  for (const [path, limits, own] of [[["limits"], config.limits, []] as const, ...holders]) {
    const allowed = own.filter((id) => id !== undefined);
    for (const field of ["daily_usd", "monthly_usd"] as const) {
      if (limits[field] !== undefined) {
        checkPrices([...path, field], allowed.length > 0 ? allowed : ids);
      }
    }
  }
}
