import type { Dialect } from "../dialect.ts";
import { openAiForm } from "../openai.ts";

/** Chat Completions, and every path that belongs to no other dialect. */
export const chatDialect: Dialect = { ...openAiForm, matches: () => true };
