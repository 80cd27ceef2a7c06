/** Handlers of `POST /responses`, `/responses/input_tokens` and `/responses/compact`. */
import type { AnswerWriter } from "../../api/dialect.ts";
import { ApiError } from "../../api/errors.ts";
import { newHexId } from "../../api/ids.ts";
import { type Item, readResponsesBody, type ResponsesBody } from "../../api/responses/body.ts";
import { decodeResponsesRequest, type ResponsesRequest } from "../../api/responses/decode.ts";
import type { ResponseWriter } from "../../api/responses/encode.ts";
import { FIRST_INPUT, itemId, storedItem } from "../../api/responses/items.ts";
import { type ResponseObject, responseObject, responseUsage } from "../../api/responses/object.ts";
import { within } from "../../clock.ts";
import type { PublishedModel } from "../../config/published_models.ts";
import { askForSummary } from "../../reasoning/output/compact.ts";
import { estimatePrompt } from "../../reasoning/usage/estimate.ts";
import type { Usage } from "../../reasoning/usage/meter.ts";
import { MAX_CHANGES } from "../../store/store.ts";
import { answerStream, answerWhole } from "../answering.ts";
import type { Client } from "../client.ts";
import type { Handler } from "../exchange.ts";
import { readJson } from "../http/json_body.ts";
import type { Limits } from "../limits/charge.ts";
import { findModel } from "../models.ts";
import { prepareRun, readRequest, type RunOptions, type RunOrigin } from "../runs.ts";
import { retryOutages } from "../store_outage.ts";
import type { Work } from "../work.ts";
import { type Log, stackWithoutMessage } from "../telemetry/log.ts";
import { availableTools, type SelectedTools, selectTools } from "../tools/hosted.ts";
import type { ApprovalStore } from "../tools/approvals.ts";
import type { Restart } from "./background.ts";
import { serverStopped } from "./runs/errors.ts";
import { recall, type RecallSources, sealSummary } from "./recall.ts";
import { ended, type StoredResponse } from "./response_store.ts";
import { createStoredWriter, type StoredStreamOptions, streamStored } from "./stored_stream.ts";
import type { Vault } from "../../vault.ts";

export interface ResponsesOptions extends RunOptions, RecallSources, StoredStreamOptions {
  /** Begins work that outlives its request. */
  beginWork: () => Work;
  approvals: ApprovalStore;
  log: Log;
  /** Seals requests that run in the background. */
  requestVault: Vault;
  limits: Pick<Limits, "begin">;
  /**
   * Returns the client with this id and owner.
   *
   * @throws {ApiError} 401 if its key was removed, or is not valid any more.
   */
  findClient: (id: string, owner: string) => Client;
}

/** What a server needs to repeat a request. */
interface RepeatableRequest {
  body: unknown;
  strategy: string | undefined;
  hops: string;
}

/** Longest wait of a client for its complete answer to be stored, in milliseconds. */
const SAVE_MS = 2_000;

const NOT_STORED = "A response could not be stored; its client got it as one that is not stored";

/** Reads what a request asks for, and what it refers to. */
async function decode(
  options: ResponsesOptions,
  body: ResponsesBody,
  client: Client,
  strategy?: string,
) {
  const model = findModel(body.model ?? undefined, options.models, client);
  const { context, ancestors } = await recall(options, client.owner, body);
  const available = availableTools(model, client, options.toolbox);
  const decoded = decodeResponsesRequest(body, { ...context, available }, strategy);
  return { model, history: context.history, ancestors, decoded };
}

/** Handles `POST /responses/input_tokens`, which estimates the length of a request's input. */
export function createInputTokensHandler(options: ResponsesOptions): Handler {
  return async (request, { client }) => {
    const body = readResponsesBody(await readJson(request, options));
    const { messages, final } = (await decode(options, body, client)).decoded.reasoning;
    const input_tokens = estimatePrompt(messages, final.tools);
    return Response.json({ object: "response.input_tokens", input_tokens });
  };
}

