import { isObject, type JsonObject } from "../../json.ts";
import { type ByteReader, createStreamDecoder } from "../../upstream/wire/bytes.ts";
import { createSseParser } from "../../upstream/wire/sse.ts";
import { type Answer, AskError, type Measured, readErrorObject } from "./answer.ts";

const MAX_LINE_LENGTH = 8_388_608;

const objectOf = (value: unknown): JsonObject => isObject(value) ? value : {};
const textOf = (value: unknown): string => typeof value === "string" ? value : "";
const countOf = (value: unknown): number => typeof value === "number" && value > 0 ? value : 0;
/** Rounds to a tenth of a millisecond. */
const round = (ms: number): number => Math.round(ms * 10) / 10;

/**
 * Reads a streamed chat completion to its end.
 *
 * @param elapsed returns the milliseconds since the request was sent.
 * @throws {AskError} for an error event and for a stream that is cut off.
 */
export async function readAnswer(body: ByteReader, elapsed: () => number): Promise<Answer> {
  let content = "";
  let finish: string | undefined;
  let isDone = false;
  let usage: JsonObject = {};
  let firstReasoning: number | undefined;
  let firstContent: number | undefined;

  for await (const data of readEvents(body)) {
    if (data === "[DONE]") {
      isDone = true;
      continue;
    }
    const chunk = parseChunk(data);
    if (isObject(chunk.usage)) usage = chunk.usage;
    const choice = objectOf(Array.isArray(chunk.choices) ? chunk.choices[0] : undefined);
    const delta = objectOf(choice.delta);
    if (textOf(delta.reasoning_content) !== "" || textOf(delta.reasoning) !== "") {
      firstReasoning ??= round(elapsed());
    }
    const text = textOf(delta.content);
    if (text !== "") firstContent ??= round(elapsed());
    content += text;
    finish = textOf(choice.finish_reason) || finish;
  }
  if (!isDone && finish === undefined) {
    throw new AskError("stream_cut", "the stream ended before the answer did", true);
  }
  const measured: Measured = {
    ...usageOf(usage),
    latency_ms: round(elapsed()),
    first_reasoning_ms: firstReasoning,
    first_content_ms: firstContent,
  };
  return { content, finish, measured };
}

/** Returns the data of each event. */
export async function* readEvents(body: ByteReader): AsyncGenerator<string> {
  const parser = createSseParser(MAX_LINE_LENGTH);
  const decoder = createStreamDecoder();
  try {
    for (let bytes = await body.read(); bytes !== undefined; bytes = await body.read()) {
      for (const { data } of parser.push(decoder.decode(bytes, { stream: true }))) yield data;
    }
    for (const { data } of [...parser.push(decoder.decode()), ...parser.end()]) yield data;
  } finally {
    body.close();
  }
}

function parseChunk(data: string): JsonObject {
  let chunk: JsonObject;
  try {
    chunk = objectOf(JSON.parse(data));
  } catch {
    throw new AskError("malformed_stream", `invalid JSON in the stream: ${data.slice(0, 80)}`);
  }
  if (!isObject(chunk.error) && typeof chunk.error !== "string") return chunk;
  const { code = "stream_error", message = "the stream ended with an error" } = readErrorObject(
    chunk.error,
  );
  throw new AskError(code, message);
}

/** Prefers `usage.upstream`, the sums over all upstream calls. */
function usageOf(usage: JsonObject): Omit<Measured, "latency_ms"> {
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
