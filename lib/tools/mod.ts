import { code } from "./code/kind.ts";
import { fetchKind } from "./fetch/kind.ts";
import { mcp } from "./mcp/kind.ts";
import type { ToolKind } from "./tool.ts";
import { webSearch } from "./web_search/kind.ts";

/**
 * Every kind of tool; a new one needs its file and its line here. A kind imports large packages
 * only when it is opened.
 */
export const toolKinds: Readonly<Record<string, ToolKind>> = {
  code,
  fetch: fetchKind,
  mcp,
  web_search: webSearch,
};
