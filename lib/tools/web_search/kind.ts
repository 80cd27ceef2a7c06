import { z } from "zod";
import { attempt, failureResult, textField } from "../failure.ts";
import { headerText, serviceUrl } from "../settings.ts";
import type { Tool, ToolKind } from "../tool.ts";
import { type Provider, providers } from "./providers.ts";
import { search } from "./search.ts";

type ProviderName = keyof typeof providers;

const providerNames = Object.keys(providers) as [ProviderName, ...ProviderName[]];

const options = z.strictObject({
  provider: z.enum(providerNames).describe("Service that searches."),
  url: serviceUrl.optional().describe(
    "Base URL of the service. Required for `searxng`, whose JSON format must be enabled.",
  ),
  api_key: headerText.optional().describe("Key for the service. Required except for `searxng`."),
  max_results: z.number().int().min(1).max(20).default(5).describe(
    "Maximum number of results that the model gets.",
  ),
  snippet_characters: z.number().int().min(0).max(5_000).default(500).describe(
    "Maximum length of the text of each result.",
  ),
  time_ms: z.number().int().min(100).max(120_000).default(10_000).describe(
    "Time limit for one search, in milliseconds.",
  ),
}).superRefine(({ provider, url, api_key }, context) => {
  const require = (path: string, what: string) =>
    context.addIssue({ code: "custom", path: [path], message: `${provider} needs ${what}` });
  const { url: publicUrl, needsKey }: Provider = providers[provider];
  if ((url ?? publicUrl) === undefined) require("url", "the URL of your instance");
  if (needsKey && (api_key ?? "") === "") require("api_key", "a key");
});

export const webSearch: ToolKind<typeof options> = {
  options,
  open: (settings) => ({
    tools: () => Promise.resolve([createSearchTool(settings)]),
    close: () => Promise.resolve(),
  }),
};

function createSearchTool(settings: z.output<typeof options>): Tool {
  const provider: Provider = providers[settings.provider];
  const searchSettings = {
    provider,
    url: settings.url ?? provider.url ?? "",
    key: settings.api_key ?? "",
    count: settings.max_results,
    snippetCharacters: settings.snippet_characters,
  };
  return {
    name: "web_search",
    description: "Searches the web and returns titles, URLs and short texts of pages. " +
      "Use it for facts that are recent or that you are not sure of.",
    parameters: {
      type: "object",
      properties: { query: { type: "string", description: "What to search for." } },
      required: ["query"],
      additionalProperties: false,
    },
    async run(args, context) {
      const query = textField(args, "query")?.trim() ?? "";
      if (query === "") return failureResult('Expected an object with the text "query".');
      return await attempt(
        context,
        settings.time_ms,
        (signal) => search(query, searchSettings, signal, context),
      );
    },
  };
}
