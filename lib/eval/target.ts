import { isDemo } from "../config/base_url.ts";
import type { AppOptions } from "../server/app.ts";
import type { AskOptions } from "./ask/ask.ts";
import { inProcess } from "./ask/in_process.ts";
import { type PricedModel, pricedModel } from "./cost.ts";

export interface Target extends Pick<AskOptions, "baseUrl" | "apiKey" | "send" | "attempts"> {
  /** Whether the built-in demo model answers. */
  isDemo: boolean;
  /** Returns undefined if the prices of a model are not known. */
  priced(model: string): PricedModel | undefined;
  /** Ends what runs in this process. */
  close?(): Promise<void>;
}

/**
 * Asks the configured models in this process. Reasoning is sent in its own fields and status lines
 * are off, so that the answer holds nothing else and the first reasoning token is one of thinking.
 * The server retries upstream calls itself.
 */
export function configuredTarget(
  options: Pick<AppOptions, "config" | "clock" | "random" | "fetch">,
): Target {
  const { config } = options;
  const endpoint = inProcess({
    ...options,
    config: {
      ...config,
      server: { ...config.server, strict_openai: false },
      // Limits are meant for clients.
      keys: [],
      limits: {},
      models: config.models.map((model) => ({
        reasoning: { ...model.reasoning, statusLines: false },
        format: "both",
        facts: {},
      })),
    },
  });
  return {
    ...endpoint,
    attempts: 1,
    isDemo: config.models.some(({ reasoning }) =>
      reasoning.targets.some(({ upstream }) => isDemo(upstream.base_url))
    ),
    priced(id) {
      const model = config.models.find(({ reasoning }) => reasoning.id === id);
      return model && pricedModel(model.reasoning, config.strategies);
    },
  };
}

/** Asks a server over HTTP and retries temporary failures. */
export function remoteTarget(baseUrl: string, apiKey: string | undefined): Target {
  return {
    baseUrl,
    apiKey,
    send: (request) => fetch(request),
    attempts: 5,
    isDemo: false,
    priced: () => undefined,
  };
}
