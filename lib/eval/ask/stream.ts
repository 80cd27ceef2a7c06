/**
 * Reads the stream of a chat completion to its end.
 *
 * @module
 */
import type { ByteReader } from "../../upstream/wire/bytes.ts";
import { createSseParser } from "../../upstream/wire/sse.ts";
import { type Answer, AskError, type Measured, readErrorObject } from "./answer.ts";

const MAX_LINE = 8_388_608;

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;
const objectOf = (value: unknown): Json => isObject(value) ? value : {};
const textOf = (value: unknown): string => typeof value === "string" ? value : "";
const countOf = (value: unknown): number => typeof value === "number" && value > 0 ? value : 0;

/**
 * Reads the answer from a stream of server-sent events.
 *
 * @param elapsed milliseconds since the request was sent.
 * @throws {AskError} for an error event, and for a stream that ends before its finish.
 */
export async function readAnswer(body: ByteReader, elapsed: () => number): Promise<Answer> {
  const parser = createSseParser(MAX_LINE);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const answer = createAnswerReader(elapsed);
  try {
    for (let bytes = await body.read(); bytes !== undefined; bytes = await body.read()) {
      for (const { data } of parser.push(decoder.decode(bytes, { stream: true }))) answer.add(data);
    }
    for (const { data } of [...parser.push(decoder.decode()), ...parser.end()]) answer.add(data);
  } finally {
    body.close();
  }
  return answer.end();
}

interface AnswerReader {
  add(data: string): void;
  end(): Answer;
}

function createAnswerReader(elapsed: () => number): AnswerReader {
  const content: string[] = [];
  let finish: string | undefined;
  let isDone = false;
  let usage: Json = {};
  let firstReasoning: number | undefined;
  let firstContent: number | undefined;

  return {
    add(data) {
      if (data === "[DONE]") {
        isDone = true;
        return;
      }
      const chunk = parse(data);
      if (isObject(chunk.error) || typeof chunk.error === "string") {
        const { code = "stream_error", message = "the stream ended with an error" } =
          readErrorObject(chunk.error);
        throw new AskError(code, message);
      }
      if (isObject(chunk.usage)) usage = chunk.usage;
      const choice = objectOf(Array.isArray(chunk.choices) ? chunk.choices[0] : undefined);
      const delta = objectOf(choice.delta);
      if (textOf(delta.reasoning_content) + textOf(delta.reasoning) !== "") {
        firstReasoning ??= elapsed();
      }
      const text = textOf(delta.content);
      if (text !== "") {
        firstContent ??= elapsed();
        content.push(text);
      }
      if (textOf(choice.finish_reason) !== "") finish = textOf(choice.finish_reason);
    },
    end() {
      if (!isDone && finish === undefined) {
        throw new AskError("stream_cut", "the stream ended before the answer did", true);
      }
      const measured: Measured = {
        ...usageOf(usage),
        latency_ms: round(elapsed()),
        first_reasoning_ms: firstReasoning && round(firstReasoning),
        first_content_ms: firstContent && round(firstContent),
      };
      return { content: content.join(""), finish, measured };
    },
  };
}

function parse(data: string): Json {
  try {
    return objectOf(JSON.parse(data));
  } catch {
    throw new AskError("malformed_stream", `no JSON in the stream: ${data.slice(0, 80)}`);
  }
}

/** The sums over upstream calls, where `usage.upstream` tells them, else what `usage` has. */
function usageOf(usage: Json): Omit<Measured, "latency_ms"> {
  const upstream = objectOf(usage.upstream);
  const details = objectOf(usage.completion_tokens_details);
  return {
    calls: countOf(upstream.calls) || 1,
    prompt_tokens: countOf(upstream.prompt_tokens) || countOf(usage.prompt_tokens),
    completion_tokens: countOf(usage.completion_tokens),
    reasoning_tokens: countOf(details.reasoning_tokens),
    ...(typeof upstream.cost === "number" ? { cost: upstream.cost } : {}),
  };
}

/** To a tenth of a millisecond. */
function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
