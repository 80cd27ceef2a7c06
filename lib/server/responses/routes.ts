/**
 * The routes of `/responses` and `/conversations`.
 *
 * @module
 */
import type { BackgroundRuns } from "./background.ts";
import type { Handler } from "../exchange.ts";
import { keptRoutes } from "./stored_routes.ts";
import { createMemory, type MemoryOptions } from "./recall.ts";
import { createInputTokensHandler, createResponsesHandler } from "./handler.ts";
import type { Route } from "../router.ts";
import type { RunOptions } from "../runs.ts";
import type { Work } from "../work.ts";

/** What the routes need from outside. */
export interface ResponsesRoutesOptions extends RunOptions, Omit<MemoryOptions, "background"> {
  /** Runs without clients, which go on over reloads; empty until they are first needed. */
  background: { runs?: BackgroundRuns };
  /** Begins work that outlives its request. */
  beginWork: () => Work;
}

/** The routes of the Responses and Conversations APIs. */
export function responsesRoutes(options: ResponsesRoutesOptions): Route<Handler>[] {
  const { background } = options;
  const memory = createMemory({ ...options, background: background.runs });
  background.runs = memory.background;
  const responses = { ...options, memory };
  return [
    { method: "POST", path: "/responses", handle: createResponsesHandler(responses) },
    {
      method: "POST",
      path: "/responses/input_tokens",
      handle: createInputTokensHandler(responses),
    },
    ...keptRoutes(responses),
  ];
}
