/**
 * An app that publishes every strategy under its own name, over one scripted upstream.
 *
 * @module
 */
import { parseConfig } from "../../../../lib/config/load.ts";
import { resolveConfig } from "../../../../lib/config/resolve.ts";
import { createRandom } from "../../../../lib/random.ts";
import { createApp } from "../../../../lib/server/app.ts";
import { createLog } from "../../../../lib/server/telemetry/log.ts";
import { type Clock, systemClock } from "../../../../lib/clock.ts";
import { type Chunk, parseStream } from "../../../support/app.ts";
import { checkResponse } from "../../../spec/checked_response.ts";
import type { Upstream } from "../../../support/upstream.ts";
import { limitReads, waitFor } from "../../../support/wait.ts";
import { STRATEGIES } from "./cases.ts";

/** Settings that are merged into the defaults. */
export interface StrategyAppOptions {
  /** Into each model's entry. */
  model?: Record<string, unknown>;
  /** Into the upstream's entry. */
  upstream?: Record<string, unknown>;
  /** Into the top level of the configuration. */
  config?: Record<string, unknown>;
  /** Returns a number in [0, 1). */
  random?: () => number;
  clock?: Clock;
  /** As in the server's options. */
  readsModelLists?: boolean;
}

/** A completion as its client sees it. */
export interface Answer {
  status: number;
  content: string;
  reasoning: string;
  /** The finish reason; `error` if there is none. */
  finish: string;
  /** The whole JSON, or the last chunk of a stream. */
  // deno-lint-ignore no-explicit-any -- tests read any field of it
  json: any;
  /** Empty unless it was a stream. */
  chunks: Chunk[];
}

export interface StrategyApp {
  /** Sends a request to the model of this name, which is its strategy's name. */
  send(model: string, body?: Record<string, unknown>, init?: RequestInit): Promise<Response>;
  /** Sends a request and reads the whole response. */
  ask(model: string, body?: Record<string, unknown>): Promise<Answer>;
}

/** The question of requests without messages; closed, so that `auto` votes on it. */
export const QUESTION = "What is 6 * 7?";

/** Creates the app. Upstream calls are not retried by default. */
export async function createStrategyApp(
  upstream: Pick<Upstream, "url">,
  options: StrategyAppOptions = {},
): Promise<StrategyApp> {
  const clock = options.clock ?? systemClock;
  const entry = {
    base_url: upstream.url,
    retry: { max_attempts: 1, base_ms: 1, max_ms: 50 },
    ...options.upstream,
  };
  const file = {
    api_bearer_token: "strategies-4711",
    stream_status_feedback: false,
    upstreams: { scripted: entry },
    models: Object.fromEntries(
      STRATEGIES.map((strategy) => [
        strategy,
        { strategy, upstream: "scripted", model: "scripted-model", ...options.model },
      ]),
    ),
    ...options.config,
  };
  const config = await parseConfig(JSON.stringify(file), {
    file: "config.yaml",
    env: () => undefined,
    readFile: () => Promise.reject(new Error("no file")),
  });
  const app = createApp({
    config: await resolveConfig(config, { env: () => undefined }),
    clock,
    random: options.random ?? createRandom(4711),
    fetch,
    readsModelLists: options.readsModelLists ?? false,
    log: createLog({ level: "error", format: "json", now: () => 0, write: () => {} }),
  });
  async function send(
    model: string,
    body: Record<string, unknown> = {},
    init: RequestInit = {},
  ): Promise<Response> {
    const request = new Request("http://localhost/v1/chat/completions", {
      method: "POST",
      headers: {
        authorization: "Bearer strategies-4711",
        "content-type": "application/json",
      },
      body: JSON.stringify({
        model,
        messages: [{ role: "user", content: QUESTION }],
        ...body,
      }),
      ...init,
    });
    const response = await waitFor(`the response of ${model}`, app.handle(request));
    return limitReads(
      checkResponse(request, response),
      `the next part of the response of ${model}`,
    );
  }
  return {
    send,
    async ask(model, body = {}) {
      const response = await send(model, body);
      const text = await response.text();
      return body.stream && response.status === 200
        ? streamed(text)
        : whole(response.status, JSON.parse(text));
    },
  };
}

function streamed(text: string): Answer {
  const { chunks, content, reasoning, error } = parseStream(text);
  const finish = chunks.map((chunk) => chunk.choices[0]?.finish_reason).findLast(Boolean);
  const json = error === undefined ? chunks.at(-1) : { error };
  return { status: 200, content, reasoning, finish: finish ?? "error", json, chunks };
}

// deno-lint-ignore no-explicit-any -- any response
function whole(status: number, json: any): Answer {
  const choice = json.choices?.[0];
  return {
    status,
    content: choice?.message.content ?? "",
    reasoning: choice?.message.reasoning_content ?? "",
    finish: choice?.finish_reason ?? "error",
    json,
    chunks: [],
  };
}
