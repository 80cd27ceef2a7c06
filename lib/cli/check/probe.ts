/** Asks an upstream what it supports, with requests of one token. */
import type { Clock } from "../../clock.ts";
import { formatTypeFor } from "../../upstream/capabilities/capabilities.ts";
import type { Fetch } from "../../upstream/attempt.ts";
import { createUpstreamClient } from "../../upstream/client.ts";
import { UpstreamError } from "../../upstream/errors/upstream_error.ts";
import { listModels } from "../../upstream/list_models.ts";
import type { JsonFormat, Target, UpstreamRequest } from "../../upstream/target.ts";
import { hasOutput } from "../../upstream/wire/deltas.ts";

export interface ProbeOptions {
  clock: Clock;
  fetch: Fetch;
  /** Returns a number in [0, 1). */
  random: () => number;
}

/** What was found out, as names and texts in the order of the report. */
export interface Finding {
  name: string;
  text: string;
  isFailure?: boolean;
}

/** Time in which an upstream must answer each question; a local model may have to be loaded. */
const TIMEOUT_MS = 120_000;

const OWNER = "check";

const MESSAGES = [
  { role: "system", content: "Answer briefly." },
  { role: "user", content: 'Answer with the JSON object {"ok": true}.' },
];

const FORMAT: JsonFormat = {
  name: "check",
  schema: {
    type: "object",
    properties: { ok: { type: "boolean" } },
    required: ["ok"],
    additionalProperties: false,
  },
  strict: true,
  inPrompt: false,
};

const TOOLS = [{
  type: "function",
  function: {
    name: "check",
    description: "Checks nothing.",
    parameters: { type: "object", properties: { ok: { type: "boolean" } } },
  },
}];

export async function probeModels(
  { upstream }: Pick<Target, "upstream">,
  wanted: readonly string[],
  { clock, fetch }: ProbeOptions,
): Promise<Finding> {
  const start = clock.now();
  const [apiKey] = [upstream.api_key ?? []].flat();
  try {
    const models = await listModels(upstream, apiKey, AbortSignal.timeout(TIMEOUT_MS), {
      clock,
      fetch,
    });
    const ids = models.map(({ id }) => id);
    const missing = wanted.filter((model) => !ids.includes(model));
    const text = `${ids.length} in ${Math.round(clock.now() - start)} ms` +
      (missing.length === 0 ? "" : `; not among them: ${missing.join(", ")}`);
    return { name: "models", text };
  } catch (error) {
    // Not every provider lists its models.
    const isUnknown = error instanceof UpstreamError && error.code === "upstream_not_found";
    return isUnknown
      ? { name: "models", text: "not listed by the provider" }
      : { name: "models", text: reasonOf(error), isFailure: true };
  }
}

/** Asks a model for one token: plainly with each key, then as JSON, and with a tool. */
export async function probeModel(given: Target, options: ProbeOptions): Promise<Finding[]> {
  const keys = [given.upstream.api_key].flat();
  const retry = { ...given.upstream.retry, max_attempts: 1 };
  const targets = keys.map((key): Target => ({
    ...given,
    upstream: { ...given.upstream, api_key: key, retry },
  }));
  const capabilities = createUpstreamClient(options).capabilitiesFor(OWNER);

  async function ask(target: Target, request: Partial<UpstreamRequest>) {
    const { clock } = options;
    const start = clock.now();
    const found = { firstMs: undefined as number | undefined, hasUsage: false, reasons: false };
    // A client of its own, because calls to one upstream share their keys.
    const deltas = createUpstreamClient(options).call(
      [target],
      { messages: MESSAGES, stream: true, maxTokens: 1, fields: {}, ...request },
      {
        conversation: { owner: OWNER, messages: [] },
        capabilities,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        retries: { left: 0 },
        deadline: clock.now() + TIMEOUT_MS,
      },
    );
    for await (const delta of deltas) {
      if (hasOutput(delta)) found.firstMs ??= Math.round(clock.now() - start);
      found.hasUsage ||= delta.usage !== undefined;
      found.reasons ||= delta.reasoning !== undefined;
    }
    found.firstMs ??= Math.round(clock.now() - start);
    return found;
  }

  const findings: Finding[] = [];
  let working: { target: Target; hasUsage: boolean; reasons: boolean } | undefined;
  for (const [i, target] of targets.entries()) {
    const name = keys.length === 1 ? "one token" : `one token, key ${i + 1}`;
    try {
      const { firstMs, ...found } = await ask(target, {});
      findings.push({ name, text: `after ${firstMs} ms` });
      working ??= { target, ...found };
    } catch (error) {
      findings.push({ name, text: reasonOf(error), isFailure: true });
    }
  }
  if (working === undefined) return findings;
  const { target, hasUsage, reasons } = working;
  const { maxTokens, developerRole, systemMessages, streams, rejectedFields } = capabilities.get(
    target,
  );
  findings.push({
    name: "dialect",
    text: [
      maxTokens === "none" ? "no token limit" : maxTokens,
      systemMessages === "none"
        ? "no system messages"
        : `${developerRole ? "developer" : "system"} messages`,
      streams === "never" ? "no streams" : "streams",
      hasUsage ? "reports usage" : "reports no usage, so tokens are estimated",
      ...reasons ? ["reasons by itself"] : [],
      ...rejectedFields.length > 0 ? [`rejects ${rejectedFields.join(", ")}`] : [],
    ].join(", "),
  });
  const attempt = async (name: string, request: Partial<UpstreamRequest>, text: () => string) => {
    try {
      await ask(target, request);
      findings.push({ name, text: text() });
    } catch (error) {
      const isRejected = error instanceof UpstreamError && error.code === "upstream_rejected";
      findings.push({ name, text: reasonOf(error), isFailure: !isRejected });
    }
  };
  await attempt(
    "JSON mode",
    { json: FORMAT },
    () =>
      formatTypeFor(capabilities.get(target, FORMAT), true, false) ??
        "none; formats are described in the prompt",
  );
  await attempt(
    "tools",
    { fields: { tools: TOOLS } },
    () => capabilities.get(target).rejectedFields.includes("tools") ? "rejected" : "accepted",
  );
  return findings;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof UpstreamError)) return `no answer within ${TIMEOUT_MS / 1000} s`;
  const { message, detail } = error;
  return detail === "" || message.includes(detail) ? message : `${message} (${detail})`;
}
