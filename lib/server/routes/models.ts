/**
 * Answers what models there are, in the shape that the client knows.
 *
 * @module
 */
import { messagesModel, messagesModelList } from "../../api/messages/models.ts";
import { type ListedModel, modelList, modelObject } from "../../api/models.ts";
import { strategies } from "../../reasoning/strategies/mod.ts";
import type { Client } from "../middleware/auth.ts";
import type { Handler } from "../exchange.ts";
import type { Route } from "../router.ts";
import { modelNotFound, type Models, modelsOf } from "../runs.ts";

/** Whether a request for a path comes from a client of Anthropic's API. */
export function speaksMessages(path: string, headers: Headers): boolean {
  if (path === "/messages" || path.startsWith("/messages/")) return true;
  return (path === "/models" || path.startsWith("/models/")) && headers.has("anthropic-version");
}

/**
 * The routes of `/models`: each client is told of the models that it may use.
 *
 * @param created seconds since 1970.
 */
export function modelRoutes(models: Models, created: number): Route<Handler>[] {
  const listed = (client: Client): ListedModel[] =>
    [...modelsOf(client, models).values()].map(({ reasoning: { id, strategy } }) => ({
      id,
      description: strategies[strategy]?.summary ?? "",
      strategy,
    }));
  return [
    {
      method: "GET",
      path: "/models",
      handle: ({ url, headers }, { client }) =>
        Response.json(
          speaksMessages("/models", headers)
            ? messagesModelList(listed(client), created, new URL(url).searchParams)
            : modelList(listed(client), created),
        ),
    },
    {
      method: "GET",
      path: "/models/*id",
      handle({ headers }, { client }, { id }) {
        const model = listed(client).find((each) => each.id === id);
        if (model === undefined) throw modelNotFound(id!, modelsOf(client, models));
        const shape = speaksMessages("/models", headers) ? messagesModel : modelObject;
        return Response.json(shape(model, created));
      },
    },
  ];
}
