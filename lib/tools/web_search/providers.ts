import { isObject } from "../../json.ts";
import { startOf } from "../../text.ts";
import { textField } from "../failure.ts";
import { type SearchedHosts, siteOperators } from "./domains.ts";

/** Brave's maximum length of a query, which applies to every provider here. */
export const MAX_QUERY_CHARACTERS = 400;

export interface SearchResult {
  title: string;
  url: string;
  snippet: string;
}

export interface Provider {
  /** Base URL of the public service; undefined if everyone runs their own. */
  url?: string;
  /** Whether it can be used only with a key. */
  needsKey: boolean;
  request(query: SearchQuery, count: number, key: string): SearchRequest;
  results(body: unknown): SearchResult[];
}

export interface SearchQuery {
  text: string;
  hosts: SearchedHosts;
}

interface SearchRequest {
  /** Appended to the base URL. */
  path: string;
  headers?: Record<string, string>;
  /** Sent as JSON with POST. */
  body?: unknown;
}

/** Services, by the name in the settings. */
export const providers = {
  /** @see {@link https://docs.searxng.org/dev/search_api.html} */
  searxng: {
    needsKey: false,
    request: (query) => ({
      path: `/search?${new URLSearchParams({ q: withOperators(query), format: "json" })}`,
    }),
    results: (body) => read(body, ["results"], "content"),
  },
  /** @see {@link https://docs.tavily.com/documentation/api-reference/endpoint/search} */
  tavily: {
    url: "https://api.tavily.com",
    needsKey: true,
    request: ({ text, hosts: { only, without } }, count, key) => ({
      path: "/search",
      headers: { authorization: `Bearer ${key}` },
      body: {
        query: text,
        max_results: count,
        ...(only.length > 0 && { include_domains: only }),
        ...(without.length > 0 && { exclude_domains: without }),
      },
    }),
    results: (body) => read(body, ["results"], "content"),
  },
  /** @see {@link https://api-dashboard.search.brave.com/app/documentation/web-search/get-started} */
  brave: {
    url: "https://api.search.brave.com",
    needsKey: true,
    request: (query, count, key) => ({
      path: `/res/v1/web/search?${new URLSearchParams({
        q: withOperators(query),
        count: String(count),
        text_decorations: "false",
      })}`,
      headers: { "x-subscription-token": key },
    }),
    results: (body) => read(body, ["web", "results"], "description"),
  },
  /** @see {@link https://exa.ai/docs/reference/search} */
  exa: {
    url: "https://api.exa.ai",
    needsKey: true,
    request: ({ text, hosts: { only, without } }, count, key) => ({
      path: "/search",
      headers: { "x-api-key": key },
      body: {
        query: text,
        numResults: count,
        contents: { text: { maxCharacters: 1_000 } },
        ...(only.length > 0 && { includeDomains: only }),
        ...(without.length > 0 && { excludeDomains: without }),
      },
    }),
    results: (body) => read(body, ["results"], "text"),
  },
} satisfies Record<string, Provider>;

function withOperators({ text, hosts }: SearchQuery): string {
  const operators = siteOperators(hosts);
  return operators === ""
    ? text
    : `${startOf(text, MAX_QUERY_CHARACTERS - operators.length - 1)} ${operators}`;
}

/** More than any service returns. */
const MAX_ENTRIES = 200;

/** Returns the entries of a list that have a web address; other entries are skipped. */
function read(body: unknown, path: readonly string[], snippetField: string): SearchResult[] {
  let list = body;
  for (const name of path) {
    list = isObject(list) && Object.hasOwn(list, name) ? list[name] : undefined;
  }
  if (!Array.isArray(list)) return [];
  return list.slice(0, MAX_ENTRIES).flatMap((entry) => {
    const url = URL.parse(textField(entry, "url") ?? "");
    if (url === null || !/^https?:$/.test(url.protocol)) return [];
    return [{
      url: url.href,
      title: textField(entry, "title") ?? "",
      snippet: textField(entry, snippetField) ?? "",
    }];
  });
}
