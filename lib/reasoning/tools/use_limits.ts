import type { DomainRule, ToolContext } from "../../tools/tool.ts";

export type { DomainRule } from "../../tools/tool.ts";

/** What a client allows the server's tools in one request, by their names. */
export interface ToolRules {
  /** Runs of all tools. Default: no limit but those of the model. */
  maxRuns?: number | undefined;
  maxRunsOf?: Readonly<Record<string, number>>;
  domains?: Readonly<Record<string, DomainRule>>;
}

export type ToolUseCounter = ReturnType<typeof createToolUseCounter>;

/** Counts the uses of tools in one request, of all choices. */
export function createToolUseCounter({ maxRuns = Infinity, maxRunsOf, domains }: ToolRules = {}) {
  const runs = new Map<string, number>();
  let all = 0;
  return {
    /** Returns the id of a use; undefined if the client allows no more. */
    begin(name: string): string | undefined {
      const before = runs.get(name) ?? 0;
      const max = own(maxRunsOf, name) ?? Infinity;
      if (all >= maxRuns || before >= max) return undefined;
      runs.set(name, before + 1);
      return `tool_${++all}`;
    },
    /** Returns which pages a tool may use. */
    pages(name: string): Pick<ToolContext, "mayUse" | "domains"> {
      const rule = own(domains, name) ?? {};
      const { allowed, blocked = [] } = rule;
      return {
        domains: rule,
        mayUse: (url) =>
          (allowed?.some((domain) => isWithin(url, domain)) ?? true) &&
          !blocked.some((domain) => isWithin(url, domain)),
      };
    },
  };
}

function own<Value>(record: Readonly<Record<string, Value>> | undefined, name: string) {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}

/** Whether a page is below a domain such as `example.com` or `example.com/blog`. */
function isWithin({ hostname, pathname }: URL, domain: string): boolean {
  const [host = "", ...path] = domain.toLowerCase().split("/");
  if (hostname !== host && !hostname.endsWith(`.${host}`)) return false;
  const below = path.filter((part) => part !== "").map((part) => `/${part}`).join("");
  const page = pathname.toLowerCase();
  return page === below || page.startsWith(`${below}/`);
}
