import type { DomainRule } from "../tool.ts";

/** Hosts that a service should search, or not search. At most one of the lists is not empty. */
export interface SearchedHosts {
  only: string[];
  without: string[];
}

const HOST_REGEXP = /^[a-z\d](?:[a-z\d.-]{0,251}[a-z\d])?$/;

/**
 * Returns what services can do with a client's domains. They know no paths, so that results must be
 * checked anyway.
 */
export function searchedHosts({ allowed, blocked = [] }: DomainRule): SearchedHosts {
  const only = allowed?.map((domain) => domain.toLowerCase().split("/", 1)[0]!) ?? [];
  // Without one of them, its pages would be missing.
  if (only.length > 0 && only.every((host) => HOST_REGEXP.test(host))) {
    return { only: [...new Set(only)], without: [] };
  }
  if (only.length > 0) return { only: [], without: [] };
  const without = blocked.flatMap((domain) => {
    const [host = "", ...path] = domain.toLowerCase().split("/");
    return path.every((part) => part === "") && HOST_REGEXP.test(host) ? [host] : [];
  });
  return { only: [], without: [...new Set(without)] };
}

/** Brave takes 400 characters and 50 words, most of which are for the query. */
const MAX_OPERATORS = 10;
const MAX_OPERATOR_CHARACTERS = 200;

/** Returns operators for the end of a query; empty for more hosts than there is room for. */
export function siteOperators({ only, without }: SearchedHosts): string {
  const sites = only.map((host) => `site:${host}`);
  const operators = sites.length > 1
    ? `(${sites.join(" OR ")})`
    : [...sites, ...without.map((host) => `-site:${host}`)].join(" ");
  const fits = only.length + without.length <= MAX_OPERATORS &&
    operators.length <= MAX_OPERATOR_CHARACTERS;
  return fits ? operators : "";
}
