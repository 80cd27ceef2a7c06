import { createTestApp, type TestApp } from "../../support/app.ts";
import type { Call, Reply, Upstream } from "../../support/upstream.ts";

/** A thread lives longer than the test that starts it. */
export const threads = { sanitizeOps: false, sanitizeResources: false };

export const STRATEGIES = [
  "direct",
  "think",
  "draft",
  "steps",
  "relay",
  "vote",
  "moa",
  "verify",
  "rsa",
];

/** An app whose models are named after their strategies and have the tool `code`. */
export async function createToolApp(
  upstream: Upstream,
  { model = "", rest = "", threads = 1, lines }: {
    model?: string;
    rest?: string;
    /** Each takes 80 ms of CPU to start. */
    threads?: number;
    lines?: string[];
  } = {},
): Promise<TestApp & AsyncDisposable> {
  const models = STRATEGIES.map((strategy) =>
    `  ${strategy}: { strategy: ${strategy}, upstream: s, model: m, tools: [code], ${model} }`
  );
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: `
upstreams: { s: { base_url: UPSTREAM, retry: { base_ms: 1, max_ms: 1 } } }
models:
${models.join("\n")}
tools: { code: { threads: ${threads} } }
stream_status_feedback: false
${rest}`,
    ...(lines === undefined ? {} : { lines }),
  });
  return { ...app, [Symbol.asyncDispose]: () => app.drain(0) };
}

/** A call of the tool, as an upstream sends it. */
export const codeCall = (code: string, id = "call_1"): Reply => ({
  content: null,
  toolCalls: [{ id, name: "code", arguments: JSON.stringify({ code }) }],
});

/** The messages of a call after the client's question. */
export const resultsOf = ({ body }: Call): string[] =>
  body.messages.filter(({ role }: { role: string }) => role === "tool")
    .map(({ content }: { content: string }) => content);

/** The names of the tools that a call had. */
export const toolsOf = ({ body }: Call): string[] =>
  (body.tools ?? []).map((tool: { function: { name: string } }) => tool.function.name);