/** @returns the handler, and the function that restarts a background run. */
export function createResponsesHandler(
  options: ResponsesOptions,
): { handle: Handler; restart: Restart } {
  const { settings, clock, responses, background, approvals, log } = options;

  const handle: Handler = async (request, exchange) => {
    const json = await readRequest(request, exchange, options);
    const body = readResponsesBody(json);
    const { client } = exchange;
    const { owner } = client;
    const strategy = request.headers.get("x-reasoning-strategy") ?? undefined;
    const prepared = await prepare(body, client, strategy);
    const { model, ancestors, decoded, selected, runOptions } = prepared;
    const { reasoning, leftOut, answers } = decoded;
    exchange.logLeftOut(leftOut);
    const stored = newResponse(body, model, decoded, ancestors);
    if (!body.background) {
      const start = await prepareRun(model, reasoning, exchange, runOptions);
      showTools(stored, selected);
      const approved = await approvals.answer(owner, answers, selected);
      const answer = reasoning.stream ? answerStream : answerWhole;
      return await answer({
        events: start(exchange.work.signal, approved),
        writer: storingWriter(owner, stored),
        exchange,
        settings,
        clock,
      });
    }
    const work = options.beginWork();
    try {
      // Before answers to approvals are accepted, since each is accepted only once.
      background.reserve(owner, work);
      const timeoutMs = settings.stream_timeout_ms;
      const streamed = { ...reasoning, stream: true };
      const origin = { ...exchange, work, isCounted: true };
      const start = await prepareRun(model, streamed, origin, runOptions, timeoutMs);
      showTools(stored, selected);
      const approved = await approvals.answer(owner, answers, selected);
      const events = start(work.signal, approved);
      const writer = createStoredWriter(options, owner, stored);
      const repeatable: RepeatableRequest = { body: json, strategy, hops: exchange.hops };
      await background.start({ owner, stored, work, events, writer }, {
        client: client.id,
        timeoutMs,
        // An approved call must not run twice.
        request: background.isDurable && approved.length === 0
          ? await options.requestVault.seal(owner, JSON.stringify(repeatable))
          : undefined,
      });
      options.ledger.addRequest(owner, model.reasoning.id);
    } catch (error) {
      work.end();
      throw error;
    }
    if (!reasoning.stream) return Response.json(stored.response);
    return await streamStored(options, stored, request, exchange);
  };

  const restart: Restart = async ({ client: clientId, owner, sealed, timeoutMs }, stored, work) => {
    const client = options.findClient(clientId, owner);
    const text = await options.requestVault.open(owner, sealed);
    if (text === undefined) {
      log.error("A background response cannot be continued: its server has another `secret`");
      throw serverStopped();
    }
    const { body: json, strategy, hops }: RepeatableRequest = JSON.parse(text);
    const body = { ...readResponsesBody(json), model: stored.response.model };
    const { model, decoded, runOptions } = await prepare(body, client, strategy);
    const reservation = await options.limits.begin(client, "place");
    if (reservation !== undefined) work.onEnd(reservation.end);
    const origin: RunOrigin = {
      work,
      client,
      hops,
      reservation,
      logFields: {},
      observer: undefined,
      match: { route: { path: "/responses" } },
      isCounted: true,
    };
    const streamed = { ...decoded.reasoning, stream: true };
    const start = await prepareRun(model, streamed, origin, runOptions, timeoutMs);
    return { events: start(work.signal), writer: createStoredWriter(options, owner, stored) };
  };

  return { handle, restart };

  /** Reads a request, and which of the server's tools it uses. */
  async function prepare(body: ResponsesBody, client: Client, strategy: string | undefined) {
    const request = await decode(options, body, client, strategy);
    const { reasoning, hosted, input } = request.decoded;
    const items = [...request.history, ...input];
    const selected = hosted &&
      selectTools(options.toolbox, hosted.mcp, reasoning.final.tools, items);
    const runOptions = { ...options, ...(selected && { toolbox: selected.toolbox }) };
    return { ...request, selected, runOptions };
  }

  /** The response at its beginning. */
  function newResponse(
    body: ResponsesBody,
    model: PublishedModel,
    { reasoning, input, clientTools }: ResponsesRequest,
    ancestors: string[],
  ): StoredResponse {
    const response = responseObject(body, {
      createdAt: Math.floor(clock.date() / 1000),
      model: model.reasoning.id,
      effort: reasoning.effort ?? model.reasoning.effort,
    });
    return {
      response,
      input: input.map((item, index) =>
        storedItem(item, (type) => itemId(type, response.id, FIRST_INPUT + index))
      ),
      ancestors,
      stream: {
        summaries: Boolean(body.reasoning?.summary ?? body.reasoning?.generate_summary) ||
          model.format !== "hidden",
        statusLines: model.reasoning.statusLines,
        sealed: body.include?.includes("reasoning.encrypted_content") ?? false,
        clientTools,
      },
    };
  }

  /** A writer that also stores the response at its end, successful or not. */
  function storingWriter(owner: string, stored: StoredResponse): AnswerWriter {
    async function save(response: ResponseObject, thinking: string): Promise<boolean> {
      const last = ended(stored, response, thinking);
      // Several writes cannot be repeated without appending some items twice.
      const isOneWrite = last.input.length + response.output.length < MAX_CHANGES - 1;
      const repeatMs = isOneWrite ? SAVE_MS : 0;
      const work = retryOutages(clock, repeatMs, () => responses.saveNew(owner, last));
      try {
        if (await within(clock, SAVE_MS, work) !== "late") return true;
        log.error(NOT_STORED, { cause: "The store did not answer in time" });
      } catch (error) {
        log.error(NOT_STORED, { cause: stackWithoutMessage(error) });
      }
      return false;
    }
    const writer = createStoredWriter(options, owner, stored, { save });
    const fail: ResponseWriter["fail"] = async (error, begun) => {
      const frames = await writer.fail(error, begun);
      await save(writer.whole(), writer.thinking());
      return frames;
    };
    return {
      encoder: () => ({ ...writer, fail }),
      collector: () => ({
        ...writer,
        async failed(error) {
          await fail(error, true);
          return writer.whole();
        },
      }),
    };
  }
}

