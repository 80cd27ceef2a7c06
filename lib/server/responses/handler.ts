/**
 * Answers `POST /responses`: streamed, whole, or without its client.
 *
 * @module
 */
import type { AnswerWriter } from "../../api/dialect.ts";
import { readResponsesBody, type ResponsesBody } from "../../api/responses/body.ts";
import { FIRST_INPUT, itemId, storedItem } from "../../api/responses/items.ts";
import { type ResponseObject, responseObject, tokenCount } from "../../api/responses/object.ts";
import { decodeResponsesRequest, type ResponsesRequest } from "../../api/responses/decode.ts";
import {
  createResponseWriter,
  type ResponseWriter,
  type ResponseWriterOptions,
} from "../../api/responses/encode.ts";
import type { PublishedModel } from "../../config/published_models.ts";
import { estimatePrompt } from "../../reasoning/usage.ts";
import { answerStream, answerWhole } from "../answering.ts";
import { readJson } from "../http/json_body.ts";
import type { Exchange, Handler } from "../exchange.ts";
import type { KeptResponse } from "./stored.ts";
import type { Memory } from "./recall.ts";
import { findModel } from "../models.ts";
import { prepareRun, readRequest, type RunOptions } from "../runs.ts";
import type { Work } from "../work.ts";

/** What the making of responses needs from outside. */
export interface ResponsesOptions extends RunOptions {
  /** What earlier requests left behind. */
  memory: Memory;
  /** Begins work that outlives its request. */
  beginWork: () => Work;
}

/** One response on its way. */
interface Making {
  body: ResponsesBody;
  owner: string;
  model: PublishedModel;
  decoded: ResponsesRequest;
  kept: KeptResponse;
}

/** Creates the handler of `POST /responses/input_tokens`: about how long a request's input is. */
export function createInputTokensHandler(options: ResponsesOptions): Handler {
  const { models, memory } = options;
  return async (request, exchange) => {
    const body = readResponsesBody(await readJson(request, options));
    findModel(body.model ?? undefined, models, exchange.client);
    const { known } = await memory.recall(exchange.client.owner, body);
    const { messages, final } = decodeResponsesRequest(body, known).reasoning;
    return Response.json(tokenCount(estimatePrompt(messages, final.tools)));
  };
}

/** Creates the handler of `POST /responses`. Throws what `toApiError` understands. */
export function createResponsesHandler(options: ResponsesOptions): Handler {
  const { settings, clock, memory } = options;

  return async (request, exchange) => {
    const body = readResponsesBody(await readRequest(request, exchange, options));
    const model = findModel(body.model ?? undefined, options.models, exchange.client);
    const { owner } = exchange.client;
    const { known, ids } = await memory.recall(owner, body);
    const strategy = request.headers.get("x-reasoning-strategy") ?? undefined;
    const decoded = decodeResponsesRequest(body, known, strategy);
    const kept = keptAtFirst(body, model, decoded, ids);
    const making: Making = { body, owner, model, decoded, kept };
    if (body.background) return await makeAlone(making, request, exchange);
    const start = await prepareRun(model, decoded.reasoning, exchange, options);
    const answer = decoded.reasoning.stream ? answerStream : answerWhole;
    return await answer({
      events: start(exchange.work.signal),
      writer: keeping(making),
      exchange,
      settings,
      clock,
    });
  };

  function keptAtFirst(
    body: ResponsesBody,
    model: PublishedModel,
    { input, reasoning }: ResponsesRequest,
    ancestors: string[],
  ): KeptResponse {
    const response = responseObject(body, {
      createdAt: Math.floor(clock.date() / 1000),
      model: model.reasoning.id,
      effort: reasoning.effort ?? model.reasoning.effort,
      store: body.store !== false,
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
      },
    };
  }

  function writerOf({ kept }: Making, keep?: ResponseWriterOptions["keep"]): ResponseWriter {
    return createResponseWriter({
      head: kept.response,
      summaries: kept.stream!.summaries,
      statusLines: kept.stream!.statusLines,
      seal: kept.stream!.sealed ? memory.seal : undefined,
      keep,
      date: clock.date,
    });
  }

  /** Writes a response that is kept as it ends, well or not. */
  function keeping(making: Making): AnswerWriter {
    const keep = (response: ResponseObject, thinking: string) =>
      memory.keep(making.owner, {
        ...making.kept,
        response,
        ...(thinking === "" ? {} : { thinking }),
      });
    const writer = writerOf(making, keep);
    const fail: ResponseWriter["fail"] = async (error, begun) => {
      const frames = await writer.fail(error, begun);
      // What failed is kept for those who look for it; that it failed is news enough.
      await keep(writer.response(), writer.thinking()).catch(() => {});
      return frames;
    };
    return {
      encoder: () => ({ ...writer, fail }),
      collector: () => ({
        ...writer,
        async failed(error) {
          await fail(error, true);
          return writer.response();
        },
      }),
    };
  }

  async function makeAlone(
    making: Making,
    request: Request,
    exchange: Exchange,
  ): Promise<Response> {
    const { owner, kept, model, decoded } = making;
    const work = options.beginWork();
    try {
      const reasoning = { ...decoded.reasoning, stream: true };
      const start = await prepareRun(model, reasoning, exchange, options, work);
      await memory.background.start({
        owner,
        kept,
        work,
        events: start(work.signal),
        writer: writerOf(making),
        finish: (last, changes, version) => memory.keep(owner, last, changes, version),
      });
    } catch (error) {
      work.end();
      throw error;
    }
    if (!decoded.reasoning.stream) return Response.json(kept.response);
    return await memory.answerAgain(owner, kept, { request, exchange, settings, clock });
  }
}
