import { tryParse } from "../../json.ts";
import { startOf } from "../../text.ts";
import { ToolFailure } from "../failure.ts";
import { readText } from "../read_text.ts";
import type { ToolContext, ToolResult } from "../tool.ts";
import { searchedHosts } from "./domains.ts";
import { MAX_QUERY_CHARACTERS, type Provider, type SearchResult } from "./providers.ts";

/** Longest answer of a service. One with 20 results has about 100 kB. */
const MAX_BYTES = 2_097_152;

const MAX_TITLE_CHARACTERS = 200;
const MAX_URL_CHARACTERS = 2_048;

export interface SearchSettings {
  provider: Provider;
  url: string;
  key: string;
  count: number;
  snippetCharacters: number;
}

/**
 * @throws {ToolFailure} without the address, the key and the words of the service.
 */
export async function search(
  query: string,
  settings: SearchSettings,
  signal: AbortSignal,
  { mayUse = () => true, domains = {} }: Pick<ToolContext, "mayUse" | "domains"> = {},
): Promise<ToolResult> {
  const { provider, url, key, count } = settings;
  const { path, headers, body } = provider.request(
    { text: startOf(query, MAX_QUERY_CHARACTERS), hosts: searchedHosts(domains) },
    count,
    key,
  );
  const response = await fetch(url.replace(/\/+$/, "") + path, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      accept: "application/json",
      "user-agent": "o1-api",
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    // The key must not go to another host.
    redirect: "manual",
    signal,
  }).catch(() => {
    throw new ToolFailure("The search service can't be reached.");
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new ToolFailure(`The search service answered with status ${response.status}.`);
  }
  const found = tryParse(await readText(response, MAX_BYTES));
  if (found === undefined) throw new ToolFailure("The answer of the search service is invalid.");
  const results = provider.results(found);
  const allowed = results.filter(isNew).filter(({ url }) => mayUse(new URL(url)));
  return show(allowed.slice(0, count), settings.snippetCharacters);
}

function isNew({ url }: SearchResult, index: number, results: SearchResult[]): boolean {
  return url.length <= MAX_URL_CHARACTERS &&
    results.findIndex((result) => result.url === url) === index;
}

function show(results: SearchResult[], snippetCharacters: number): ToolResult {
  const line = (text: string, length: number) =>
    startOf(text.slice(0, 10 * length).replace(/\s+/g, " ").trim(), length);
  const citations = results.map(({ url, title }) => ({
    url,
    title: line(title, MAX_TITLE_CHARACTERS) || url,
  }));
  const entries = results.map(({ url, snippet }, index) =>
    `${index + 1}. ${citations[index]!.title}\n${url}\n${line(snippet, snippetCharacters)}`.trim()
  );
  const text = entries.length > 0 ? entries.join("\n\n") : "There are no results.";
  return { content: [{ type: "text", text }], citations };
}
