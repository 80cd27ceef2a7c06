/**
 * Lists models and describes one, in the client's dialect.
 *
 * @module
 */
import type { ListedModel } from "../../api/models.ts";
import { describeStrategies } from "../../reasoning/strategies/mod.ts";
import type { StrategyTable } from "../../reasoning/strategy.ts";
import type { Client } from "../client.ts";
import type { Handler } from "../exchange.ts";
import { allowedModels, modelNotFound, type Models } from "../models.ts";
import type { Route } from "../router.ts";

/**
 * The routes of `/models`. A client only sees the models that it may use.
 *
 * @param created seconds since 1970.
 */
export function modelRoutes(
  models: Models,
  table: StrategyTable,
  created: number,
): Route<Handler>[] {
  const strategies = describeStrategies(table);
  const list = (client: Client): ListedModel[] =>
    [...allowedModels(client, models).values()].map(({ reasoning: { id, strategy }, facts }) => ({
      ...facts,
      id,
      description: table[strategy]?.summary ?? "",
      strategy,
    }));
  return [
    {
      method: "GET",
      path: "/models",
      handle({ url }, { client, dialect }) {
        const query = new URL(url).searchParams;
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
