import { parseBody } from "../../api/body.ts";
import { messagesBody, promptBody } from "../../api/messages/body.ts";
import { readConversation, wantedSignatures } from "../../api/messages/conversation.ts";
import { decodeMessagesRequest, readTools } from "../../api/messages/decode.ts";
import { messageHead, messageWriter } from "../../api/messages/encode.ts";
import { selectServers } from "../../api/messages/mcp_servers.ts";
import { estimatePrompt } from "../../reasoning/usage/estimate.ts";
import { answerStream, answerWhole } from "../answering.ts";
import { readJson } from "../http/json_body.ts";
import type { Handler } from "../exchange.ts";
import type { Route } from "../router.ts";
import { findModel } from "../models.ts";
import { prepareRun, readRequest, type RunOptions } from "../runs.ts";
import { availableTools, selectTools } from "../tools/hosted.ts";
import type { Vault } from "../../vault.ts";

export interface MessagesOptions extends RunOptions {
  /** Seals reasoning into the signatures of thinking blocks, and opens them. */
  vault: Vault;
}

export function messagesRoutes(options: MessagesOptions): Route<Handler>[] {
  return [
    { method: "POST", path: "/messages", meter: "place", handle: createMessagesHandler(options) },
    {
      method: "POST",
      path: "/messages/count_tokens",
      meter: "request",
      handle: createTokenCounter(options),
    },
  ];
}

function createMessagesHandler(options: MessagesOptions): Handler {
  const { settings, clock, vault } = options;

  return async (request, exchange) => {
    const body = parseBody(messagesBody, await readRequest(request, exchange, options));
    const { owner } = exchange.client;
    const model = findModel(body.model ?? undefined, options.models, exchange.client);
    // Thinking by signature; undefined for a signature from elsewhere, or a changed one.
    const thinkingBySignature = new Map(
      await Promise.all(
        wantedSignatures(body).map(async (signature) =>
          [signature, await vault.open(owner, signature)] as const
        ),
      ),
    );
    const available = availableTools(model, exchange.client, options.toolbox);
    const { reasoning, thinking, leftOut, serverTools } = decodeMessagesRequest(body, {
      available,
      thinkingOf: (signature) => thinkingBySignature.get(signature),
      strategy: request.headers.get("x-reasoning-strategy") ?? undefined,
    });
    exchange.logLeftOut(leftOut);
    const selected = serverTools && selectTools(options.toolbox, serverTools.mcp);
    const runOptions = { ...options, ...(selected && { toolbox: selected.toolbox }) };
    const start = await prepareRun(model, reasoning, exchange, runOptions);
    const inputTokens = estimatePrompt(reasoning.messages, reasoning.final.tools);
    const answer = reasoning.stream ? answerStream : answerWhole;
    return await answer({
      events: start(exchange.work.signal),
      writer: messageWriter(messageHead(model.reasoning.id, inputTokens), {
        thinking,
        serverTools: serverTools &&
          { kinds: serverTools.kinds, mcpTools: selected!.mcpTools() },
        statusLines: model.reasoning.statusLines,
        sign: (text) => vault.seal(owner, text),
      }),
      exchange,
      settings,
      clock,
    });
  };
}

/** Estimates the count: the upstream's own count is only known after a call. */
function createTokenCounter(options: MessagesOptions): Handler {
  return async (request, { client }) => {
    const body = parseBody(promptBody, await readJson(request, options));
    const model = findModel(body.model ?? undefined, options.models, client);
    const available = availableTools(model, client, options.toolbox);
    const { mcp } = selectServers(body, available);
    const { fields } = readTools(body, available.kinds, mcp.map(({ label }) => label));
    return Response.json({ input_tokens: estimatePrompt(readConversation(body), fields.tools) });
  };
}
