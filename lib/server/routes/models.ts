/** Lists models and describes one, in the client's dialect. */
import type { ListedModel } from "../../api/models.ts";
import { describeStrategies } from "../../reasoning/strategies/mod.ts";
import type { StrategyTable } from "../../reasoning/strategy.ts";
import type { Client } from "../client.ts";
import type { Handler } from "../exchange.ts";
import { allowedModels, modelNotFound, type Models } from "../models.ts";
import type { Route } from "../router.ts";
import { withAllowedTools } from "../tools/toolbox.ts";
import { optionFields } from "./option_fields.ts";

/**
 * The routes of `/models`. A client only sees the models that it may use.
 *
 * @param created seconds since 1970.
 * @param maxSamples maximum of options that set a number of samples.
 */
export function modelRoutes(
  models: Models,
  table: StrategyTable,
  created: number,
  maxSamples: number,
): Route<Handler>[] {
  let fields: ReturnType<typeof optionFields> | undefined;
  // Made when first read: it takes 10 ms, which would delay every start.
  const allFields = () => fields ??= optionFields(table, maxSamples);
  const list = (client: Client): ListedModel[] =>
    [...allowedModels(client, models).values()].map(({ reasoning, facts }) => {
      const { id, strategy } = reasoning;
      const options: Record<string, unknown> = { ...reasoning.options, ...reasoning.modifiers };
      const names = Object.keys(allFields()[strategy] ?? {});
      return {
        ...facts,
        id,
        description: table[strategy]?.summary ?? "",
        strategy,
        // JSON leaves out those that are undefined.
        options: Object.fromEntries(names.map((name) => [name, options[name]])),
        tools: withAllowedTools(reasoning, client).serverTools,
      };
    });
  return [
    {
      method: "GET",
      path: "/models",
      handle({ url }, { client, dialect }) {
        const query = new URL(url).searchParams;
        const strategies = describeStrategies(table).map((strategy) => ({
          ...strategy,
          options: allFields()[strategy.name]!,
        }));
        return Response.json(
          dialect.modelList({ models: list(client), strategies, created, query }),
        );
      },
    },
    {
      method: "GET",
      path: "/models/*id",
      handle(_request, { client, dialect }, { id }) {
        const model = list(client).find((model) => model.id === id);
        if (model === undefined) throw modelNotFound(id!, allowedModels(client, models));
        return Response.json(dialect.model(model, created));
      },
    },
  ];
}
