import { z } from "zod";
import { overrideNames } from "../../reasoning/overrides.ts";
import type { EffortRoutes } from "../../reasoning/request.ts";
import type { StrategyTable } from "../../reasoning/strategy.ts";
import type { Defaults } from "../defaults.ts";
import type { Path } from "../faults/fault.ts";
import { suggestion } from "../faults/suggestion.ts";
import { unknownKey, validate } from "../faults/validate.ts";
import { toolKinds } from "../../tools/mod.ts";
import { anything, list, mapping, record, text, textOrList } from "./lenient.ts";

/** What the names in a model refer to. */
export interface Names {
  defaults: Defaults;
  formats: readonly string[];
  /** The sections of `tools`; an empty one is undefined. */
  tools: Readonly<Record<string, unknown>>;
  /** The strategies that `auto` may run. */
  routes: EffortRoutes;
  strategies: StrategyTable;
}

const model = mapping({
  // An invalid name becomes one that is skipped here.
  strategy: z.string().default("direct").catch(""),
  upstream: textOrList,
  model: anything,
  format: text,
  options: record(anything),
  modifiers: mapping({ wait: z.number().default(0).catch(0) }),
  roles: record(mapping({ upstream: textOrList })),
  prompts: record(anything),
  tools: list(text),
  caps: mapping({ usd: z.number().positive().optional().catch(undefined) }),
});

type Model = z.output<typeof model>;

/** Returns the schema of a model, whose options are checked by the table's schemas. */
export function modelOf(strategies: StrategyTable): z.ZodType<Model> {
  return model.superRefine((value, ctx) => {
    const { strategy: name } = value;
    if (Object.hasOwn(strategies, name)) checkOptions(value, strategies[name]!, strategies, ctx);
  });
}

function checkOptions(
  { options, modifiers }: Model,
  strategy: StrategyTable[string],
  strategies: StrategyTable,
  ctx: z.core.$RefinementCtx,
): void {
  for (const { path, at, message } of validate(strategy.options, options).faults) {
    ctx.addIssue({ code: "custom", path: ["options", ...path], params: { at }, message });
  }
  for (const [key, max] of Object.entries(options)) {
    const minKey = key.replace(/^max_/, "min_");
    const min = options[minKey];
    if (typeof max !== "number" || typeof min !== "number" || min <= max) continue;
    const message = `must be at most ${key}, which is ${max}`;
    ctx.addIssue({ code: "custom", path: ["options", minKey], message });
  }
  if (modifiers.wait !== 0 && !("route" in strategy) && strategy.followUps === undefined) {
    const supporting = Object.entries(strategies).filter(([, other]) => "followUps" in other)
      .map(([other]) => other);
    const message = "is not supported by this strategy; strategies that support it: " +
      supporting.join(", ");
    ctx.addIssue({ code: "custom", path: ["modifiers", "wait"], message });
  }
}

/** Returns the names of all upstreams that a model can use, in any role. */
export function upstreamsOf({ upstream, roles }: Model, defaults: Defaults): string[] {
  const own = upstream ?? defaults.upstream;
  return [own, ...Object.values(roles).map((role) => role.upstream ?? own)].flat()
    .filter((name) => name !== undefined);
}

/** Checks the names in a model that refer to other parts of the file. */
export function checkNames(
  model: Model,
  base: Path,
  { defaults, formats, tools, routes, strategies }: Names,
  ctx: z.core.$RefinementCtx,
): void {
  const report = (path: Path, message: string) =>
    ctx.addIssue({ code: "custom", path: [...base, ...path], message });

  const { baseUrls } = defaults;
  const upstreams = model.upstream ?? defaults.upstream;
  if (upstreams === undefined) {
    const names = [...baseUrls.keys()].join(", ");
    report(["upstream"], `is missing; choose one of the upstreams: ${names}`);
  } else if (model.model === undefined) {
    const names = [upstreams].flat().filter((name) => name !== undefined);
    const isKnown = names.every((name) => baseUrls.has(name));
    if (isKnown && defaults.model(names) === undefined) {
      report(["model"], "is missing; set the model's name at the upstream, or default_model");
    }
  }

  const checkUpstreams = (path: Path, value: Model["upstream"]) => {
    for (const [index, name] of [value].flat().entries()) {
      if (name === undefined || baseUrls.has(name)) continue;
      const place = Array.isArray(value) ? [...path, index] : path;
      report(place, `unknown upstream${suggestion(name, [...baseUrls.keys()])}`);
    }
  };
  checkUpstreams(["upstream"], model.upstream);
  for (const [role, { upstream }] of Object.entries(model.roles)) {
    checkUpstreams(["roles", role, "upstream"], upstream);
  }

  if (model.format !== undefined && !formats.includes(model.format)) {
    report(["format"], `unknown format${suggestion(model.format, formats)}`);
  }

  for (const [index, kind] of model.tools.entries()) {
    if (kind === undefined || !Object.hasOwn(toolKinds, kind)) continue;
    const { options, needsNoSettings } = toolKinds[kind]!;
    if (needsNoSettings || tools[kind] !== undefined) continue;
    if (Object.hasOwn(tools, kind) && options.safeParse({}).success) continue;
    report(["tools", index], `needs settings; add the section tools.${kind}`);
  }

  if (!Object.hasOwn(strategies, model.strategy)) return;
  for (const field of ["prompts", "roles"] as const) {
    for (const key of Object.keys(model[field])) {
      const names = overrideNames(model.strategy, routes, key.includes("."), strategies)[field];
      if (names.includes(key)) continue;
      ctx.addIssue({
        code: "unrecognized_keys",
        input: model[field],
        path: [...base, field],
        keys: [key],
        message: unknownKey(key, names),
      });
    }
  }
}
