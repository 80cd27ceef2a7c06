/**
 * Checks across several keys of config.yaml. They run whatever else is wrong with the file, so that
 * one load reports every fault.
 */
import { FORMATS } from "../../api/formats/format.ts";
import { EFFORT_ROUTES } from "../../reasoning/effort.ts";
import type { StrategyTable } from "../../reasoning/strategy.ts";
import { DEFAULT_UPSTREAM, resolveDefaults } from "../defaults.ts";
import type { Fault, Path, Report } from "../faults/fault.ts";
import { suggestion } from "../faults/suggestion.ts";
import { defaultModelStrategies } from "../published_models.ts";
import { checkKeys } from "./keys.ts";
import type { LenientConfig } from "./lenient.ts";
import { checkModel, upstreamsOf } from "./models.ts";

/** @param table the strategies that could be loaded. */
export function checkReferences(config: LenientConfig, table: StrategyTable): Fault[] {
  const faults: Fault[] = [];
  const report: Report = (path, message, at) => faults.push({ path, message, at });
  const { default_api_url: url, upstreams, models, formats, keys } = config;
  checkKeys(keys, report);
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
    checkModel(model, names, (path, ...more) => report(["models", id, ...path], ...more));
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
  return faults;
}
