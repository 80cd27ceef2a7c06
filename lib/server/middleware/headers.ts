import type { Clock } from "../../clock.ts";
import { VERSION } from "../version.ts";
import type { HeaderStep } from "./chain.ts";

/** Adds the headers that OpenAI sends with every response, the request's id and the version. */
export function standardHeaders(clock: Clock): HeaderStep {
  return (_request, { id, start, dialect }, headers) => {
    headers.set("x-request-id", id);
    if (dialect.requestIdHeader !== undefined) headers.set(dialect.requestIdHeader, id);
    headers.set("x-o1-api-version", VERSION);
    headers.set("openai-version", "2020-10-01");
    headers.set("openai-organization", "o1-api");
    headers.set("openai-processing-ms", String(Math.round(clock.now() - start)));
  };
}
