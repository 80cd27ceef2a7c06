/**
 * Finds the model that a request names, among those its client may use, and the upstreams of models.
 */
import { ApiError } from "../api/errors.ts";
import type { Clock } from "../clock.ts";
import type { PublishedModel } from "../config/published_models.ts";
import { allTargetsOf } from "../reasoning/overrides.ts";
import type { UpstreamClient } from "../upstream/client.ts";
import type { Target } from "../upstream/target.ts";
import type { Client } from "./client.ts";

/** Published models by id. The first one serves requests that name none. */
export type Models = ReadonlyMap<string, PublishedModel>;

export function allowedModels({ key }: Client, models: Models): Models {
  const allowed = key?.models;
  if (allowed === undefined) return models;
  return new Map([...models].filter(([id]) => allowed.includes(id)));
}

/**
 * Returns a model that the client may use; the first one if `id` is undefined.
 *
 * @throws {ApiError} 404 if the model does not exist or the client may not use it.
 */
export function findModel(id: string | undefined, models: Models, client: Client): PublishedModel {
  const allowed = allowedModels(client, models);
  const [first] = allowed.values();
  const model = id === undefined ? first : allowed.get(id);
  if (model === undefined) throw modelNotFound(id ?? "", allowed);
  return model;
}

/** The 404 error for an unknown model; its message lists the models that exist. */
export function modelNotFound(id: string, models: ReadonlyMap<string, unknown>): ApiError {
  const ids = [...models.keys()].map((key) => `'${key}'`).join(", ");
  const name = id.length > 100 ? `${id.slice(0, 100)}…` : id;
  return new ApiError(
    404,
    `The model \`${name}\` does not exist or you do not have access to it. Known models are: ${ids}.`,
    { code: "model_not_found" },
  );
}

/** What the state of the upstreams is read from. */
export interface UpstreamSources {
  clock: Clock;
  client: Pick<UpstreamClient, "isCooling">;
  /** Returns the published models. */
  models: () => Iterable<PublishedModel>;
}

/** Returns a target for each upstream that a model may call, by the upstream's name. */
export function upstreamsOf(models: Iterable<PublishedModel>): Map<string, Target> {
  const targets = [...models].flatMap(({ reasoning }) => allTargetsOf(reasoning));
  return new Map(targets.map((target) => [target.name, target]));
}