/** Handles `POST /responses/compact`. Instructions of the system and developer stay as they are. */
export function createCompactHandler(options: ResponsesOptions): Handler {
  const { clock, vault } = options;
  return async (request, exchange) => {
    const body = readResponsesBody(await readRequest(request, exchange, options));
    const { model, history, decoded } = await decode(options, body, exchange.client);
    const { reasoning, input } = decoded;
    const start = await prepareRun(
      model,
      {
        messages: askForSummary(reasoning.messages),
        stream: false,
        strategy: "direct",
        options: { tools: [] },
        final: {},
      },
      exchange,
      options,
    );
    let summary = "";
    let usage: Usage | undefined;
    for await (const event of start(exchange.work.signal)) {
      if (event.type === "answer") summary += event.text;
      else if (event.type === "usage") usage = event.usage;
    }
    if (summary.trim() === "") throw new ApiError(502, "The model wrote no summary.");
    const id = newHexId("resp_");
    const newId = (type: string, number: number) => itemId(type, id, number);
    const kept = [...history, ...input].filter(isInstructionItem);
    const compaction = {
      id: newId("compaction", kept.length),
      type: "compaction",
      encrypted_content: await sealSummary(vault, exchange.client.owner, summary.trim()),
    };
    return Response.json({
      id,
      object: "response.compaction",
      created_at: Math.floor(clock.date() / 1000),
      output: [
        ...kept.map((item, index) => storedItem(item, (type) => newId(type, index))),
        compaction,
      ],
      usage: usage && responseUsage(usage),
    });
  };
}

/** Stores how the response shows the server's own tools. Called once they are borrowed. */
function showTools({ stream }: StoredResponse, selected: SelectedTools | undefined): void {
  if (selected === undefined) return;
  stream.shownTools = selected.shown();
  stream.clientTools = { ...stream.clientTools, ...selected.askedTools() };
}

function isInstructionItem({ type, role }: Item): boolean {
  return type === "message" && (role === "system" || role === "developer");
}
