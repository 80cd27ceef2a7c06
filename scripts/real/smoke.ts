import { REQUESTS } from "./requests.ts";

export interface SmokeOptions {
  /** Answers a request, without the token of the server. */
  send(body: Record<string, unknown>): Promise<Response>;
  /** Ids of models; the first one makes plain calls. */
  models: readonly string[];
  /** Bodies by what is special in them. Default: all of {@linkcode REQUESTS}. */
  requests?: typeof REQUESTS;
  /** Fields of every request. */
  common?: Record<string, unknown>;
  /** Called after each request with what is known. */
  onProgress?: (report: SmokeReport) => void;
  /** Ends the test with what is known. */
  signal?: AbortSignal;
}

export interface SmokeReport {
  /** Number of answers. */
  answered: number;
  /** Requests that plain calls do not answer either. */
  skipped: string[];
  /** A line for each request that only plain calls answer. */
  failures: string[];
}

/** Sends each request to each model, as a stream and as JSON. */
export async function smoke(options: SmokeOptions): Promise<SmokeReport> {
  const report: SmokeReport = { answered: 0, skipped: [], failures: [] };
  const [direct = "", ...models] = options.models;
  for (const [name, body] of Object.entries(options.requests ?? REQUESTS)) {
    for (const stream of [false, true]) {
      if (options.signal?.aborted) return report;
      const title = `${name}, ${stream ? "stream" : "JSON"}`;
      const faultOf = async (model: string) => {
        const fault = await faultOfAnswer(options, { ...body, model, stream });
        if (fault === undefined) report.answered++;
        return fault;
      };
      const plain = await faultOf(direct);
      if (plain !== undefined) {
        report.skipped.push(`${title}: ${plain}`);
        continue;
      }
      await Promise.all(models.map(async (model) => {
        const fault = await faultOf(model);
        if (fault !== undefined) report.failures.push(`${model}, ${title}: ${fault}`);
      }));
      options.onProgress?.(report);
    }
  }
  return report;
}

type Body = Record<string, unknown> & { stream: boolean };

/** Returns what is wrong with the answer to a request, or undefined. */
async function faultOfAnswer(
  { send, common = {} }: SmokeOptions,
  body: Body,
): Promise<string | undefined> {
  const response = await send({ ...common, ...body });
  const text = await response.text();
  if (!response.ok) return `status ${response.status}: ${text.slice(0, 200)}`;
  try {
    const answer = body.stream ? readStream(text) : readMessage(JSON.parse(text).choices[0]);
    return faultOfParts(answer, body);
  } catch (error) {
    return String(error);
  }
}

interface Parts {
  content: string;
  calls: number;
  finish: unknown;
}

function readMessage({ message, finish_reason }: Choice): Parts {
  return {
    content: message.content ?? "",
    calls: message.tool_calls?.length ?? 0,
    finish: finish_reason,
  };
}

interface Message {
  content?: string | null;
  tool_calls?: unknown[];
}

interface Choice {
  message: Message;
  finish_reason: unknown;
}

function readStream(text: string): Parts {
  const events = text.split("\n").filter((line) => line.startsWith("data: "))
    .map((line) => line.slice(6));
  const hasEnd = events.at(-1) === "[DONE]";
  if (hasEnd) events.pop();
  const parts: Parts = { content: "", calls: 0, finish: null };
  for (const event of events) {
    const { error, choices = [] } = JSON.parse(event);
    if (error !== undefined) throw new Error(`error event: ${JSON.stringify(error)}`);
    for (const { delta, finish_reason } of choices) {
      parts.content += delta.content ?? "";
      parts.calls += delta.tool_calls?.length ?? 0;
      parts.finish = finish_reason ?? parts.finish;
    }
  }
  if (!hasEnd) throw new Error("the stream has no end");
  return parts;
}

function faultOfParts({ content, calls, finish }: Parts, body: Body): string | undefined {
  if (typeof finish !== "string") return "no finish_reason";
  if (content.trim() === "" && calls === 0) return `an empty answer (${finish})`;
  if (calls > 0 || body.response_format === undefined || finish === "length") return undefined;
  try {
    JSON.parse(content);
    return undefined;
  } catch {
    return `not JSON: ${content.slice(0, 100)}`;
  }
}
